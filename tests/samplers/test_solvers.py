"""Each solver, run alone, against the exact solution for Gaussian data, where the ODE has a closed form."""

import math

import pytest
import torch
from sweetspot.samplers.solvers import SOLVERS, find_solver, solve
from torch import Tensor

MEAN, DEVIATION = 0.7, 0.5
DOUBLE = torch.float64


def flow_denoiser(x: Tensor, sigma: Tensor) -> Tensor:
    """Return E[data | x] for data N(MEAN, DEVIATION^2) and x = (1 - sigma) data + sigma noise."""
    variance = (1 - sigma) ** 2 * DEVIATION**2 + sigma**2
    return MEAN + (1 - sigma) * DEVIATION**2 / variance * (x - (1 - sigma) * MEAN)


def flow_solution(x: Tensor, start: float, end: float) -> Tensor:
    def deviation(t: float) -> float:
        return math.sqrt((1 - t) ** 2 * DEVIATION**2 + t**2)

    return (1 - end) * MEAN + deviation(end) / deviation(start) * (x - (1 - start) * MEAN)


@pytest.fixture
def noise() -> Tensor:
    return torch.randn(4, 3, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)


def error_of(solver: str, steps: int, noise: Tensor) -> float:
    sigmas = torch.linspace(1, 0.05, steps + 1, dtype=DOUBLE)
    reached = solve(SOLVERS[solver], flow_denoiser, noise, sigmas)
    return (reached - flow_solution(noise, 1.0, 0.05)).square().mean().sqrt().item()


@pytest.mark.parametrize("solver", SOLVERS)
def test_converges_with_its_order(solver: str, noise: Tensor):
    counts = [16, 32, 64, 128, 256]
    errors = [error_of(solver, steps, noise) for steps in counts]
    slope = (math.log(errors[0]) - math.log(errors[-1])) / (math.log(counts[-1]) - math.log(counts[0]))
    assert slope == pytest.approx(SOLVERS[solver].order, abs=0.25)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_constant_denoiser_gives_its_constant_back(solver: str, noise: Tensor):
    constant = torch.full_like(noise, 0.3)
    reached = solve(
        SOLVERS[solver], lambda _x, _sigma: constant, noise, torch.tensor([1.0, 0.6, 0.1, 0.0], dtype=DOUBLE)
    )
    assert torch.allclose(reached, constant, atol=1e-15)


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_step_to_zero_returns_the_predicted_clean_image(solver: str, noise: Tensor):
    reached = solve(SOLVERS[solver], flow_denoiser, noise, torch.tensor([1.0, 0.0], dtype=DOUBLE))
    assert torch.equal(reached, flow_denoiser(noise, torch.tensor(1.0, dtype=DOUBLE)))


@pytest.mark.parametrize("solver", SOLVERS)
def test_inputs_stay_as_they_were_and_calls_are_as_declared(solver: str, noise: Tensor):
    before, calls, reported = noise.clone(), [], []

    def denoise(x: Tensor, sigma: Tensor) -> Tensor:
        calls.append(float(sigma))
        return flow_denoiser(x, sigma)

    sigmas = torch.tensor([1.0, 0.75, 0.5, 0.0], dtype=DOUBLE)
    solve(SOLVERS[solver], denoise, noise, sigmas, lambda call, _denoised: reported.append(call))
    assert torch.equal(noise, before)
    assert len(calls) == SOLVERS[solver].model_calls(3)
    assert reported == list(range(len(calls)))


@pytest.mark.parametrize("sigmas", [[1.0], [1.0, 1.0], [0.5, 1.0], [1.0, 0.0, 0.0], [1.0, -0.1]])
def test_a_schedule_that_does_not_fall_is_refused(noise: Tensor, sigmas: list[float]):
    with pytest.raises(ValueError, match="sigmas: expected at least 2 strictly falling noise levels"):
        solve(SOLVERS["euler"], flow_denoiser, noise, torch.tensor(sigmas))


def test_a_solver_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=r"euler, heun, .*got 'magic'"):
        find_solver("magic")
