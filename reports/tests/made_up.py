"""Made-up documents of the parts beyond check and bench, from a fixed seed: for tests, never shown as results."""

import math
import random
from datetime import UTC, datetime, timedelta

from plumbline_report.trust import CHECKS

GPU = "NVIDIA H200"
MACHINE = {
    "gpu": GPU,
    "uuid": "GPU-made-up",
    "driver": "580.159.04",
    "cuda": "13.0",
    "sm_clock_mhz": 1980,
    "memory_clock_mhz": 3201,
    "host": "made-up-host",
    "commit": "b93dbed1f0a2",
    "library": "plumbline_optimized 0.1.0 for 90a-real",
    "library_digest": "0123456789abcdef",
    "date": "2026-11-22T05:10:00Z",
}
START = datetime(2025, 11, 23, 2, 30, tzinfo=UTC)


def commit(rng: random.Random) -> str:
    return f"{rng.getrandbits(28):07x}"


def series_names(number: int) -> list[str]:
    names = []
    shapes = {
        "qk_norm_rope": "qk_norm_rope/{t}/tokens={n},hq=32,hk=8,hv=8,D=128,rotary=128"
        "/seed=7/variant=d128_direct/cold",
        "rms_norm": "rms_norm/{t}/rows={n},hidden=4096/seed=7/variant=vec16/cold",
        "rope": "rope/{t}/tokens={n},hq=32,hk=8,D=128,rotary=128/seed=7/variant=vec16/cold",
        "solve_tril": "solve_tril/{t}/B=1,T={n},H=32,BT=64/seed=7/variant=vec16/cold",
    }
    size = 0
    while len(names) < number:
        for shape in shapes.values():
            for dtype in ("bf16", "fp32"):
                names.append(shape.format(t=dtype, n=size * 37 + 1))
        size += 1
    return names[:number]


