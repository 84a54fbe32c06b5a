import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import torch
from sweetspot.comparison.measures.measured import Prepared
from sweetspot.comparison.pictures.grid import draw_grid
from sweetspot.comparison.report import Price, Report, make_report
from sweetspot.comparison.runs import Run, Sampling, Series, Settings, joined
from sweetspot.comparison.verdict.judge import judge
from sweetspot.comparison.verdict.judgement import Judgement
from sweetspot.comparison.verdict.measuring import Measuring
from sweetspot.comparison.verdict.second_opinion import CheckPlan, Opinion

SETTINGS = Settings("comfyui", "flux_dev", "flux1-dev.safetensors", "euler", "simple", 1.0, 7)


def report_of(runs: list[Run], settings: Settings = SETTINGS) -> Report:
    return make_report([judge(Series(settings, runs))])


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
    told = json.loads(json.dumps(report_of(make_runs(noise)).to_dict(), allow_nan=False))
    jsonschema.validate(told, schema)


def test_the_largest_count_is_the_reference_whatever_the_order():
    told = report_of(make_runs({50: 0.0, 4: 0.3, 25: 0.02})).to_dict()
    assert told["reference"] == 50
    assert [run["steps"] for run in told["runs"]] == [4, 25, 50]
    assert told["runs"][-1]["ssim"] == 1
    assert told["runs"][-1]["psnr"] is None
    assert told["sweet_spot"]["steps"] == 25


def test_measures_are_means_over_the_batch():
    one, two = make_runs({4: 0.3, 50: 0.0}, batch=1), make_runs({4: 0.3, 50: 0.0}, batch=2)
    doubled = [Run(run.steps, run.steps, 1.0, np.concatenate([run.images] * 2)) for run in one]
    assert report_of(doubled).to_dict()["runs"][0]["ssim"] == report_of(one).to_dict()["runs"][0]["ssim"]
    assert report_of(two).to_dict()["runs"][0]["ssim"] != report_of(one).to_dict()["runs"][0]["ssim"]


def test_no_runs_are_refused():
    with pytest.raises(ValueError, match="runs: expected at least one"):
        report_of([])
    with pytest.raises(ValueError, match="series: expected at least one"):
        make_report([])


def test_the_grid_holds_every_image_and_marks_the_sweet_spot():
    runs = make_runs({4: 0.3, 25: 0.02, 50: 0.0}, batch=2)
    grid = draw_grid(report_of(runs))
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
    told = report_of(make_converging([8, 16, 32], order, 8.0**order / 20)).to_dict()
    assert told["convergence"]["steps"] == [8, 16, 32]
    assert told["convergence"]["order"] == pytest.approx(order, abs=0.01)


def test_what_is_left_at_the_reference_is_estimated_in_terms_of_ssim():
    runs = make_converging([10, 20, 40, 100_000], 1.0, 1.0)
    truth = report_of([runs[2], runs[3]]).to_dict()["runs"][0]["similarity"]
    told = report_of(runs[:3]).to_dict()["convergence"]["reference_similarity"]
    assert told == pytest.approx(truth, abs=0.01)


def test_a_reference_far_from_its_end_names_no_sweet_spot(schema: dict):
    """Slow convergence: 45 looks like 50, but 50 is not near the end."""
    report = report_of(make_converging([10, 30, 50], 0.25, 0.8))
    assert report.first.sweet_spot.steps is None
    jsonschema.validate(report.to_dict(), schema)


@pytest.mark.parametrize("sampler", ["uni_pc", "euler_ancestral"])
def test_samplers_that_cannot_be_extrapolated_are_not(sampler: str):
    settings = Settings("comfyui", "flux_dev", "flux1-dev.safetensors", sampler, "simple", 1.0, 7)
    assert report_of(make_converging([8, 16, 32], 1.0, 0.5), settings).first.convergence is None


def test_a_shape_that_differs_in_one_place_is_a_visible_change():
    """A mean over the image would let it pass."""
    rng = np.random.default_rng(0)
    clean = np.repeat(np.repeat(rng.random((1, 32, 32, 3)), 8, axis=1), 8, axis=2).astype(np.float32)
    changed = clean.copy()
    changed[:, 40:64, 40:64] = rng.random((1, 24, 24, 3))
    report = report_of([Run(4, 4, 1.0, changed), Run(50, 50, 1.0, clean)])
    assert report.to_dict()["runs"][0]["ssim"] > 0.95
    assert report.to_dict()["runs"][0]["similarity"] < 0.95
    assert report.first.sweet_spot.steps is None


def seeds_of(levels: dict[int, list[float]]) -> list[Run]:
    """Return runs over several seeds, each image with its own amount of error at each count."""
    rng = np.random.default_rng(2)
    images = len(next(iter(levels.values())))
    clean, error = rng.random((images, 32, 32, 3)) * 0.5 + 0.25, rng.normal(size=(images, 32, 32, 3))
    return [
        joined([Run(n, n, n / 10, (clean[i] + level * error[i])[None]) for i, level in enumerate(of_seed)])
        for n, of_seed in levels.items()
    ]


