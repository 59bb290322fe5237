"""What is read from machine code: against kernels of known instructions, the assembler's own words, a disassembler."""

import re
import shutil
import struct
import subprocess
from collections import Counter
from pathlib import Path

import cubin
import pytest

ROOT = Path(__file__).resolve().parents[2]
NVCC = shutil.which("nvcc") or shutil.which("nvcc", path="/usr/local/cuda/bin")
LIBRARIES = sorted(ROOT.glob("build/*/libplumbline_optimized.so"), key=lambda path: path.stat().st_mtime)
needs_nvcc = pytest.mark.skipif(NVCC is None, reason="no nvcc")
needs_library = pytest.mark.skipif(not LIBRARIES, reason="the optimized library was not built")


@pytest.fixture(scope="module", params=["80", "90a", "100a"])
def probe(request, tmp_path_factory):
    """The kernels of probe.cu by their plain names, and what ptxas -v said of them."""
    made = tmp_path_factory.mktemp("probe") / "probe.cubin"
    command = [NVCC, "-std=c++20", "-cubin", f"-arch=sm_{request.param}", "-Xptxas", "-v", "-o", made]
    done = subprocess.run([*command, ROOT / "ci/tests/probe.cu"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    kernels = {re.match(r"_Z\d+([a-z_]+?)P", kernel.symbol).group(1): kernel for kernel in cubin.kernels_of(made)}
    return kernels, done.stderr


@needs_nvcc
def test_known_instructions(probe):
    kernels, _ = probe
    load, store, wide = [cubin.LDG], [cubin.STG], cubin.WIDTH_128
    widths = kernels["widths"]
    assert [widths.count(load, w) for w in (2, 4, 5, wide)] == [1, 1, 1, 1]
    assert [widths.count(store, w) for w in (2, 4, 5, wide)] == [1, 1, 1, 1]
    assert kernels["asynchronous_copies"].count([cubin.LDGSTS]) == 4
    assert kernels["asynchronous_copies"].count(load) == 0
    assert kernels["tensor_cores"].count(cubin.TENSOR) == 2
    for name, kernel in kernels.items():
        assert kernel.count(cubin.BULK_COPIES) == (2 if name == "bulk_copies" else 0), name
    assert ("bulk_copies" in kernels) == (widths.arch >= 90)


@needs_nvcc
def test_wide_asynchronous_copies(probe):
    from fingerprint import row_of

    row = row_of(probe[0]["asynchronous_copies"], "asynchronous_copies", "")
    assert (row["counts"]["cp_async"], row["counts"]["cp_async128"]) == (4, 2)


@needs_nvcc
def test_resources_are_what_the_assembler_says(probe):
    kernels, said = probe
    assert kernels["spills"].stack_bytes > 0
    for name, kernel in kernels.items():
        words = said[said.index(f"Compiling entry function '{kernel.symbol}'") :]
        stack, stores, loads = re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill", words).groups()
        assert kernel.stack_bytes == int(stack), name
        assert kernel.local_bytes(cubin.STL) == int(stores), name
        assert kernel.local_bytes(cubin.LDL) == int(loads), name
        assert kernel.registers == int(re.search(r"Used (\d+) registers", words).group(1)), name
        assert kernel.tool.split(",")[0] in subprocess.run([NVCC, "--version"], capture_output=True, text=True).stdout


@needs_nvcc
@pytest.mark.skipif(shutil.which("nvdisasm") is None, reason="no nvdisasm on PATH")
def test_probe_agrees_with_the_disassembler(probe, tmp_path_factory):
    made = next(path for path in tmp_path_factory.getbasetemp().glob("probe*/probe.cubin"))
    compare_with_disassembler(made, cubin.kernels_of(made))


@needs_library
@pytest.mark.skipif(shutil.which("nvdisasm") is None, reason="no nvdisasm on PATH")
def test_library_agrees_with_the_disassembler(tmp_path):
    images = {}
    for arch, image in cubin.embedded_elves(LIBRARIES[-1].read_bytes()):
        if b".text." in image:
            images.setdefault(arch, []).append(image)
    for arch, found in images.items():
        image = min(found, key=len)
        path = tmp_path / f"{arch}.cubin"
        path.write_bytes(image)
        compare_with_disassembler(path, cubin.kernels_of_elf(image, arch))


def compare_with_disassembler(path: Path, kernels):
    text = subprocess.run(["nvdisasm", "-c", path], capture_output=True, text=True, check=True).stdout
    words = Counter(re.findall(r"^\s+/\*[0-9a-f]+\*/\s+(?:@!?U?P[0-9T]+\s+)?([A-Z][A-Z0-9_]*(?:\.[A-Z0-9_]+)*)", text, re.M))
    assert sum(words.values()) == sum(sum(kernel.instructions.values()) for kernel in kernels)

    def said(names, suffix=""):
        return sum(n for word, n in words.items() if word.split(".")[0] in names and suffix in word)

    def read(opcodes, width=None):
        return sum(kernel.count(opcodes, width) for kernel in kernels)

    for opcode, name in {cubin.LDG: "LDG", cubin.STG: "STG", cubin.LDS: "LDS", cubin.STS: "STS"}.items():
        assert read([opcode]) == said({name}), name
        assert read([opcode], cubin.WIDTH_128) == said({name}, ".128"), name
    operands = r"-?\|?R(?:\d+|Z)\|?(?:\.reuse)?"
    assert sum(kernel.multiply_adds for kernel in kernels) == len(
        re.findall(rf"FFMA(?:\.\w+)* R(?:\d+|Z), {operands}, {operands}, {operands} ;", text)
    )
    for opcode, name in {cubin.LDL: "LDL", cubin.STL: "STL", cubin.LDGSTS: "LDGSTS", **cubin.BULK_COPIES, **cubin.TENSOR}.items():
        assert read([opcode]) == said({name}), name


@needs_library
def test_the_built_library_is_read_whole():
    kernels = cubin.kernels_of(LIBRARIES[-1])
    assert len(kernels) > 100
    for kernel in kernels:
        assert kernel.registers > 0 and len(kernel.code) % cubin.INSTRUCTION_BYTES == 0, kernel.symbol
        assert kernel.tool and kernel.arch in (80, 90, 100), kernel.symbol


def test_instructions_are_counted_by_opcode_and_width():
    def instruction(low, bits_73_75):
        return struct.pack("<QQ", low, bits_73_75 << 9)

    code = instruction(0xABCD981, 6) + instruction(0x381, 6) + instruction(0x981, 4) + instruction(0xFAE, 6)
    assert cubin.instructions_of(code) == {(cubin.LDG, 6): 2, (cubin.LDG, 4): 1, (cubin.LDGSTS, 6): 1}
    assert cubin.instructions_of(b"") == {}


def test_multiply_adds_wait_for_their_registers():
    def ffma(a, b, c, reuse=0, low=0x223):
        return struct.pack("<QQ", low | a << 24 | b << 32, c | reuse << 58)

    cycles = lambda *code: cubin.operand_cycles(b"".join(code))  # noqa: E731
    assert cycles() == (0, 0)
    assert cycles(ffma(0, 1, 255)) == (1, 1)  # RZ is not read
    assert cycles(ffma(0, 2, 255)) == (1, 2)  # both from one bank
    assert cycles(ffma(0, 1, 2)) == (1, 2)
    assert cycles(ffma(0, 2, 4)) == (1, 3)
    assert cycles(ffma(3, 3, 2)) == (1, 1)
    assert cycles(ffma(0, 1, 2, reuse=1), ffma(0, 3, 4)) == (2, 3)  # the second has its first operand
    assert cycles(ffma(0, 1, 2), ffma(0, 3, 4)) == (2, 4)
    assert cycles(ffma(0, 1, 2, reuse=1), ffma(3, 0, 4)) == (2, 4)  # not at another place
    assert cycles(ffma(0, 1, 2, reuse=1), ffma(9, 9, 9, low=0x984), ffma(0, 3, 4)) == (2, 4)  # nor after another one


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"\x7fELF\x02" + b"\0" * 59, b"not a library" * 10])
def test_other_files_are_refused_in_a_sentence(tmp_path, content):
    path = tmp_path / "library.so"
    path.write_bytes(content)
    with pytest.raises(cubin.CubinError, match="library.so: cannot be read"):
        cubin.kernels_of(path)
