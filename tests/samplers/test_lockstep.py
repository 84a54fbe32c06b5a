"""Lockstep runs against runs alone, and each solver against the closed form for Gaussian data."""

import pytest
import torch
from sweetspot.samplers.lockstep import Batching, sample_lockstep
from sweetspot.samplers.solvers import SOLVERS, solve
from torch import Tensor

MEAN, DEVIATION = 0.7, 0.5
START, END = 14.6, 0.03


def per_sample(sigma: Tensor, x: Tensor) -> Tensor:
    return sigma.view(-1, *[1] * (x.ndim - 1))


def exploding(x: Tensor, sigma: Tensor) -> Tensor:
    """Return E[data | x] for data N(MEAN, DEVIATION^2) and x = data + sigma noise, one sigma a sample."""
    sigma = per_sample(sigma, x)
    return MEAN + DEVIATION**2 / (DEVIATION**2 + sigma**2) * (x - MEAN)


def flow(x: Tensor, sigma: Tensor) -> Tensor:
    """Return E[data | x] for x = (1 - sigma) data + sigma noise."""
    sigma = per_sample(sigma, x)
    variance = (1 - sigma) ** 2 * DEVIATION**2 + sigma**2
    return MEAN + (1 - sigma) * DEVIATION**2 / variance * (x - (1 - sigma) * MEAN)


def karras(steps: int, dtype: torch.dtype = torch.float64) -> Tensor:
    ramp = torch.linspace(0, 1, steps + 1, dtype=dtype)
    return (START ** (1 / 7) + ramp * (END ** (1 / 7) - START ** (1 / 7))) ** 7


