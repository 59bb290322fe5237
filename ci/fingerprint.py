#!/usr/bin/env python3
"""The gate for machines without a GPU: what the compiler made of every kernel, held against the committed table.

  ci/fingerprint.py build/ci/libplumbline_optimized.so                                  compare with golden/fingerprint.json
  ci/fingerprint.py build/ci/libplumbline_optimized.so --write golden/fingerprint.json  record (schema plumbline.fingerprint/1)

Exit code 1, naming kernel, architecture and line of the table, for what makes a kernel slower unseen: new spills (any
new use of local memory), 128-bit accesses that became narrower, bulk copies or asynchronous copies that are gone,
multiply-adds in an order in which they wait longer for registers.
Every other change is shown and does not fail; so is every change at all where another compiler built the library, for
then the change need not be ours: record anew. Exit code 2: nothing could be compared.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cubin

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "golden" / "fingerprint.json"
SCHEMA = "plumbline.fingerprint/1"
ARCH_NAMES = {90: "90a"}  # TMA and its kin are in the architecture-specific code that the presets build
LONGER = 1.05  # less is what any other change does
SHOWN = 20  # changes of a kind that are listed one by one
RESOURCES = ("registers", "shared_bytes", "stack_bytes", "spill_store_bytes", "spill_load_bytes", "code_bytes")
# counter of 128-bit accesses -> counter of all accesses of that kind
WIDE = {"ldg128": "ldg", "stg128": "stg", "lds128": "lds", "sts128": "sts"}
GLOBAL_LOADS, GLOBAL_STORES = (cubin.LDG, cubin.LD), (cubin.STG, cubin.ST)


class FingerprintError(Exception):
    """One sentence for the user."""


@dataclass
class Change:
    fails: bool
    text: str


def demangled(symbols: list[str]) -> list[str]:
    """Names for people: without return type, namespace plumb and parameters; as they are where c++filt is missing."""
    try:
        done = subprocess.run(["c++filt"], input="\n".join(symbols), capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return symbols
    names = []
    for name in done.stdout.splitlines():
        name = re.sub(r"^void ", "", name).replace("plumb::", "")
        depth = 0
        for at, letter in enumerate(name):  # the parameters begin at the first bracket outside <>
            depth += (letter == "<") - (letter == ">")
            if letter == "(" and depth == 0:
                name = name[:at]
                break
        names.append(name)
    return names


def operators() -> list[str]:
    return [path.parent.name for path in ROOT.glob("reference/*/reference.h")]


def operator_of(kernel: str, names: list[str]) -> str:
    """The operator whose name the kernel's begins with; the longest, so that rope does not take qk_norm_rope's."""
    return max((name for name in names if kernel.startswith(name)), key=len, default="")


def row_of(kernel: cubin.Kernel, name: str, operator: str) -> dict:
    wide = cubin.WIDTH_128
    # sm_100 codes the width of an asynchronous copy as 0, 2, 4
    copies_128 = kernel.count([cubin.LDGSTS], wide if kernel.arch < 100 else 4)
    return {
        "kernel": name,
        "operator": operator,
        "arch": ARCH_NAMES.get(kernel.arch, str(kernel.arch)),
        "registers": kernel.registers,
        "shared_bytes": kernel.shared_bytes,
        "stack_bytes": kernel.stack_bytes,
        "spill_store_bytes": kernel.local_bytes(cubin.STL),
        "spill_load_bytes": kernel.local_bytes(cubin.LDL),
        "code_bytes": len(kernel.code),
        "counts": {
            "ldg": kernel.count(GLOBAL_LOADS),
            "ldg128": kernel.count(GLOBAL_LOADS, wide),
            "stg": kernel.count(GLOBAL_STORES),
            "stg128": kernel.count(GLOBAL_STORES, wide),
            "lds": kernel.count([cubin.LDS]),
            "lds128": kernel.count([cubin.LDS], wide),
            "sts": kernel.count([cubin.STS]),
            "sts128": kernel.count([cubin.STS], wide),
            "bulk_copy": kernel.count(cubin.BULK_COPIES),
            "cp_async": kernel.count([cubin.LDGSTS]),
            "cp_async128": copies_128,
            "tensor": kernel.count(cubin.TENSOR),
            "local": kernel.count([cubin.LDL, cubin.STL]),
            "multiply_adds": kernel.multiply_adds,
            "operand_cycles": kernel.operand_cycles,
        },
        "sass_hash": kernel.sass_hash,
    }


def fingerprint(library: Path) -> dict:
    kernels = cubin.kernels_of(library)
    if not kernels:
        raise FingerprintError(f"{library}: it holds no kernels")
    names, known = demangled([kernel.symbol for kernel in kernels]), operators()
    rows = {}
    for kernel, name in zip(kernels, names):
        row = row_of(kernel, name, operator_of(name, known))
        rows[name, row["arch"]] = row  # an instance that several sources share is the same code
    tools = sorted({kernel.tool for kernel in kernels})
    cuda, _, compiler = tools[-1].partition(", ")
    order = sorted(rows.values(), key=lambda row: (row["operator"], row["kernel"], int(row["arch"].rstrip("a"))))
    return {"schema": SCHEMA, "cuda": cuda, "compiler": compiler, "rows": order}


def text_of(table: dict) -> str:
    """JSON with a line per row, so that a line number names a kernel."""
    head = {key: value for key, value in table.items() if key != "rows"}
    rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in table["rows"])
    return json.dumps(head)[:-1] + ', "rows": [\n' + rows + "\n]}\n"


def line_of(index: int) -> int:
    return index + 2  # the first row stands on the second line


def read_table(path: Path) -> dict:
    try:
        table = json.loads(path.read_text())
    except OSError as error:
        raise FingerprintError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise FingerprintError(f"{path}: no JSON: {error}") from error
    if not isinstance(table, dict) or table.get("schema") != SCHEMA:
        raise FingerprintError(f"{path}: expected schema {SCHEMA}")
    return table


def lost(old: dict, new: dict) -> list[str]:
    """What a kernel must not lose, in words."""
    words = []
    for key in ("spill_store_bytes", "spill_load_bytes", "stack_bytes"):
        if new[key] > old[key]:
            words.append(f"{key} {old[key]} -> {new[key]}")
    before, after = old.get("counts"), new.get("counts")
    if not before or not after:
        return words
    for wide, every in WIDE.items():
        narrow_before, narrow_after = before[every] - before[wide], after[every] - after[wide]
        gone = after[wide] == 0 and before[wide] > 0 and after[every] > 0
        if gone or (after[wide] < before[wide] and narrow_after > narrow_before):
            words.append(
                f"128-bit accesses {wide} {before[wide]} -> {after[wide]}, narrower {narrow_before} -> {narrow_after}"
            )
    if after["bulk_copy"] < before["bulk_copy"]:
        words.append(f"bulk copies {before['bulk_copy']} -> {after['bulk_copy']}")
    # A kernel may turn from asynchronous copies to bulk ones, not back to none.
    if before["cp_async"] and not after["cp_async"] and after["bulk_copy"] <= before["bulk_copy"]:
        words.append(f"asynchronous copies {before['cp_async']} -> 0")
    waits_before, waits_after = (row.get("operand_cycles", 0) / max(1, row.get("multiply_adds", 0)) for row in (before, after))
    if waits_before and waits_after > LONGER * waits_before:
        words.append(f"cycles in which a multiply-add reads its registers {waits_before:.2f} -> {waits_after:.2f}")
    return words


def other_changes(old: dict, new: dict) -> list[str]:
    words = [f"{key} {old[key]} -> {new[key]}" for key in RESOURCES if old[key] != new[key]]
    before, after = old.get("counts") or {}, new.get("counts") or {}
    words += [f"{key} {before[key]} -> {after[key]}" for key in before if key in after and before[key] != after[key]]
    return words or (["other instructions"] if old.get("sass_hash") != new.get("sass_hash") else [])


def compare(recorded: dict, built: dict, table_name: str = "the table") -> tuple[list[Change], list[str]]:
    """Changes of the kernels, and sentences about what could not be compared."""
    notes = []
    same_compiler = all(recorded.get(key) == built.get(key) for key in ("cuda", "compiler"))
    if not same_compiler:
        notes.append(
            f"built with CUDA {built.get('cuda')} ({built.get('compiler')}), recorded with {recorded.get('cuda')} "
            f"({recorded.get('compiler')}): changes are shown and none fails, as they may be the compiler's"
        )
    old_rows = {(row["kernel"], row["arch"]): (line_of(i), row) for i, row in enumerate(recorded["rows"])}
    new_rows = {(row["kernel"], row["arch"]): row for row in built["rows"]}
    built_archs = {arch for _, arch in new_rows}
    for arch in sorted({arch for _, arch in old_rows} - built_archs, key=lambda a: int(a.rstrip("a"))):
        count = sum(a == arch for _, a in old_rows)
        notes.append(f"architecture {arch} is not in this build: its {count} rows were not compared")

    changes = []
    for key, new in new_rows.items():
        where = f"{key[0]} ({key[1]})"
        if key not in old_rows:
            spills = [f"{k} {new[k]}" for k in ("spill_store_bytes", "spill_load_bytes", "stack_bytes") if new[k]]
            text = "new kernel" + (", and it spills: " + ", ".join(spills) if spills else "")
            changes.append(Change(bool(spills) and same_compiler, f"{where}: {text}"))
            continue
        line, old = old_rows[key]
        if words := lost(old, new):
            changes.append(Change(same_compiler, f"{where}, {table_name} line {line}: {'; '.join(words)}"))
        elif words := other_changes(old, new):
            changes.append(Change(False, f"{where}: {', '.join(words)}"))
    for key in old_rows.keys() - new_rows.keys():
        if key[1] in built_archs:
            changes.append(Change(False, f"{key[0]} ({key[1]}), {table_name} line {old_rows[key][0]}: no longer built"))

    # A kernel that was renamed or removed takes its row along: its operator's fast path must be there all the same.
    for counter, what in (("bulk_copy", "bulk copies"), ("cp_async", "asynchronous copies"), ("tensor", "tensor cores")):
        before, after = totals(recorded["rows"], counter), totals(built["rows"], counter)
        for (operator, arch), count in before.items():
            if count and arch in built_archs and not after.get((operator, arch)):
                text = f"{operator or 'kernels of no operator'} ({arch}): no kernel has {what} any more"
                changes.append(Change(same_compiler, text))
    return changes, notes


def totals(rows: list[dict], counter: str) -> dict:
    sums: dict = defaultdict(int)
    for row in rows:
        sums[row["operator"], row["arch"]] += (row.get("counts") or {}).get(counter, 0)
    return sums


def report(changes: list[Change], notes: list[str], rows: int) -> int:
    for note in notes:
        print(f"fingerprint: {note}")
    failing = [change.text for change in changes if change.fails]
    shown = [change.text for change in changes if not change.fails]
    for text in failing:
        print(f"fingerprint: LOST {text}")
    for text in shown[:SHOWN]:
        print(f"fingerprint: changed {text}")
    if len(shown) > SHOWN:
        print(f"fingerprint: and {len(shown) - SHOWN} more changes")
    print(f"fingerprint: {rows} kernels, {len(shown)} changed, {len(failing)} lost a fast path or spill")
    return 1 if failing else 0


def write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(path)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", type=Path)
    parser.add_argument("--write", type=Path, metavar="FILE", help="record there instead of comparing")
    parser.add_argument("--table", type=Path, default=TABLE, help="the recorded table (default: the project's)")
    options = parser.parse_args(arguments)
    try:
        built = fingerprint(options.library)
        if options.write:
            write(options.write, text_of(built))
            print(f"fingerprint: {len(built['rows'])} kernels recorded in {options.write}")
            return 0
        changes, notes = compare(read_table(options.table), built, options.table.name)
        return report(changes, notes, len(built["rows"]))
    except (FingerprintError, cubin.CubinError, OSError) as error:
        print(f"fingerprint: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
