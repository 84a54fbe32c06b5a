"""The engine on diffusers' pipelines: the demo model, and what is refused."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sweetspot.comparison.measures.levels import to_levels
from sweetspot.comparison.runs import Run, Sampling, Task
from sweetspot.demo.load import load_model
from sweetspot.engines.diffusers import DiffusersEngine, DiffusersModel, Scene
from sweetspot.engines.finished_runs import FinishedRuns
from sweetspot.samplers.schedulers import SCHEDULERS, make_schedule
from sweetspot.samplers.solvers import SOLVERS

from .tiny import FAMILIES, model_of, scheduler_of

# Importing diffusers takes seconds, so one process runs all tests that need it.
pytestmark = pytest.mark.xdist_group("diffusers")

RED = "a red circle on green"


@pytest.fixture(scope="module")
def model() -> DiffusersModel:
    return load_model()


def made(model: DiffusersModel, steps: int, seed: int = 0, cfg: float = 2.0, **scene: Any) -> Run:
    solver = scene.pop("solver", "euler")
    (run,) = DiffusersEngine(model, Scene((RED,), **scene)).run([Task(Sampling(seed, cfg, solver, "simple"), steps)])
    return run


def test_the_same_seed_gives_the_same_picture(model: DiffusersModel):
    first, second, other = (made(model, 3, seed).images for seed in (1, 1, 2))
    assert first.shape == (1, 128, 128, 3)
    assert 0 <= first.min() <= first.max() <= 1
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("solver", SOLVERS)
def test_calls_are_counted_and_the_size_is_the_pictures(model: DiffusersModel, solver: str):
    run = made(model, 3, solver=solver, size=(64, 96))
    assert (run.steps, run.model_calls) == (3, SOLVERS[solver].model_calls(3))
    assert run.images.shape == (1, 96, 64, 3)
    assert run.seconds > 0


def test_cfg_one_leaves_the_negative_prompt_out(model: DiffusersModel):
    def picture(negative: str, cfg: float) -> np.ndarray:
        return made(model, 2, cfg=cfg, negative=negative).images

    assert np.array_equal(picture("", 1.0), picture("a red circle", 1.0))
    assert not np.array_equal(picture("", 2.0), picture("a red circle", 2.0))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_makes_images_of_the_asked_size(family: str):
    tiny = FAMILIES[family]
    model = model_of(family)
    assert model.prediction == tiny.prediction
    scene = Scene(("anything",), size=(tiny.call["width"], tiny.call["height"]), length=tiny.call.get("num_frames", 1))
    engine = DiffusersEngine(model, scene)
    engine.check(sampling := Sampling(1, 2.0 if model.has_cfg else 1.0, "dpmpp_2m", "karras"))
    (run,) = engine.run([Task(sampling, 3)])
    assert run.images.shape == (1, scene.size[1], scene.size[0], 3)
    assert (run.model_calls, np.isfinite(run.images).all()) == (3, True)


def test_a_video_gives_its_chosen_frames():
    (run,) = DiffusersEngine(model_of("Wan"), Scene(("x",), size=(16, 16), length=9, frames="first, last")).run(
        [Task(Sampling(1, 2.0, "euler", "simple"), 2)]
    )
    assert run.images.shape == (2, 16, 16, 3)


@pytest.mark.parametrize(
    ("family", "scene", "message"),
    [
        ("SDXL", {"size": (0, 128)}, r"size: expected width and height as multiples of 8, got \(0, 128\)"),
        ("Flux", {"size": (128, 120)}, "size: expected width and height as multiples of 16"),
        ("LTX", {"size": (-32, 128)}, "size: expected width and height as multiples of 32"),
        ("Flux", {"length": 5}, "length: expected 1, because this model makes images, got 5"),
        ("Wan", {"length": 8}, "length: expected 1 more than a multiple of 4, got 8"),
        ("Flux.2", {"negative": "blurry"}, "negative: expected an empty text, because Flux2Pipeline takes none"),
    ],
)
def test_scenes_that_a_pipeline_can_not_make_are_refused(family: str, scene: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        DiffusersEngine(model_of(family), Scene(("x",), **scene))


@pytest.mark.parametrize(
    ("family", "changes", "message"),
    [
        ("Flux", {"cfg": 0.5}, r"cfg: expected at least 1 on diffusers, got 0\.5"),
        ("Flux.2", {"cfg": 4.0}, "cfg: expected 1, because this Flux2Pipeline has no classifier-free guidance; got 4"),
        ("Klein", {"cfg": 4.0}, "cfg: expected 1, because this Flux2KleinPipeline"),
        ("Flux", {"sampler_name": "uni_pc"}, "sampler_name: expected one of .*euler.*, got 'uni_pc'"),
        ("Flux", {"scheduler": "kl_optimal"}, "scheduler: expected one of simple, .*, got 'kl_optimal'"),
        ("Flux", {"denoise": 0.0}, "denoise: expected more than 0"),
        ("SDXL", {"denoise": 0.5}, r"denoise: expected 1, because a run begins with noise alone; got 0\.5"),
    ],
)
def test_settings_that_it_can_not_run_are_refused(family: str, changes: dict[str, Any], message: str):
    engine = DiffusersEngine(model_of(family), Scene(("x",)))
    with pytest.raises(ValueError, match=message):
        engine.check(Sampling(**{"seed": 0, "cfg": 1.0, "sampler_name": "euler", "scheduler": "simple"} | changes))


@pytest.mark.parametrize("steps", [0, 10001])
def test_step_counts_outside_the_range_are_named(model: DiffusersModel, steps: int):
    with pytest.raises(ValueError, match=f"steps: expected 1 to 10000, got {steps}"):
        made(model, steps)


def test_a_class_without_a_row_is_named_with_what_to_add():
    with pytest.raises(ValueError, match="got SimpleNamespace; to add a class, write a row"):
        DiffusersModel(SimpleNamespace())


def test_an_image_with_nan_is_an_error_that_names_the_count(monkeypatch: pytest.MonkeyPatch):
    model = model_of("SD3")
    decode = model.pipeline.vae.decode
    monkeypatch.setattr(model.pipeline.vae, "decode", lambda *a, **b: (decode(*a, **b)[0] * torch.nan,))
    with pytest.raises(ValueError, match="3 steps: image: expected finite numbers, got NaN or Inf"):
        DiffusersEngine(model, Scene(("x",), size=(16, 16))).run([Task(Sampling(0, 1.0, "euler", "simple"), 3)])


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_schedules_are_whole_unless_denoise_cuts_them(model: DiffusersModel, scheduler: str):
    engine = DiffusersEngine(model, Scene((RED,)))
    for steps in (7, 12, 30):
        whole = make_schedule(scheduler, model.levels(Scene((RED,))), steps).tolist()
        assert engine.schedule(Sampling(0, 1.0, "euler", scheduler), steps) == whole
        longer = make_schedule(scheduler, model.levels(Scene((RED,))), 2 * steps).tolist()
        assert engine.schedule(Sampling(0, 1.0, "euler", scheduler, denoise=0.5), steps) == longer[-(steps + 1) :]


def test_a_shift_is_refused_where_there_is_none():
    with pytest.raises(ValueError, match="shift: expected none, because this model predicts v_prediction; got 3"):
        DiffusersModel(FAMILIES["SDXL"].make(scheduler_of("SDXL")), shift=3.0)


def test_finished_runs_are_not_made_again(model: DiffusersModel, tmp_path: Path):
    tasks = [Task(Sampling(5, 2.0, "euler", "simple"), steps) for steps in (2, 3)]
    scene = Scene((RED,))
    first = DiffusersEngine(model, scene, finished=FinishedRuns(tmp_path, {"model": "demo"})).run(tasks[:1])
    again = DiffusersEngine(model, scene, finished=FinishedRuns(tmp_path, {"model": "demo"})).run(tasks)
    assert [run.reused for run in (*first, *again)] == [False, True, False]
    assert np.array_equal(again[0].images, to_levels(first[0].images))
    for other in (FinishedRuns(tmp_path, {"model": "other"}), FinishedRuns(None, {})):
        assert not DiffusersEngine(model, scene, finished=other).run(tasks[:1])[0].reused