def noise(dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(3, 4, generator=torch.Generator().manual_seed(0), dtype=dtype) * START


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
@pytest.mark.parametrize("denoise", [exploding, flow], ids=["variance exploding", "flow"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_together_is_what_each_is_alone(solver: str, denoise, dtype: torch.dtype, tolerance: float):
    counts = (5, 12, 8)
    schedules = [torch.cat([karras(n, dtype), torch.zeros(1, dtype=dtype)]) for n in counts]
    schedules = [sigmas / START if denoise is flow else sigmas for sigmas in schedules]
    x = noise(dtype) / (START if denoise is flow else 1)
    together = sample_lockstep(denoise, x, schedules, solver)
    for reached, sigmas in zip(together, schedules, strict=True):
        (alone,) = sample_lockstep(denoise, x, [sigmas], solver)
        assert (reached - alone).norm() <= tolerance * alone.norm()


@pytest.mark.parametrize("solver", SOLVERS)
def test_it_is_what_the_solver_gives_alone(solver: str):
    sigmas = torch.tensor([1.0, 0.6, 0.25, 0.0], dtype=torch.float64)
    x = noise() / START
    alone = solve(SOLVERS[solver], lambda sample, sigma: flow(sample[None], sigma[None])[0], x, sigmas)
    assert torch.equal(sample_lockstep(flow, x, [sigmas], solver)[0], alone)


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_model_is_called_as_often_as_the_longest_run_needs_and_the_first_call_is_shared(solver: str):
    batches = []

    def counted(x: Tensor, sigma: Tensor) -> Tensor:
        batches.append(len(sigma))
        return exploding(x, sigma)

    counts = (3, 6, 6)
    x = noise()
    schedules = [torch.cat([karras(n), torch.zeros(1, dtype=torch.float64)]) for n in counts]
    sample_lockstep(counted, x, schedules, solver)
    longest = SOLVERS[solver].model_calls(7)
    assert len(batches) == longest
    assert batches[0] == 1  # the same noise at the same level
    assert batches[1] == 3
    assert batches[-1] == 2  # the short run has left


@pytest.mark.parametrize("most", [1, 2, 3])
def test_fewer_runs_a_call_give_the_same(most: int):
    schedules = [karras(count) for count in (3, 5, 8)]
    sizes = []

    def watched(x: Tensor, sigma: Tensor) -> Tensor:
        sizes.append(len(x))
        return exploding(x, sigma)

    found = sample_lockstep(watched, noise(), schedules, "heun", batching=Batching(most))
    expected = sample_lockstep(exploding, noise(), schedules, "heun")
    assert all(torch.allclose(one, other) for one, other in zip(found, expected, strict=True))
    assert max(sizes) == most


@pytest.mark.parametrize("room", [1, 2])
def test_what_runs_out_of_memory_is_made_again_by_fewer(room: int):
    """No run loses what it has: the calls that count are as many as without."""
    schedules = [karras(count) for count in (3, 5, 8)]
    made = []

    def little(x: Tensor, sigma: Tensor) -> Tensor:
        if len(x) > room:
            raise torch.cuda.OutOfMemoryError("too large")
        made.append(len(x))
        return exploding(x, sigma)

    batching = Batching()
    found = sample_lockstep(little, noise(), schedules, batching=batching)
    expected = sample_lockstep(exploding, noise(), schedules)
    assert all(torch.allclose(one, other) for one, other in zip(found, expected, strict=True))
    # The first call is one for all three.
    assert sum(made) == 3 + 5 + 8 - 2
    assert batching.most == room


def test_memory_that_does_not_suffice_for_one_is_an_error():
    def none(_x: Tensor, _sigma: Tensor) -> Tensor:
        raise torch.cuda.OutOfMemoryError("too large")

    with pytest.raises(torch.cuda.OutOfMemoryError, match="too large"):
        sample_lockstep(none, noise(), [karras(3), karras(5)])


def test_each_run_is_told_when_it_ends():
    told = []
    schedules = [karras(count) for count in (5, 2, 8)]
    ends = sample_lockstep(
        exploding, noise(), schedules, finished=lambda number, end, calls: told.append((number, end, calls))
    )
    assert [(number, calls) for number, _, calls in told] == [(1, 2), (0, 5), (2, 8)]
    assert all(torch.equal(end, ends[number]) for number, end, _ in told)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_constant_denoiser_gives_its_constant_back(solver: str):
    sigmas = torch.tensor([1.0, 0.6, 0.1, 0.0], dtype=torch.float64)
    (reached,) = sample_lockstep(lambda x, _sigma: torch.full_like(x, 0.3), noise(), [sigmas], solver)
    assert torch.allclose(reached, torch.full_like(reached, 0.3), atol=1e-14)


@pytest.mark.parametrize("solver", SOLVERS)
def test_inputs_stay_as_they_were_and_types_too(solver: str):
    x = noise(torch.float32)
    before = x.clone()
    sigmas = karras(4, torch.float32)
    (reached,) = sample_lockstep(exploding, x, [sigmas], solver)
    assert torch.equal(x, before)
    assert torch.equal(sigmas, karras(4, torch.float32))
    assert reached.dtype == torch.float32


def test_each_run_may_have_its_own_noise_and_reports_its_own_steps():
    reported = []
    starts = [noise(), noise() * 0.5]
    schedules = [karras(2), karras(3) * 0.5]
    together = sample_lockstep(
        exploding, starts, schedules, callback=lambda run, call, _d: reported.append((run, call))
    )
    assert sorted(reported) == [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]
    for start, sigmas, reached in zip(starts, schedules, together, strict=True):
        assert torch.equal(sample_lockstep(exploding, start, [sigmas])[0], reached)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            (noise(), [karras(3)], "uni_pc"),
            "solver: expected one of euler, heun, dpmpp_2m, res_multistep, got 'uni_pc'",
        ),
        (([noise()], [karras(3), karras(4)]), "one for each of 2 schedules, got 1"),
        ((noise(), [karras(3), torch.tensor([1.0, 1.0])]), r"schedules\[1\]: expected at least 2 strictly falling"),
        ((noise(), [torch.tensor([1.0, -0.1])]), r"schedules\[0\]: expected at least 2 strictly falling"),
    ],
)
def test_what_is_not_allowed_is_refused_before_the_model_is_called(arguments: tuple, told: str):
    with pytest.raises(ValueError, match=told):
        sample_lockstep(lambda _x, _sigma: pytest.fail("called"), *arguments)
