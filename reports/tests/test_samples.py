"""The sample cases of golden/samples load in Python and mean what golden/README.md says."""

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors

FOLDER = Path(__file__).resolve().parents[2] / "golden" / "samples"
NUMPY = {"F32": np.float32, "F16": np.float16, "I32": np.int32, "I64": np.int64}


def load(path: Path) -> dict[str, np.ndarray]:
    tensors = {}
    for name, entry in safetensors.deserialize(path.read_bytes()):
        raw, shape = bytes(entry["data"]), entry["shape"]
        if entry["dtype"] == "BF16":
            wide = np.frombuffer(raw, np.uint16).astype(np.uint32) << 16
            tensors[name] = wide.view(np.float32).reshape(shape)
        else:
            tensors[name] = np.frombuffer(raw, NUMPY[entry["dtype"]]).reshape(shape)
    return tensors


def sample(prefix: str) -> dict[str, np.ndarray]:
    (path,) = FOLDER.glob(prefix + "*")
    return load(path)


def test_every_operator_has_samples():
    names = [path.name for path in FOLDER.glob("*.safetensors")]
    for operator in ("rms_norm", "rope", "qk_norm_rope", "solve_tril"):
        assert any(name.startswith(operator + "-") for name in names)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.safetensors")), ids=lambda path: path.name)
def test_expected_bits_are_near_the_oracle(path):
    length = int.from_bytes(path.read_bytes()[:8], "little")
    assert "/seed=7" in json.loads(path.read_bytes()[8 : 8 + length])["__metadata__"]["case"]
    tensors = load(path)
    outputs = [name.removesuffix(".oracle") for name in tensors if name.endswith(".oracle")]
    assert outputs
    for name in outputs:
        got, true = tensors[name + ".expected"].astype(np.float64), tensors[name + ".oracle"]
        assert np.abs(got - true).max() <= 2**-7 * max(1.0, np.abs(true).max())


def test_rms_norm_is_its_formula():
    t = sample("rms_norm-fp16")
    x, weight = t["x"].astype(np.float64), t["weight"].astype(np.float64)
    y = x / np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-6) * weight
    assert np.allclose(t["y.expected"], y, rtol=2e-3, atol=1e-6)


def test_solve_tril_inverts():
    t = sample("solve_tril-bf16")
    for batch in range(2):
        for head in range(2):
            lower = np.tril(t["a"][batch, :32, head].astype(np.float64), -1)
            product = (np.eye(32) + lower) @ t["x.expected"][batch, :32, head].astype(np.float64)
            assert np.abs(product - np.eye(32)).max() < 0.2  # bf16 holds 8 bits