def test_the_verdict_is_over_all_seeds_with_its_spread(schema: dict):
    """Three images are done at 4, 8 and 16 steps: 16 are enough for all."""
    settings = Settings("comfyui", "flux_dev", "f", "euler", "simple", 1.0, 7, seeds=3)
    levels = {4: [0.01, 0.3, 0.3], 8: [0.01, 0.01, 0.3], 16: [0.01] * 3, 32: [0.0] * 3}
    told = report_of(seeds_of(levels), settings).to_dict()
    jsonschema.validate(told, schema)
    assert told["sweet_spot"]["steps"] == 16
    assert told["spread"] == {"least": 4, "median": 8, "most": 16, "without": 0}
    assert [row["enough_for"] for row in told["runs"]] == [1, 2, 3, 3]
    assert told["images"] == 3


def test_images_without_a_sweet_spot_count_in_the_median():
    levels = {4: [0.01, 0.3, 0.3], 8: [0.01, 0.3, 0.3], 16: [0.0] * 3}
    spread = report_of(seeds_of(levels)).to_dict()["spread"]
    assert spread == {"least": 4, "median": None, "most": 4, "without": 2}


def test_nothing_that_ran_is_no_sweet_spot():
    runs = [replace(run, model_calls=0) for run in make_runs({4: 0.0, 8: 0.0})]
    verdict = report_of(runs).first.sweet_spot
    assert (verdict.steps, verdict.confidence) == (None, "low")


def judge_checked(runs: list[Run]) -> Judgement:
    """Return the judgement with a second opinion that shows the same image as the last run."""
    plan = CheckPlan(Sampling(0, 3.0, "dpmpp_2m", "simple"), 1.0, 0.1, 3.0)
    return judge(Series(SETTINGS, runs), opinion=Opinion(plan, (replace(runs[-1], steps=12),)))


def test_past_the_sweet_spot_nothing_more_is_asked_for():
    told = report_of(make_converging([4, 6, 8, 12, 16, 32], 1.0, 0.3)).to_dict()
    assert told["sweet_spot"]["steps"]
    assert told["convergence"]["enough_at"] is None
    assert told["knee"] is None or told["knee"] < told["sweet_spot"]["steps"]


def test_one_image_of_ten_may_be_an_exception():
    levels = {4: [0.01] * 9 + [0.3], 8: [0.01] * 10, 16: [0.0] * 10}
    assert judge(Series(SETTINGS, seeds_of(levels))).sweet_spot.steps == 4
    of_nine = {count: values[1:] for count, values in levels.items()}
    assert judge(Series(SETTINGS, seeds_of(of_nine))).sweet_spot.steps == 8


def test_cost_is_by_the_hour_or_by_the_step(schema: dict):
    runs = [judge(Series(SETTINGS, make_runs({10: 0.3, 20: 0.0})))]  # a second and two
    by_hour = make_report(runs, Price(3.6, "per hour")).to_dict()
    by_step = make_report(runs, Price(0.5, "per step")).to_dict()
    assert [row["cost"] for row in by_hour["runs"]] == [0.001, 0.002]
    assert [row["cost"] for row in by_step["runs"]] == [5, 10]
    assert report_of(make_runs({10: 0.3, 20: 0.0})).to_dict()["runs"][0]["cost"] is None
    for told in (by_hour, by_step):
        jsonschema.validate(told, schema)


def test_seconds_per_step():
    row = report_of(make_runs({10: 0.3, 20: 0.0})).to_dict()["runs"][1]
    assert (row["seconds"], row["seconds_per_step"]) == (2.0, 0.1)


def test_a_distilled_model_is_judged_within_its_trained_steps(schema: dict):
    """1 to 4 trained: 4 is the reference, however different 16 looks; that it does is said."""
    settings = Settings("comfyui", "sdxl_turbo", "f", "euler", "simple", 1.0, 7, trained_steps=(1, 4))
    told = report_of(make_runs({1: 0.3, 2: 0.01, 4: 0.0, 8: 0.2, 16: 0.3}), settings).to_dict()
    jsonschema.validate(told, schema)
    assert (told["reference"], told["sweet_spot"]["steps"], told["convergence"]) == (4, 2, None)
    assert "trained for 1 to 4 steps" in told["sweet_spot"]["reason"]
    assert "More steps change the image visibly (8, 16)" in told["sweet_spot"]["reason"]
    assert [row["enough_for"] for row in told["runs"]] == [0, 1, 1, 0, 0]


def test_a_distilled_model_that_ran_at_no_trained_count_has_no_sweet_spot():
    settings = Settings("comfyui", "lightning", "f", "euler", "simple", 1.0, 7, trained_steps=(4, 4))
    verdict = report_of(make_runs({8: 0.01, 16: 0.0}), settings).first.sweet_spot
    assert verdict.steps is None
    assert verdict.advice == "Add 4."


