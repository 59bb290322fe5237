"""Made-up documents, as `plumbline check` and `plumbline bench` write them, of any size and from a fixed seed."""

import random

GPU = "NVIDIA H200"
VARIANTS = {
    "rms_norm": ["scalar", "vec8", "vec16", "vec16_residual"],
    "rope": ["scalar", "vec16_neox", "vec16_interleaved"],
    "qk_norm_rope": ["generic", "d64_direct", "d128_direct", "d256_direct", "d128_staged_h1", "d128_staged_h4"],
    "solve_tril": ["plain", "bt64_tma_off", "bt64_tma_on", "bt64_tf32x3"],
}
SHAPES = {
    "rms_norm": {"rows": ["1", "17", "256"], "hidden": ["128", "769", "4096"]},
    "rope": {"tokens": ["1", "17"], "hq": ["32"], "hk": ["8"], "D": ["128"], "rotary": ["6", "64", "128"]},
    "qk_norm_rope": {"tokens": ["17", "1024"], "hq": ["32"], "hk": ["8"], "hv": ["8"], "D": ["64", "128", "256"]},
    "solve_tril": {"B": ["1", "2"], "T": ["63", "512"], "H": ["4"], "BT": ["16", "32", "64"]},
}
POINTERS = {
    "rms_norm": ["x", "weight", "residual", "y"],
    "rope": ["q", "k", "positions", "cache"],
    "qk_norm_rope": ["qkv", "q_weight", "k_weight", "cache"],
    "solve_tril": ["a", "x"],
}
DTYPES = ["bf16", "fp16", "fp32"]


def check_document(cases: int = 300, device: str = "cuda", trouble: bool = True, seed: int = 7) -> dict:
    """A consistent document; with `trouble`, some cases fail, crash, are mistrusted, unsupported or skipped."""
    rng = random.Random(seed)
    made = [_case(rng, index, device, trouble) for index in range(cases)]
    states = ("passed", "failed", "mistrusted", "unsupported", "skipped", "crashed")
    replay = device == "replay"
    differing = sum(case["golden"] == "differs" for case in made)
    return {
        "schema": "plumbline.check/1",
        "started": "2026-11-22T05:00:00Z",
        "seconds": 41.2,
        "tier": "quick",
        "seed": seed,
        "commit": "b93dbed1f0a2",
        "device": {"kind": "replay", "name": "AMD EPYC 9534", "sm": 90, "driver": "", "cuda": "", "ordinal": 0}
        if replay
        else {"kind": "cuda", "name": GPU, "sm": 90, "driver": "580.159.04", "cuda": "13.0", "ordinal": 0},
        "library": None
        if replay
        else {
            "path": "build/libplumbline_optimized.so",
            "name": "plumbline_optimized",
            "version": "0.1.0 b93dbed sm_90a",
            "digest": "9f86d081884c7d659a2feaa0c55ad015",
        },
        "golden": {
            "gpus": [GPU],
            "matched": max(0, cases - 3 - differing),
            "differing": differing,
            "absent": min(3, cases),
        },
        "summary": {state: sum(case["state"] == state for case in made) for state in states},
        "cases": made,
    }


