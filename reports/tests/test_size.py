"""A year of 300 series beside a full check: built in under 30 s and 1 GB, into less than 5 MB."""

import json
import resource
import subprocess
import sys

import pytest

from conftest import REPORTS
from documents import bench_document, check_document
from made_up import parts, tma_bench_document

MEASURED = """
import json, resource, sys, time
started = time.perf_counter(), time.process_time()
from plumbline_report.__main__ import main
code = main(sys.argv[1:])
took = time.perf_counter() - started[0], time.process_time() - started[1]
print(json.dumps([code, *took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the unit of ru_maxrss is known for Linux alone")
def test_a_year_of_300_series(tmp_path):
    made = {"check": check_document(21000), "bench": tma_bench_document(), **parts(series=300, nights=365)}
    argv = []
    for key, document in made.items():
        path = tmp_path / f"{key}.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        argv += [f"--{key}", str(path)]
    bench = tmp_path / "second.json"
    bench.write_text(json.dumps(bench_document()), encoding="utf-8")
    output = tmp_path / "report.html"
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *argv, "--bench", str(bench), "--output", str(output)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(REPORTS), "MPLCONFIGDIR": str(tmp_path)},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    code, wall, seconds, kilobytes = json.loads(done.stdout.splitlines()[-1])
    size = output.stat().st_size / 1e6
    print(f"{wall:.1f} s ({seconds:.1f} s of a core), {kilobytes / 1024:.0f} MiB, page of {size:.2f} MB")
    assert code == 0
    assert seconds < 30  # of one core: the wall clock is the machine's other work too
    assert kilobytes * 1024 < 1e9
    page = output.read_text("utf-8")
    assert len(page.encode()) < 5e6
    assert page.count('class="figure-svg trend"') == 300 and page.count('class="spark"') == 300


def test_the_unit_of_memory_is_what_the_test_believes():
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 10_000  # KiB: ten megabytes at least
