"""Solvers of the sampling ODE  dx/dsigma = (x - D(x, sigma)) / sigma,  written so that any driver can run them.

A solver is a generator: it yields a pair (x, sigma) to be denoised, receives D(x, sigma), and returns the sample at
the end of its schedule. It never calls the model itself, so that one driver can run it alone and another can advance
many schedules in one model call (`samplers/lockstep.py`).

With t = -log(sigma) and h = t_{i+1} - t_i the exact solution over a step is
    x_{i+1} = e^{-h} x_i + (1 - e^{-h}) D   for a D that does not change;
the solvers differ in what they use for D. A step to sigma = 0 returns D itself.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

Request = tuple[Tensor, Tensor]
# Takes the noisy start and a falling schedule whose levels, except possibly the last, are above 0.
Steps = Callable[[Tensor, Tensor], Generator[Request, Tensor, Tensor]]
Denoiser = Callable[[Tensor, Tensor], Tensor]
CallCallback = Callable[[int, Tensor], None]


@dataclass(frozen=True)
class Solver:
    """One method of taking steps.

    Attributes:
        name: ComfyUI's name for the same sampler.
        steps: carries a sample along a schedule.
        order: order of convergence.
        calls_per_step: model calls per step; a step to 0 takes one.
    """

    name: str
    steps: Steps
    order: int
    calls_per_step: int = 1

    def model_calls(self, steps: int) -> int:
        """Return how many model calls a run of `steps` steps takes if its last step goes to 0."""
        return self.calls_per_step * (steps - 1) + 1 if steps else 0


def euler(x: Tensor, sigmas: Tensor) -> Generator[Request, Tensor, Tensor]:
    """Use D at the step's start; order 1, one model call per step.

    x_{i+1} = D + (sigma_{i+1} / sigma_i) (x_i - D)

    Source: Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models", 2022, algorithm 1
    without its correction.
    """
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        x = denoised + (sigma_next / sigma) * (x - denoised)
    return x


def heun(x: Tensor, sigmas: Tensor) -> Generator[Request, Tensor, Tensor]:
    """Average the slopes at both ends of the step; order 2, two model calls per step, one for the step to 0.

    d_i = (x_i - D(x_i)) / sigma_i,  x_{i+1} = x_i + (sigma_{i+1} - sigma_i) (d_i + d'_{i+1}) / 2,
    where d'_{i+1} is the slope at the Euler step's end.

    Source: Karras et al., 2022, algorithm 1.
    """
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        if sigma_next == 0:
            return denoised
        slope = (x - denoised) / sigma
        reached = x + (sigma_next - sigma) * slope
        slope_next = (reached - (yield reached, sigma_next)) / sigma_next
        x = x + (sigma_next - sigma) * (slope + slope_next) / 2
    return x


def dpmpp_2m(x: Tensor, sigmas: Tensor) -> Generator[Request, Tensor, Tensor]:
    """Extrapolate D from this step and the one before; order 2, one model call per step.

    x_{i+1} = e^{-h} x_i + (1 - e^{-h}) ((1 + 1/2r) D_i - 1/2r D_{i-1}),  r = h_{i-1} / h_i;
    the first step and the step to 0 use D_i alone.

    Source: Lu et al., "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models", 2022,
    algorithm 2.
    """
    before: Tensor | None = None
    for i in range(len(sigmas) - 1):
        denoised = yield x, sigmas[i]
        ahead = denoised
        if before is not None and sigmas[i + 1] > 0:
            ratio = _log_step(sigmas, i - 1) / _log_step(sigmas, i)
            ahead = denoised + (denoised - before) / (2 * ratio)
        x = ahead + (sigmas[i + 1] / sigmas[i]) * (x - ahead)
        before = denoised
    return x


def res_multistep(x: Tensor, sigmas: Tensor) -> Generator[Request, Tensor, Tensor]:
    """Integrate the line through the last two D exactly; order 2, one model call per step.

    x_{i+1} = e^{-h} x_i + h (phi_1 - phi_2 / c) D_i + h (phi_2 / c) D_{i-1},  c = -h_{i-1} / h_i,
    phi_1 = (1 - e^{-h}) / h,  phi_2 = (1 - phi_1) / h;  the first step and the step to 0 use D_i alone.

    Source: Zhang et al., "Improved Order Analysis and Design of Exponential Integrator for Diffusion Models Sampling",
    2023, the multistep form.
    """
    before: Tensor | None = None
    for i in range(len(sigmas) - 1):
        denoised = yield x, sigmas[i]
        if before is None or sigmas[i + 1] == 0:
            x = denoised + (sigmas[i + 1] / sigmas[i]) * (x - denoised)
        else:
            h = _log_step(sigmas, i)
            phi_1 = -torch.expm1(-h) / h
            phi_2 = (1 - phi_1) / h
            share = phi_2 * -h / _log_step(sigmas, i - 1)
            x = torch.exp(-h) * x + h * ((phi_1 - share) * denoised + share * before)
        before = denoised
    return x


SOLVERS: dict[str, Solver] = {
    solver.name: solver
    for solver in (
        Solver("euler", euler, order=1),
        Solver("heun", heun, order=2, calls_per_step=2),
        Solver("dpmpp_2m", dpmpp_2m, order=2),
        Solver("res_multistep", res_multistep, order=2),
    )
}


def find_solver(name: str) -> Solver:
    """Return the solver of this name.

    Raises:
        ValueError: if there is no such solver; the message lists the known ones.
    """
    if name not in SOLVERS:
        raise ValueError(f"solver: expected one of {', '.join(SOLVERS)}, got {name!r}")
    return SOLVERS[name]


def check_schedule(sigmas: Tensor, name: str = "sigmas") -> None:
    """Check that a schedule falls.

    Raises:
        ValueError: if it does not fall strictly, goes below 0 or has fewer than 2 levels.
    """
    falls = sigmas.ndim == 1 and len(sigmas) >= 2 and bool((sigmas[1:] < sigmas[:-1]).all())
    if not falls or float(sigmas[-1]) < 0:
        raise ValueError(f"{name}: expected at least 2 strictly falling noise levels >= 0, got {sigmas.tolist()}")


def solve(solver: Solver, denoise: Denoiser, x: Tensor, sigmas: Tensor, callback: CallCallback | None = None) -> Tensor:
    """Carry x from sigmas[0] to sigmas[-1].

    Args:
        solver: the method.
        denoise: the predicted clean image D(x, sigma) for x of any shape and a 0-d sigma.
        x: the noisy start at sigmas[0]; left unchanged.
        sigmas: the schedule, falling, all levels above 0 except possibly the last, shape (N + 1,).
        callback: called after each model call with its number and D.

    Returns:
        The sample at sigmas[-1], with x's shape.

    Raises:
        ValueError: if sigmas does not fall strictly or reaches 0 before its end.
    """
    check_schedule(sigmas)
    steps = solver.steps(x, sigmas)
    request, calls = next(steps), 0
    while True:
        denoised = denoise(*request)
        if callback is not None:
            callback(calls, denoised)
        calls += 1
        try:
            request = steps.send(denoised)
        except StopIteration as end:
            return end.value


def _log_step(sigmas: Tensor, i: int) -> Tensor:
    """Return h_i = log(sigma_i) - log(sigma_{i+1})."""
    return torch.log(sigmas[i] / sigmas[i + 1])
