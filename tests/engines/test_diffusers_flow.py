import numpy as np
import pytest
from sweetspot.demo.load import load_engine
from sweetspot.engines.diffusers_flow import DiffusersFlow, Guidance
from sweetspot.samplers.solvers import SOLVERS

# Importing diffusers takes seconds, so one process runs all tests that need it.
pytestmark = pytest.mark.xdist_group("diffusers")

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


@pytest.mark.parametrize("solver", SOLVERS)
def test_calls_are_counted_and_the_size_is_the_pictures(engine: DiffusersFlow, solver: str):
    run = engine.run(3, RED, 0, (64, 96), solver)
    assert (run.steps, run.model_calls) == (3, SOLVERS[solver].model_calls(3))
    assert run.images.shape == (1, 96, 64, 3)
    assert run.seconds > 0


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


def test_guidance_below_one_is_refused(engine: DiffusersFlow):
    with pytest.raises(ValueError, match=r"cfg: expected at least 1 on diffusers, got 0\.5"):
        engine.run(1, Guidance("a red circle on green", "", 0.5), 0)
