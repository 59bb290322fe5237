"""Reads what a CUDA library holds: every kernel's resources and machine code, without a GPU or a disassembler.

The library's section .nv_fatbin holds one ELF file per source and architecture. A kernel's registers, stack and
shared memory stand in that ELF; what its instructions do is told from their encoding. Since sm_70 an instruction has
16 bytes, its lowest nine bits say which it is, and of loads and stores bits 73 to 75 say how wide. The encodings
below were read off nvdisasm 13.5 for sm_80, sm_90a and sm_100a; ci/tests/test_cubin.py compares the counts with a
disassembler's wherever one is installed.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

FATBIN_MAGIC = 0xBA55ED50
KIND_ELF = 2
EIATTR_FRAME_SIZE, EIATTR_REGCOUNT = 0x11, 0x2F
INSTRUCTION_BYTES = 16

LD, LDG, LDL, LDS, ST, STG, STL, STS = 0x180, 0x181, 0x183, 0x184, 0x185, 0x186, 0x187, 0x188
LDGSTS = 0x1AE
FFMA_OF_REGISTERS = (0x23, 0x2)  # lowest byte, bits 8 to 11: all three operands are registers
RZ = 255
BULK_COPIES = {0x1B4: "UTMALDG", 0x1B5: "UTMASTG", 0x1B6: "UTMAREDG", 0x1BA: "UBLKCP", 0x1BB: "UBLKRED"}
TENSOR = {0x037: "IMMA", 0x03C: "HMMA", 0x03F: "DMMA", 0x1F0: "HGMMA"}
WIDTH_BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 8, 6: 16}  # by bits 73 to 75 of a load or a store
WIDTH_128 = 6


class CubinError(Exception):
    """The file is no CUDA library, or not one that this can read; the text is one sentence."""


@dataclass
class Kernel:
    symbol: str  # mangled
    arch: int  # 80, 90, 100
    tool: str  # "13.0, V13.0.88", or "" where the ELF does not say
    registers: int = 0
    stack_bytes: int = 0
    shared_bytes: int = 0
    code: bytes = b""
    instructions: Counter = field(default_factory=Counter)  # (opcode, width) -> how many
    multiply_adds: int = 0  # in fp32, of three registers
    operand_cycles: int = 0  # that these take to read them, see operand_cycles()

    @property
    def sass_hash(self) -> str:
        return hashlib.sha256(self.code).hexdigest()[:16]

    def count(self, opcodes, width: int | None = None) -> int:
        return sum(n for (op, w), n in self.instructions.items() if op in opcodes and width in (None, w))

    def local_bytes(self, opcode: int) -> int:
        return sum(n * WIDTH_BYTES.get(w, 0) for (op, w), n in self.instructions.items() if op == opcode)


def instructions_of(code: bytes) -> Counter:
    """How often each pair of opcode (nine bits) and width (bits 73 to 75) occurs."""
    pairs = Counter(zip(code[0::INSTRUCTION_BYTES], code[1::INSTRUCTION_BYTES], code[9::INSTRUCTION_BYTES]))
    found: Counter = Counter()
    for (low, high, byte), n in pairs.items():
        found[low | (high & 1) << 8, byte >> 1 & 7] += n
    return found


def operand_cycles(code: bytes) -> tuple[int, int]:
    """Multiply-adds in fp32 of three registers, and the cycles that they take to read these, by a model.

    Registers are read from two banks, the even and the odd ones, one of each bank in a cycle (Huerta et al.,
    Analyzing Modern NVIDIA GPU cores, 2025, section 5.3), and an operand that is marked for reuse is there for the
    next instruction at the same place. So three reads take two cycles, though a multiply-add can begin in every cycle.
    The model ranks orders: where it says 2, 1.30 and 1.06 cycles each, an H200 takes 1.45, 1.23 and 1.03.
    """
    low, high = FFMA_OF_REGISTERS
    count = cycles = 0
    held: tuple = (None, None, None)
    for at in range(0, len(code), INSTRUCTION_BYTES):
        if code[at] != low or code[at + 1] & 15 != high:
            held = (None, None, None)
            continue
        operands, reuse = (code[at + 3], code[at + 4], code[at + 8]), code[at + 15] >> 2
        reads = {r for r, there in zip(operands, held) if r not in (there, RZ)}
        odd = sum(r & 1 for r in reads)
        count += 1
        cycles += max(1, odd, len(reads) - odd)
        held = tuple(r if reuse >> i & 1 else None for i, r in enumerate(operands))
    return count, cycles


def elf_sections(image: bytes) -> list[dict]:
    if image[:4] != b"\x7fELF" or image[4] != 2:
        raise CubinError("not an ELF file of 64 bits")
    table, = struct.unpack_from("<Q", image, 40)
    entry, count, names = struct.unpack_from("<HHH", image, 58)
    sections = []
    for i in range(count):
        name, kind, _, _, offset, size, link, info, _, each = struct.unpack_from("<IIQQQQIIQQ", image, table + i * entry)
        sections.append({"name": name, "kind": kind, "offset": offset, "size": size, "link": link, "each": each})
    text = sections[names]
    for section in sections:
        start = text["offset"] + section["name"]
        section["name"] = image[start : image.index(b"\0", start)].decode()
    return sections


def embedded_elves(library: bytes):
    """(architecture, ELF image) for each machine-code entry of a host library's .nv_fatbin."""
    fatbin = next((s for s in elf_sections(library) if s["name"] == ".nv_fatbin"), None)
    if fatbin is None:
        raise CubinError("it has no section .nv_fatbin: no CUDA code")
    at, end = fatbin["offset"], fatbin["offset"] + fatbin["size"]
    while at + 16 <= end:
        magic, _, header, size = struct.unpack_from("<IHHQ", library, at)
        if magic != FATBIN_MAGIC:
            at += 8  # containers are padded to 8 bytes
            continue
        entry, last = at + header, at + header + size
        while entry < last:
            kind, _, entry_header, entry_size = struct.unpack_from("<HHIQ", library, entry)
            compressed, = struct.unpack_from("<I", library, entry + 16)
            arch, = struct.unpack_from("<I", library, entry + 28)
            if kind == KIND_ELF:
                if compressed:
                    raise CubinError("its machine code is compressed; build without -Xfatbin -compress-all")
                yield arch, library[entry + entry_header : entry + entry_header + entry_size]
            entry += entry_header + entry_size
        at = last


