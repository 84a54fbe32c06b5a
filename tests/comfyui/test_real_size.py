"""`benchmarks/real_size.py` works: the same code on small models, and what doesn't depend on the machine's speed."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "real_size.py"


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict:
    file = tmp_path_factory.mktemp("figures") / "figures.json"
    done = subprocess.run(
        [sys.executable, SCRIPT, "--quick", "--json", file], capture_output=True, text=True, timeout=1200, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(file.read_text("utf-8"))
    for model in found["models"]:
        assert f"| {model}, 64 x 64 |" in done.stdout
    return {model: sizes["64 x 64"] for model, sizes in found["models"].items()}


def test_every_shape_has_every_figure(figures: dict):
    assert list(figures) == ["small SDXL", "small Flux", "small Qwen-Image", "small Wan"]
    for found in figures.values():
        numbers = [value for kind in found.values() for value in kind.values()]
        assert len(numbers) >= 9
        assert all(math.isfinite(value) and value > 0 for value in numbers)


def test_model_calls_are_shared_and_both_models_loaded_once(figures: dict):
    for found in figures.values():
        # 2, 5 and 8 steps share their calls: 8 of the longest, a step to warm up, and a call that checks the sharing.
        assert found["ratios"]["its model calls over theirs, together auto"] == pytest.approx((8 + 1 + 1) / 15)
        assert found["loads of model and VAE"]["in one comparison"] == 2
