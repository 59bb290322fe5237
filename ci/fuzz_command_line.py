#!/usr/bin/env python3
"""Throws command lines at plumbline for a bounded time: each must end with an exit code of its own, in a sentence.

usage: ci/fuzz_command_line.py PROGRAM [SECONDS] [SEED]
"""

import os
import random
import subprocess
import sys
import tempfile
import time

COMMANDS = ["list", "check", "golden", "golden record", "golden verify", "golden sample", "bench", "gate", "calibrate",
            "history", "history list", "history show", "history changes", "tune", "mutate", "worker", "nonsense", ""]
OPTIONS = ["--help", "--version", "--tier", "--device", "--library", "--filter", "--shard", "--seed", "--json", "--junit",
           "--golden", "--timeout", "--variant", "--repeats", "--points", "--cache", "--cases", "--verbose",
           "--baseline", "--candidate", "--markdown", "--calibration", "--database", "--reply-fd", "--gtest_filter",
           "--benchmark_filter", "--no-such-option", "-h", "--"]
VALUES = ["", "x", "0", "-1", "1/2", "0/0", "99999999999999999999", "quick", "full", "replay", "host", "cuda:0", "cuda:-1",
          "cuda:x", "/", "/nonexistent/file", "/dev/null", "*", "rms_norm/fp32/rows=1,hidden=1/seed=7", "rope//", "\n",
          "é", "%s%n", "a" * 5000, "rms_norm/fp32/rows=0,hidden=8/seed=7", "1e400", "nan", "postgresql://x@/y"]


def command_line(draw: random.Random) -> list[str]:
    words = draw.choice(COMMANDS).split()
    for _ in range(draw.randrange(5)):
        option = draw.choice(OPTIONS)
        words.append(f"{option}={draw.choice(VALUES)}" if draw.random() < 0.3 else option)
        if draw.random() < 0.6:
            words.append(draw.choice(VALUES))
    if words[:1] == ["check"] or words[:1] == ["golden"]:
        words += ["--filter", draw.choice(["rms_norm/fp32/rows=2,hidden=3/seed=7", "nothing*"])]  # never a whole tier
    if words[:1] == ["mutate"]:
        words += ["--mutant", "no-such-mutant"]  # never all of them
    return [word.replace("\0", "") for word in words]


def main(program: str, seconds: float = 15, seed: int = 1) -> int:
    draw = random.Random(seed)
    ended, count = time.monotonic() + seconds, 0
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < ended:
            words = command_line(draw)
            count += 1
            try:
                result = subprocess.run([program, *words], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
                                        timeout=120)
            except subprocess.TimeoutExpired:
                print(f"command line: HANGS: {words}")
                return 1
            if result.returncode not in (0, 1, 2, 3) or (result.returncode == 2 and not result.stderr + result.stdout):
                print(f"command line: exit code {result.returncode} and {result.stderr[-500:]!r} of {words}")
                return 1
    print(f"fuzz command line: {count} command lines in {seconds:.0f} s, each ended with an exit code of its own")
    return 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3, 4):
        print(__doc__.strip(), file=sys.stderr)
        sys.exit(2)
    sys.exit(main(os.path.abspath(sys.argv[1]), *map(int, sys.argv[2:])))