def history_document(series: int = 12, nights: int = 120, seed: int = 7) -> dict:
    """Nightly runs; every third series takes a step, one in ten drifts, nights are missed, single runs are off."""
    rng = random.Random(seed)
    commits = [commit(rng) for _ in range(nights // 3 + 1)]
    runs = [
        {
            "id": 1000 + night,
            "date": (START + timedelta(days=night)).isoformat().replace("+00:00", "Z"),
            "commit": commits[night // 3],
            "machine": MACHINE,
            "pinned": "v0.1" if night == nights // 4 else None,
        }
        for night in range(nights)
    ]
    made = [_series(rng, index, name, runs) for index, name in enumerate(series_names(series))]
    return {"schema": "plumbline.history/1", "runs": runs, "series": made}


def _series(rng: random.Random, index: int, name: str, runs: list[dict]) -> dict:
    nights = len(runs)
    level, noise = rng.uniform(1.05, 2.4), rng.uniform(0.001, 0.006)
    step = rng.randrange(nights // 3, nights - 5) if index % 3 == 0 and nights > 20 else None
    effect = rng.choice([-0.08, -0.03, 0.021, 0.05, 0.12])
    drift = 0.02 * rng.choice([1, -1]) if index % 10 == 7 else 0.0
    limit = rng.uniform(1.5, 300)
    points, outliers = [], []
    for night, run in enumerate(runs):
        if rng.random() < 0.03:
            continue
        ratio = level * (1 + effect * (step is not None and night >= step) + drift * night / nights)
        ratio *= math.exp(rng.gauss(0, noise))
        if rng.random() < 0.005:
            ratio *= 1.15
            outliers.append(run["id"])
        points.append(
            {
                "run": run["id"],
                "time_us": ratio * limit,
                "limit_us": limit,
                "ratio": ratio,
                "to_pinned": ratio / level if night >= nights // 4 else None,
            }
        )
    changes = []
    if step is not None:
        changes.append(
            {
                "run": runs[step]["id"],
                "before": level,
                "after": level * (1 + effect),
                "effect": effect,
                "differences": ["driver 570.1 -> 580.2"] if index % 2 else [],
                "lower": effect - 2 * noise,
                "upper": effect + 2 * noise,
                "q": 0.0003,
                "commits": [runs[step - 1]["commit"], runs[step]["commit"]],
            }
        )
    return {
        "id": f"s{index:03d}-"
        + name.split("/seed")[0].replace("/", "-").replace(",", "-").replace("=", "-").lower(),
        "name": name,
        "operator": name.split("/")[0],
        "gpu": GPU,
        "points": points,
        "changes": changes,
        "outliers": outliers,
        "drift": {"effect": drift, "since": runs[0]["id"]} if drift else None,
    }


def gate_document(points: int = 40, regressed: int = 2, seed: int = 7) -> dict:
    rng = random.Random(seed)
    made = []
    for index, name in enumerate(series_names(points)):
        verdict = "regressed" if index < regressed else "improved" if index % 9 == 4 else "pass"
        if index == regressed and regressed:
            verdict = "inconclusive"
        effect = {"regressed": 0.034 + 0.01 * index, "improved": -0.041, "inconclusive": 0.014}.get(verdict, 0.0)
        effect += rng.gauss(0, 0.001)
        width = 0.012 if verdict == "inconclusive" else 0.004
        base = rng.uniform(1.5, 300)
        made.append(
            {
                "name": name.split("/variant=")[0] + "/cold",
                "variant_baseline": "vec16",
                "variant_candidate": "vec16",
                "verdict": verdict,
                "effect": effect,
                "lower": effect - width,
                "upper": effect + width,
                "detectable": width * 1.3,
                "certified": verdict == "pass",
                "p_slower": 0.5,
                "p_faster": 0.5,
                "processes": 5 if verdict != "pass" else 1,
                "margin": 0.003,
                "baseline_us": base,
                "candidate_us": base * (1 + effect),
                "identical_code": index % 2 == 0,
            }
        )
    return {
        "schema": "plumbline.gate/1",
        "machine": MACHINE,
        "baseline": {"path": "a.so", "library": "plumbline_optimized 0.1.0 for 90a-real", "digest": "aaaa"},
        "candidate": {"path": "b.so", "library": "plumbline_optimized 0.1.1 for 90a-real", "digest": "bbbb"},
        "verdict": "regressed" if regressed else "pass",
        "exit_code": 1 if regressed else 0,
        "promised_effect": 0.02,
        "family_level": 0.001,
        "seconds": 212.0,
        "correctness": {"cases": 2220, "failed": 0, "differing": 0},
        "disturbances": ["the SM clock fell from 1980 to 1755 MHz during 2 of 310 blocks"],
        "looked": True,
        "points": made,
    }


def calibration_document(runs: int = 30, seed: int = 7) -> dict:
    rng = random.Random(seed)
    return {
        "schema": "plumbline.calibration/1",
        "machine_class": GPU,
        "runs": [
            {
                "date": (START + timedelta(days=300 + run)).isoformat().replace("+00:00", "Z"),
                "machine": "made-up-host",
                "points": 134,
                "false_alarms": int(run == 11),
            }
            for run in range(runs)
        ],
        "margins": {
            name: {"width": rng.uniform(0.001, 0.006), "estimates": [rng.gauss(0, 0.002) for _ in range(runs)]}
            for name in series_names(20)
        },
        "exceedance": 0.01,
        "false_alarm": {"gates": runs, "false": 1, "upper_95": 0.149},
    }


def mutation_document(mutants: int = 30, device: str = "replay", seed: int = 7) -> dict:
    rng = random.Random(seed)
    made = []
    operators = ["rms_norm", "rope", "qk_norm_rope", "solve_tril"]
    for index in range(mutants):
        status = {3: "survived", 8: "equivalent", 14: "not expressible", 21: "not run"}.get(index, "killed")
        killed = status == "killed"
        by = {check: rng.randrange(1, 300) for check in rng.sample(CHECKS, rng.randrange(1, 5))} if killed else {}
        made.append(
            {
                "id": str(index + 1),
                "name": f"made_up_mutant_{index + 1}",
                "operator": operators[index % 4],
                "catalogue": index + 1 if index % 2 else None,
                "what": f"a made-up fault, number {index + 1}",
                "on": ["replay", "cuda"] if index % 3 else ["cuda"],
                "status": status,
                "killed_by": by,
                "cases_run": 0 if status == "not run" else 560,
                "first_kill": {"case": f"rope/bf16/tokens={index}/seed=7", "check": next(iter(by))} if by else None,
                "bounds_only": rng.choice(["killed", "survived"]) if killed else "exempt",
                "reason": "" if killed else "a made-up reason",
            }
        )
    killed = sum(m["status"] == "killed" for m in made)
    return {
        "schema": "plumbline.mutation/1",
        "device": device,
        "machine": MACHINE,
        "tier": "quick",
        "date": "2026-11-22T05:30:00Z",
        "commit": "b93dbed1f0a2",
        "checks": list(CHECKS),
        "mutants": made,
        "scores": {
            "all": {"killed": killed, "of": killed + 1},
            "quick": {"killed": killed, "of": killed + 1},
            "bounds_only": {
                "killed": sum(m["bounds_only"] == "killed" for m in made),
                "of": killed,
            },
        },
    }


def tune_document(seed: int = 7) -> dict:
    rng = random.Random(seed)
    points = []
    for dtype in ("bf16", "fp32"):
        for dim in (64, 128, 256):
            for tokens in (1, 16, 64, 256, 1024, 4096, 16384):
                limit = 1.3 + tokens * dim * 1.2e-5
                times = {f"d{dim}_direct": limit * (1.05 + 0.3 / (1 + tokens / 256))}
                for heads in (1, 2, 4, 8):
                    best = math.log2(1 + tokens / 64)
                    times[f"d{dim}_staged_h{heads}"] = limit * (1.12 + 0.06 * abs(math.log2(heads) - best))
                times = {name: time * math.exp(rng.gauss(0, 0.004)) for name, time in times.items()}
                fastest = min(times.values())
                chosen = f"d{dim}_direct" if times[f"d{dim}_direct"] < 1.05 * fastest else min(times, key=times.get)
                points.append(
                    {
                        "name": f"qk_norm_rope/{dtype}/tokens={tokens},hq=32,hk=8,hv=8,D={dim},rotary={dim}/seed=7",
                        "key": {"D": dim, "tokens": tokens},
                        "chosen": chosen,
                        "regret": times[chosen] / fastest - 1,
                        "variants": [{"name": n, "time_us": t, "spread": 0.004} for n, t in times.items()],
                        "limit_us": limit,
                    }
                )
    return {
        "schema": "plumbline.tune/1",
        "machine": MACHINE,
        "margin": 0.01,
        "operators": [{"operator": "qk_norm_rope", "points": points}],
    }


def fingerprint_document(kernels: int = 40, seed: int = 7) -> dict:
    rng = random.Random(seed)
    rows = []
    for index in range(kernels):
        operator = ["rms_norm", "rope", "qk_norm_rope", "solve_tril"][index % 4]
        rows.append(
            {
                "kernel": f"void plumb::{operator}_kernel<__nv_bfloat16, {index}>(plumb::Arguments)",
                "operator": operator,
                "arch": ["80", "90a", "100a"][index % 3],
                "registers": rng.randrange(24, 200),
                "shared_bytes": rng.choice([0, 4096, 65536]),
                "stack_bytes": 0,
                "spill_store_bytes": 16 if index == 5 else 0,
                "spill_load_bytes": 24 if index == 5 else 0,
                "code_bytes": rng.randrange(1000, 90000),
                "counts": None
                if index % 7 == 0
                else {
                    "ldg128": rng.randrange(9),
                    "stg128": rng.randrange(5),
                    "lds128": 2,
                    "sts128": 1,
                    "bulk_copy": index % 2,
                    "cp_async": 4,
                    "tensor": 0,
                    "local": 3 if index == 5 else 0,
                },
                "sass_hash": f"{rng.getrandbits(64):016x}",
            }
        )
    return {"schema": "plumbline.fingerprint/1", "cuda": "13.0", "rows": rows}


def sanitize_document(findings: int = 0) -> dict:
    tools = [("memcheck", 12), ("racecheck", 191), ("synccheck", 7), ("initcheck", 46)]
    return {
        "schema": "plumbline.sanitize/1",
        "machine": MACHINE,
        "tier": "quick",
        "date": "2026-11-22T05:40:00Z",
        "tools": [
            {
                "tool": tool,
                "findings": findings if tool == "memcheck" else 0,
                "cases": 2220,
                "answered": 2220,
                "failed": 0,
                "seconds": seconds,
            }
            for tool, seconds in tools
        ],
    }


def tma_bench_document(seed: int = 7) -> dict:
    """solve_tril with TMA on and off, three precisions."""
    rng = random.Random(seed)
    entries = []
    for size in (64, 512, 2048, 8192, 32768):
        for out in ("bf16", "fp32"):
            for precision in ("ieee", "tf32x3", "tf32"):
                limit = 2 + size * 0.0037
                off = limit * rng.uniform(1.1, 2.5)
                for setting, time in (("off", off), ("on", off * rng.uniform(0.8, 1.15))):
                    word = "" if precision == "ieee" else f",precision={precision}"
                    name = f"solve_tril/bf16/B=1,T={size},H=32,BT=64/out={out},tma={setting}{word}/seed=7"
                    name += f"/variant={'tma' if setting == 'on' else 'vec16'}/cold"
                    entries.append(
                        {
                            "name": name,
                            "run_name": name,
                            "run_type": "iteration",
                            "real_time": time,
                            "time_unit": "us",
                            "limit_us": limit,
                            "share_of_limit": limit / time,
                            "gb_per_s": 3000.0,
                        }
                    )
    return {
        "context": {
            "date": "2026-11-22T05:15:00+00:00",
            "gpu": GPU,
            "driver": "580.159.04",
            "cuda": "13.0",
            "commit": "b93dbed1f0a2",
            "json_schema_version": 1,
        },
        "benchmarks": entries,
    }


def parts(series: int = 12, nights: int = 120) -> dict[str, dict]:
    """One document of each kind beyond check and bench."""
    return {
        "gate": gate_document(),
        "calibration": calibration_document(),
        "history": history_document(series, nights),
        "mutation": mutation_document(),
        "tune": tune_document(),
        "fingerprint": fingerprint_document(),
        "sanitize": sanitize_document(),
    }
