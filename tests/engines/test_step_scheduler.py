"""One scheduler in ten of diffusers' own pipelines: our solvers, on our levels, stopped where we like."""

from typing import Any

import pytest
import torch
from sweetspot.engines.step_scheduler import EPSILON, FLOW, Plan, StepScheduler, V, asked_levels
from sweetspot.samplers.noise_levels import NoiseLevels, diffusion_levels
from sweetspot.samplers.schedulers import make_schedule
from sweetspot.samplers.solvers import SOLVERS, find_solver, solve

from .tiny import FAMILIES

# Importing diffusers takes seconds, so one process runs all tests that need it.
pytestmark = pytest.mark.xdist_group("diffusers")

TRAINED = diffusion_levels()


class Stopped(Exception):
    """Somebody stopped the run."""


def trained_for(prediction: str) -> NoiseLevels | None:
    return None if prediction == FLOW else TRAINED


def levels_of(prediction: str, steps: int) -> tuple[float, ...]:
    if prediction == FLOW:
        return tuple(torch.linspace(1, 0, steps + 1).tolist())
    return tuple(make_schedule("karras", TRAINED, steps).tolist())


@pytest.fixture(scope="module")
def pipelines() -> dict[str, Any]:
    made = {}
    for name, tiny in FAMILIES.items():
        made[name] = tiny.make(StepScheduler(tiny.prediction))
        made[name].set_progress_bar_config(disable=True)
    return made


def run(pipelines: dict[str, Any], family: str, solver: str, steps: int, stop_at: int | None = None) -> list[int]:
    """Run a pipeline; return the numbers of its calls."""
    tiny, calls = FAMILIES[family], []

    def on_call(number: int, clean: torch.Tensor) -> None:
        assert torch.isfinite(clean).all()
        calls.append(number)
        if number == stop_at:
            raise Stopped

    plan = Plan(levels_of(tiny.prediction, steps), solver, on_call)
    pipelines[family].scheduler.plan(plan, trained_for(tiny.prediction))
    # The pipeline is told another count, which it must not use.
    asked = {"num_inference_steps": 2, "generator": torch.Generator().manual_seed(1), "output_type": "latent"}
    try:
        result = pipelines[family](**tiny.call, **asked, return_dict=False)[0]
        assert torch.isfinite(result).all()
    except Stopped:
        pass
    return calls


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_pipeline_makes_exactly_the_planned_calls(pipelines: dict[str, Any], family: str, solver: str):
    for steps in (1, 4, 7):
        assert run(pipelines, family, solver, steps) == list(range(SOLVERS[solver].model_calls(steps)))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_pipeline_stops_after_any_call_and_runs_again(pipelines: dict[str, Any], family: str):
    for stop_at in range(4):
        assert run(pipelines, family, "dpmpp_2m", 4, stop_at) == list(range(stop_at + 1))
    assert run(pipelines, family, "euler", 2) == [0, 1]


@pytest.mark.parametrize("prediction", [FLOW, EPSILON, V])
@pytest.mark.parametrize("solver", SOLVERS)
def test_it_goes_the_solvers_own_way(solver: str, prediction: str):
    """A pipeline's loop with a model in closed form ends where the solver alone does."""
    levels = levels_of(prediction, 6)

    def clean(x: torch.Tensor, level: Any) -> torch.Tensor:
        return torch.tanh(x) / (1 + level)

    def predicted(x: torch.Tensor, level: float) -> torch.Tensor:
        if prediction == V:
            scale = (1 + level**2) ** 0.5
            return (x / scale - clean(x, level) * scale) / level
        return (x - clean(x, level)) / level

    scheduler = StepScheduler(prediction)
    scheduler.plan(Plan(levels, solver), trained_for(prediction))
    scheduler.set_timesteps(99, sigmas=[0.5], mu=3.0)
    start = x = levels[0] * torch.randn(2, 4, generator=torch.Generator().manual_seed(3))
    for time, level in zip(scheduler.timesteps, scheduler.sigmas, strict=False):
        x = scheduler.step(predicted(x, float(level)), time, x, return_dict=False)[0]
    expected = solve(find_solver(solver), clean, start, torch.tensor(levels))
    assert torch.allclose(x, expected, atol=1e-4 * levels[0])


def test_timesteps_are_those_of_the_levels():
    scheduler = StepScheduler()
    scheduler.plan(Plan((1.0, 0.75, 0.0), "heun"))
    assert scheduler.timesteps.tolist() == [1000, 750, 750]
    scheduler = StepScheduler(EPSILON)
    scheduler.plan(Plan((float(TRAINED.table[-1]), float(TRAINED.table[499]), 0.0)), TRAINED)
    assert scheduler.timesteps.tolist() == [999, 499]


def test_levels_asked_for_are_known_before_the_run():
    assert asked_levels("euler", [1.0, 0.5, 0.0]) == [1.0, 0.5]
    assert asked_levels("heun", [1.0, 0.5, 0.25, 0.0]) == [1.0, 0.5, 0.5, 0.25, 0.25]


@pytest.mark.parametrize(
    ("prediction", "plan", "trained", "message"),
    [
        (FLOW, Plan((1.0, 0.0), "unipc"), None, "solver: expected one of"),
        (FLOW, Plan((0.5, 1.0)), None, "levels: expected at least 2 strictly falling"),
        (EPSILON, Plan((1.0, 0.0)), None, "trained: expected the model's levels"),
        (FLOW, Plan((1.0, 0.0)), TRAINED, "trained: expected none"),
    ],
)
def test_what_can_not_run_is_refused_before_any_call(prediction: str, plan: Plan, trained: Any, message: str):
    with pytest.raises(ValueError, match=message):
        StepScheduler(prediction).plan(plan, trained)


def test_another_prediction_is_refused():
    with pytest.raises(ValueError, match="prediction_type: expected one of"):
        StepScheduler("sample")
