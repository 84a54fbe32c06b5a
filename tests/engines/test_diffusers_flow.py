import numpy as np
import pytest
from sweetspot.demo.load import load_engine
from sweetspot.engines.diffusers_flow import DiffusersFlow, Guidance, run_step_counts

RED = Guidance("a red circle on green", "", 2.0)


@pytest.fixture(scope="module")
def engine() -> DiffusersFlow:
    return load_engine()


def test_the_same_seed_gives_the_same_picture(engine: DiffusersFlow):
    first, second, other = (engine.run(3, RED, seed).images for seed in (1, 1, 2))
    assert first.shape == (1, 128, 128, 3)
    assert 0 <= first.min() <= first.max() <= 1
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_every_step_calls_the_model_once(engine: DiffusersFlow):
    runs = run_step_counts(engine, [2, 5], RED, seed=0, size=(64, 96))
    assert [(run.steps, run.model_calls) for run in runs] == [(2, 2), (5, 5)]
    assert runs[0].images.shape == (1, 96, 64, 3)
    assert all(run.seconds > 0 for run in runs)


def test_cfg_one_leaves_the_negative_prompt_out(engine: DiffusersFlow):
    def picture(negative: str, cfg: float) -> np.ndarray:
        return engine.run(2, Guidance("a red circle on green", negative, cfg), 0).images

    assert np.array_equal(picture("", 1.0), picture("a red circle", 1.0))
    assert not np.array_equal(picture("", 2.0), picture("a red circle", 2.0))


@pytest.mark.parametrize("steps", [0, 10001])
def test_step_counts_outside_the_range_are_named(engine: DiffusersFlow, steps: int):
    with pytest.raises(ValueError, match=f"steps: expected 1 to 10000, got {steps}"):
        engine.run(steps, RED, 0)


@pytest.mark.parametrize("size", [(0, 128), (128, 120), (-16, 128)])
def test_sizes_that_do_not_fit_are_named(engine: DiffusersFlow, size: tuple[int, int]):
    with pytest.raises(ValueError, match="size: expected width and height as multiples of 16"):
        engine.run(1, RED, 0, size)