def test_the_statistics_of_samplers_that_inject_noise_are_told():
    """Each count has another image; what they look like by themselves stays."""
    rng = np.random.default_rng(3)
    settings = Settings("comfyui", "sdxl", "f", "euler_ancestral", "karras", 5.0, 0, seeds=16)
    runs = [Run(n, n, 1.0, rng.random((16, 32, 32, 3)) * 0.5) for n in (4, 8, 16)]
    report = report_of(runs, settings)
    assert report.first.sweet_spot.steps is None
    assert report.first.settled_from == 4
    assert "from 4 steps on" in report.first.sweet_spot.reason


def test_no_false_sweet_spot_in_a_hundred_stochastic_cases():
    """Samplers that inject noise, by their names; counts that happen to look alike, too."""
    rng = np.random.default_rng(4)
    names = ["euler_ancestral", "dpmpp_sde", "dpmpp_2m_sde_gpu", "lcm", "ddpm", "seeds_2", "sa_solver", "er_sde"]
    for case in range(100):
        settings = Settings("comfyui", "sdxl", "f", names[case % len(names)], "karras", 5.0, case)
        clean = rng.random((1, 24, 24, 3))
        level = rng.choice([0.0, 0.001, 0.3])
        runs = [Run(n, n, 1.0, clean + level * rng.normal(size=clean.shape)) for n in (4, 8, 16, 32)]
        judged = judge(Series(settings, runs))
        assert (judged.sweet_spot.steps, judged.knee, judged.convergence) == (None, None, None)


def test_rounding_to_levels_is_not_taken_for_slow_convergence():
    """Images that differ by the last of 256 levels have converged, in whatever order those flip."""
    rng = np.random.default_rng(5)
    clean = rng.integers(10, 240, (1, 32, 32, 3))
    runs = [Run(n, n, 1.0, (clean + (rng.random(clean.shape) < 0.2)).astype(np.uint8)) for n in (8, 16, 32)]
    judged = judge_checked(runs)
    assert judged.reference_similarity == 1
    assert (judged.convergence.order, judged.convergence.enough_at) == (None, None)
    assert (judged.sweet_spot.steps, judged.sweet_spot.confidence) == (8, "high")


def test_a_semantic_distance_is_one_minus_the_cosine():
    images = make_runs({4: 0.1, 50: 0.0}, batch=2)
    angles = {4: [[1.0, 0.0], [0.0, 2.0]], 50: [[1.0, 1.0], [0.0, 1.0]]}
    runs = [replace(run, embeddings=np.array(angles[run.steps])) for run in images]
    rows = report_of(runs).to_dict()["runs"]
    assert rows[0]["semantic"] == pytest.approx((1 - np.sqrt(0.5)) / 2, abs=1e-6)
    assert rows[1]["semantic"] == 0
    assert report_of(images).to_dict()["runs"][0]["semantic"] is None


def test_one_equal_image_does_not_hide_the_others_error():
    """The PSNR of a row is that of its mean error: half of 20 dB's error is 23 dB."""
    clean = np.full((2, 32, 32, 3), 0.5)
    other = clean.copy()
    other[1] += 0.1
    rows = report_of([Run(4, 4, 1.0, other), Run(8, 8, 1.0, clean)]).to_dict()["runs"]
    assert rows[0]["psnr"] == pytest.approx(20 + 10 * np.log10(2), abs=1e-3)


def test_runs_that_start_at_different_levels_are_not_extrapolated():
    settings = replace(SETTINGS, same_start=False)
    assert report_of(make_converging([8, 16, 32], 1.0, 0.5), settings).first.convergence is None


def test_a_measured_run_is_not_measured_again_and_judging_can_be_ended():
    runs, looked = make_runs({4: 0.3, 25: 0.02, 50: 0.0}), []
    measuring = Measuring(watch=lambda: looked.append(1))
    first = judge(Series(SETTINGS, runs), measuring)
    seen = len(looked)
    again = judge(Series(SETTINGS, runs), measuring)
    assert len(looked) == seen > 0
    assert [run.measured for run in first.runs] == [run.measured for run in again.runs]

    def end() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge(Series(SETTINGS, runs), Measuring(watch=end))


def test_a_full_gpu_ends_no_comparison(monkeypatch: pytest.MonkeyPatch):
    """The model may fill the GPU: measuring then goes on beside it."""
    devices, measure = [], Prepared.measured

    def full(self: Prepared, *arguments: object) -> object:
        devices.append(self._device)
        if self._device != "cpu":
            raise torch.cuda.OutOfMemoryError
        return measure(self, *arguments)

    monkeypatch.setattr(Prepared, "measured", full)
    runs = make_runs({4: 0.3, 25: 0.02, 50: 0.0})
    expected = judge(Series(SETTINGS, runs)).similarity
    devices.clear()
    # No tensor is made there before the error, so that the test needs no such device.
    assert Measuring("cuda").measured(runs, runs[-1])[0][0].similarity == pytest.approx(expected[0])
    assert devices == ["cuda", "cpu", "cpu", "cpu"]