def _case(rng: random.Random, index: int, device: str, trouble: bool) -> dict:
    operator = list(VARIANTS)[index % len(VARIANTS)]
    dtype = DTYPES[index // len(VARIANTS) % len(DTYPES)]
    axes = {axis: rng.choice(values) for axis, values in SHAPES[operator].items()}
    offsets = {f"offset.{pointer}": "0" for pointer in POINTERS[operator]}
    if index % 3 == 0:
        offsets[f"offset.{rng.choice(POINTERS[operator])}"] = rng.choice(["2", "4", "8", "16"])
    moved = [f"{axis}={value}" for axis, value in offsets.items() if value != "0"]
    shape = ",".join(f"{axis}={value}" for axis, value in axes.items())
    name = "/".join([operator, dtype, shape, *([",".join(moved)] if moved else []), f"seed={index}"])
    state = "passed"
    if trouble and index % 17 == 5:
        state = ("failed", "mistrusted", "unsupported", "skipped", "mistrusted", "failed", "crashed")[
            index // 17 % 7
        ]
    variants = [] if state in ("crashed", "skipped") else _variants(rng, operator, device, offsets, state, index)
    ran = [variant["name"] for variant in variants if variant["state"] != "unsupported"]
    reasons = {
        "failed": "vec16: 3 of 69632 elements outside the bound",
        "mistrusted": f"{rng.randrange(60, 99)} of 100 compared elements are zero",
        "unsupported": "no variant serves this call",
        "skipped": "needs 2 devices, found 1",
        "crashed": "the worker ended by signal 11",
    }
    return {
        "name": name,
        "operator": operator,
        "dtype": dtype,
        "axes": axes | offsets,
        "state": state,
        "reason": reasons.get(state, ""),
        "repro": f"plumbline check --filter '{name}'",
        "golden": "absent" if index < 3 else "differs" if state == "failed" and index % 2 else "match",
        "selected": ran[-1] if ran and device == "cuda" else "",
        "blind_spot": 1.2e-3 * (1 + index % 5),
        "variants": variants,
    }


def _variants(rng: random.Random, operator: str, device: str, offsets: dict, state: str, index: int) -> list[dict]:
    names = ["replay"] if device == "replay" else VARIANTS[operator]
    moved = any(value not in ("0", "16") for value in offsets.values())
    found = []
    for place, name in enumerate(names):
        if state == "unsupported" or (device == "cuda" and place > 0 and (moved or (index + place) % 5 == 0)):
            found.append(
                {
                    "name": name,
                    "state": "unsupported",
                    "reason": f"{name} needs 16-byte aligned rows, found {rng.choice([2, 4, 8])}",
                }
            )
            continue
        fails = state == "failed" and place == 0
        worst = rng.choice([3.7, 41000.0, None]) if fails else 0.35 + 0.6 * rng.random() ** 2
        found.append(
            {
                "name": name,
                "state": "failed" if fails else "passed",
                "reason": "outside the bound" if fails else "",
                "worst": worst,
                "differing": 3 if fails else 0,
                "compared": 69632,
                "bias": rng.gauss(0, 2e-3),
                "ulp_histogram": [1200, 16800, 17100, 34500, 30, *([0] * 6), 2]
                if fails
                else [1231, 16902, 17099, 34400],
                "failed_checks": ["bound", "bits"] if fails else [],
            }
        )
    return found


BENCH_TABLE = {  # operator/shape -> limit in us, variant -> time in us
    "qk_norm_rope/bf16/tokens={},hq=32,hk=8,hv=8,D=128,rotary=128": [
        (1, 1.4, 1.49, 1.94),
        (256, 3.3, 3.4, 5.5),
        (1024, 7.2, 7.6, 13.0),
        (4096, 22.6, 25.0, 39),
        (16384, 83.5, 92.4, 138),
        (65536, 333, 359, 532),
    ],
    "rms_norm/bf16/rows={},hidden=4096": [(1, 1.5, 1.6, 2.1), (256, 3.2, 3.3, 3.8), (8192, 35.0, 36.4, 45.9)],
    "solve_tril/fp32/B=1,T={},H=32,BT=64": [
        (64, 2.0, 8.2, 16.1),
        (512, 3.7, 8.9, 18.1),
        (2048, 9.5, 13.4, 43.4),
        (8192, 32.2, 34.9, 163),
        (32768, 122, 118, 629),
    ],
}
BENCH_VARIANTS = {
    "qk_norm_rope": ("d128_direct", "d128_staged_h4"),
    "rms_norm": ("vec16", "scalar"),
    "solve_tril": ("bt64", "plain"),
}


def bench_document(repetitions: int = 1, gpu: str = GPU, commit: str = "b93dbed1f0a2") -> dict:
    """The table as Google Benchmark writes it; with repetitions also its aggregates."""
    rng = random.Random(1)
    entries = []
    for shape, rows in BENCH_TABLE.items():
        for size, limit, *times in rows:
            for variant, time in zip(BENCH_VARIANTS[shape.split("/")[0]], times, strict=True):
                run_name = f"{shape.format(size)}/seed=7/variant={variant}/cold/manual_time"
                common = {
                    "run_name": run_name,
                    "time_unit": "us",
                    "threads": 1,
                    "limit_us": limit,
                    "gb_per_s": 3900.0 * limit / time,
                    "share_of_limit": limit / time,
                }
                for index in range(repetitions):
                    entries.append(
                        common
                        | {
                            "name": run_name,
                            "run_type": "iteration",
                            "iterations": 20,
                            "repetition_index": index,
                            "real_time": time * (1 + 0.004 * rng.random()),
                            "cpu_time": time,
                        }
                    )
                if repetitions > 1:
                    for aggregate, value in (
                        ("mean", time * 1.5),
                        ("median", time),
                        ("stddev", 0.1),
                        ("cv", 0.004),
                    ):
                        entries.append(
                            common
                            | {
                                "name": f"{run_name}_{aggregate}",
                                "run_type": "aggregate",
                                "aggregate_name": aggregate,
                                "real_time": value,
                            }
                        )
    return {
        "context": {
            "date": "2026-11-22T05:10:00+00:00",
            "host_name": "h200-3",
            "gpu": gpu,
            "driver": "580.159.04",
            "cuda": "13.0",
            "commit": commit,
            "json_schema_version": 1,
        },
        "benchmarks": entries,
    }