def kernels_of_elf(image: bytes, arch: int) -> list[Kernel]:
    sections = elf_sections(image)
    by_name = {s["name"]: s for s in sections}
    content = lambda s: image[s["offset"] : s["offset"] + s["size"]]  # noqa: E731

    tool = ""
    if note := by_name.get(".note.nv.tkinfo"):
        if match := re.search(rb"release (\d+\.\d+, V[\d.]+)", content(note)):
            tool = match.group(1).decode()
    symbols = []
    if table := by_name.get(".symtab"):
        names = content(sections[table["link"]])
        for at in range(table["offset"], table["offset"] + table["size"], table["each"]):
            start, = struct.unpack_from("<I", image, at)
            symbols.append(names[start : names.index(b"\0", start)].decode())
    attributes: dict[tuple[int, str], int] = {}
    if info := by_name.get(".nv.info"):
        data, at = content(info), 0
        while at + 4 <= len(data):
            form, attribute, size = struct.unpack_from("<BBH", data, at)
            at += 4
            if form != 4:  # the value is in the two bytes behind the attribute
                continue
            if attribute in (EIATTR_FRAME_SIZE, EIATTR_REGCOUNT) and size == 8:
                symbol, value = struct.unpack_from("<II", data, at)
                attributes[attribute, symbols[symbol]] = value
            at += size

    kernels = []
    for section in sections:
        if not section["name"].startswith(".text."):
            continue
        symbol = section["name"].removeprefix(".text.")
        code = content(section)
        shared = by_name.get(f".nv.shared.{symbol}")
        kernels.append(
            Kernel(
                symbol,
                arch,
                tool,
                attributes.get((EIATTR_REGCOUNT, symbol), 0),
                attributes.get((EIATTR_FRAME_SIZE, symbol), 0),
                shared["size"] if shared else 0,
                code,
                instructions_of(code),
                *operand_cycles(code),
            )
        )
    return kernels


def kernels_of(path: Path) -> list[Kernel]:
    """All kernels of a host library or of a single cubin. Raises CubinError, or OSError."""
    image = path.read_bytes()
    try:
        machine, = struct.unpack_from("<H", image, 18)
        if machine == 190:  # EM_CUDA: a cubin; its architecture stands in the flags
            flags, = struct.unpack_from("<I", image, 48)
            arch = flags & 0xFF if flags & 0xFF >= 50 else flags >> 8 & 0xFF
            return kernels_of_elf(image, arch)
        return [kernel for arch, elf in embedded_elves(image) for kernel in kernels_of_elf(elf, arch)]
    except (CubinError, struct.error, IndexError, ValueError) as error:
        raise CubinError(f"{path}: cannot be read: {error}") from error
