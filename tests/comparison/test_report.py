import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from sweetspot.comparison.grid import draw_grid
from sweetspot.comparison.report import Run, Settings, build_report

SETTINGS = Settings("comfyui", "flux_dev", "flux1-dev.safetensors", "euler", "simple", 1.0, 7)


def make_runs(noise: dict[int, float], batch: int = 1) -> list[Run]:
    rng = np.random.default_rng(0)
    clean, error = rng.random((batch, 32, 48, 3)), rng.normal(size=(batch, 32, 48, 3))
    return [
        Run(steps, steps, steps / 10, np.clip(clean + level * error, 0, 1).astype(np.float32))
        for steps, level in noise.items()
    ]


@pytest.fixture(scope="session")
def schema(root: Path) -> dict:
    return json.loads((root / "comparison" / "report.schema.json").read_text("utf-8"))


@pytest.mark.parametrize("noise", [{4: 0.3, 25: 0.02, 50: 0.0}, {25: 0.0}, {4: 0.5, 50: 0.0}])
def test_reports_keep_to_the_schema(noise: dict[int, float], schema: dict):
    told = json.loads(json.dumps(build_report(make_runs(noise), SETTINGS).to_dict(), allow_nan=False))
    jsonschema.validate(told, schema)


def test_the_largest_count_is_the_reference_whatever_the_order():
    told = build_report(make_runs({50: 0.0, 4: 0.3, 25: 0.02}), SETTINGS).to_dict()
    assert told["reference"] == 50
    assert [run["steps"] for run in told["runs"]] == [4, 25, 50]
    assert told["runs"][-1]["ssim"] == 1
    assert told["runs"][-1]["psnr"] is None
    assert told["sweet_spot"]["steps"] == 25


def test_measures_are_means_over_the_batch():
    one, two = make_runs({4: 0.3, 50: 0.0}, batch=1), make_runs({4: 0.3, 50: 0.0}, batch=2)
    doubled = [Run(run.steps, run.steps, 1.0, np.concatenate([run.images] * 2)) for run in one]
    assert build_report(doubled, SETTINGS).runs[0]["ssim"] == build_report(one, SETTINGS).runs[0]["ssim"]
    assert build_report(two, SETTINGS).runs[0]["ssim"] != build_report(one, SETTINGS).runs[0]["ssim"]


def test_no_runs_are_refused():
    with pytest.raises(ValueError, match="runs: expected at least one"):
        build_report([], SETTINGS)


def test_the_grid_holds_every_image_and_marks_the_sweet_spot():
    runs = make_runs({4: 0.3, 25: 0.02, 50: 0.0}, batch=2)
    grid = draw_grid(runs, build_report(runs, SETTINGS))
    assert grid.dtype == np.float32
    assert 0 <= grid.min() <= grid.max() <= 1
    factor = 6  # 48 pixels are enlarged to 288
    height, width = 32 * factor, 48 * factor
    for column, run in enumerate(runs):
        for row, image in enumerate(run.images):
            left = 8 + column * (width + 8)
            top = grid.shape[0] - (2 - row) * (height + 8)
            shown = grid[top : top + height : factor, left : left + width : factor]
            assert np.abs(shown - image).max() < 1 / 255
    mark = (grid == np.float32([52, 211, 153]) / np.float32(255)).all(axis=-1)
    columns = np.flatnonzero(mark[-height:].any(axis=0))
    assert 8 + width < columns.min()
    assert columns.max() < 8 + 2 * (width + 8)


def make_converging(steps: list[int], order: float, scale: float) -> list[Run]:
    """Return runs whose images lie on a line towards an end, at a distance of scale * N^-order."""
    rng = np.random.default_rng(1)
    end, error = rng.random((1, 32, 32, 3)) * 0.5 + 0.25, rng.normal(size=(1, 32, 32, 3))
    return [Run(n, n, 1.0, (end + scale * n**-order * error).astype(np.float64)) for n in steps]


@pytest.mark.parametrize("order", [1.0, 2.0])
def test_the_order_is_found_from_the_images(order: float):
    told = build_report(make_converging([8, 16, 32], order, 0.5), SETTINGS).to_dict()
    assert told["convergence"]["steps"] == [8, 16, 32]
    assert told["convergence"]["order"] == pytest.approx(order, abs=0.01)


def test_what_is_left_at_the_reference_is_estimated_in_terms_of_ssim():
    runs = make_converging([10, 20, 40, 100_000], 1.0, 1.0)
    truth = build_report([runs[2], runs[3]], SETTINGS).runs[0]["similarity"]
    told = build_report(runs[:3], SETTINGS).to_dict()["convergence"]["reference_similarity"]
    assert told == pytest.approx(truth, abs=0.01)


def test_a_reference_far_from_its_end_names_no_sweet_spot(schema: dict):
    """Slow convergence: 45 looks like 50, but 50 is not near the end."""
    report = build_report(make_converging([10, 30, 50], 0.25, 0.8), SETTINGS)
    assert report.sweet_spot.steps is None
    jsonschema.validate(report.to_dict(), schema)


@pytest.mark.parametrize("sampler", ["uni_pc", "euler_ancestral"])
def test_samplers_that_cannot_be_extrapolated_are_not(sampler: str):
    settings = Settings("comfyui", "flux_dev", "flux1-dev.safetensors", sampler, "simple", 1.0, 7)
    assert build_report(make_converging([8, 16, 32], 1.0, 0.5), settings).convergence is None


def test_a_shape_that_differs_in_one_place_is_a_visible_change():
    """A mean over the image would let it pass."""
    rng = np.random.default_rng(0)
    clean = np.repeat(np.repeat(rng.random((1, 32, 32, 3)), 8, axis=1), 8, axis=2).astype(np.float32)
    changed = clean.copy()
    changed[:, 40:64, 40:64] = rng.random((1, 24, 24, 3))
    report = build_report([Run(4, 4, 1.0, changed), Run(50, 50, 1.0, clean)], SETTINGS)
    assert report.runs[0]["ssim"] > 0.95
    assert report.runs[0]["similarity"] < 0.95
    assert report.sweet_spot.steps is None
