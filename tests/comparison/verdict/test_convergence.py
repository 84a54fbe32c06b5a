"""The estimates against closed forms: exact power laws, and solvers on Gaussian data whose end is known."""

import math

import pytest
import torch
from sweetspot.comparison.verdict.convergence import (
    Convergence,
    can_extrapolate,
    choose_triple,
    estimate_convergence,
)
from sweetspot.samplers.lockstep import sample_lockstep
from torch import Tensor

MEAN, DEVIATION, START, END = 0.7, 0.5, 14.6, 0.03


@pytest.mark.parametrize("order", [0.5, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("steps", [(8, 16, 32), (4, 25, 50), (10, 20, 60), (12, 50, 100)])
def test_a_power_law_is_found_exactly(order: float, steps: tuple[int, int, int]):
    errors = [3.0 * count**-order for count in steps]
    found = estimate_convergence(steps, errors[0] - errors[1], errors[1] - errors[2])
    assert found.order == pytest.approx(order, rel=1e-6)
    assert found.remaining == pytest.approx(errors[2], rel=1e-6)
    assert found.steps == steps


def gaussian(x: Tensor, sigma: Tensor) -> Tensor:
    return MEAN + DEVIATION**2 / (DEVIATION**2 + sigma.view(-1, 1) ** 2) * (x - MEAN)


def karras(steps: int) -> Tensor:
    ramp = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
    return (START ** (1 / 7) + ramp * (END ** (1 / 7) - START ** (1 / 7))) ** 7


@pytest.mark.parametrize(
    ("solver", "order", "least", "most"),
    # Facts: estimate over truth, from N, 2N, 4N.
    [
        ("euler", 1.0, 0.95, 1.15),
        ("heun", 2.0, 0.90, 1.02),
        ("dpmpp_2m", 2.0, 0.92, 1.15),
        ("res_multistep", 2.0, 0.85, 1.08),
    ],
)
@pytest.mark.parametrize("first", [16, 32])
def test_what_remains_is_estimated_as_measured(solver: str, order: float, least: float, most: float, first: int):
    x = torch.randn(512, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * START
    steps = (first, 2 * first, 4 * first)
    ends = sample_lockstep(gaussian, x, [karras(count) for count in steps], solver)
    truth = MEAN + (x - MEAN) * math.sqrt((DEVIATION**2 + END**2) / (DEVIATION**2 + START**2))
    found = estimate_convergence(steps, float((ends[0] - ends[1]).norm()), float((ends[1] - ends[2]).norm()))
    assert found.order == pytest.approx(order, abs=0.25)
    assert least < found.remaining / float((ends[2] - truth).norm()) < most


def test_runs_that_do_not_come_nearer_have_no_end():
    found = estimate_convergence((10, 20, 40), 1.0, 1.1)
    assert found.order == 0
    assert math.isinf(found.remaining)


def test_equal_runs_have_nothing_left():
    assert estimate_convergence((10, 20, 40), 0.3, 0.0) == Convergence(8.0, 0.0, (10, 20, 40))
    assert estimate_convergence((10, 20, 40), 0.0, 0.0).remaining == 0


@pytest.mark.parametrize(
    ("steps", "triple"),
    [
        ([4, 25, 50], (4, 25, 50)),
        ([4, 8, 12, 16, 24, 32, 50], (24, 32, 50)),
        ([6, 8, 12, 24], (6, 12, 24)),
        ([6, 12, 24, 32], (12, 24, 32)),
        ([40, 45, 50], None),
        ([], None),
        ([50], None),
        ([25, 50], None),
        ([1, 2, 3], (1, 2, 3)),
    ],
)
def test_the_triple_has_the_largest_count_and_no_near_neighbours(steps: list[int], triple):
    assert choose_triple(steps) == triple


@pytest.mark.parametrize("steps", [(10, 10, 20), (20, 10, 40), (0, 1, 2)])
def test_counts_that_do_not_rise_are_refused(steps):
    with pytest.raises(ValueError, match="expected rising step counts"):
        estimate_convergence(steps, 1.0, 0.5)


def test_only_steady_deterministic_samplers_are_extrapolated():
    assert can_extrapolate("euler")
    assert not can_extrapolate("uni_pc")
    assert not can_extrapolate("euler_ancestral")
    assert not can_extrapolate("a sampler of another pack")
