"""Models whose denoiser is known in closed form, as an engine for comparisons: pictures of 64 by 64 pixels.

The data are mixtures of Gaussians with independent coefficients in the cosine basis. One mode has no plateaus: every
step brings the picture nearer to its end. Several modes have them: a coarse run ends in another mode, and stays there
over several step counts.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

SIDE, CHANNELS = 64, 3
SCHEDULERS = ("simple", "karras", "beta")
_VE_RANGE, _FLOW_RANGE = (14.6, 0.03), (1.0, 0.003)
# The table of levels that "simple" counts through, as ComfyUI's models have it.
_TABLE = 1000


@dataclass(frozen=True)
class Data:
    """A mixture of Gaussians.

    Attributes:
        means: shape (modes, coefficients).
        spread: deviations around the means, shape (kinds, coefficients).
        shares: how often each kind of deviation occurs, independently for each coefficient; shape (kinds,).
        flow: whether noise replaces the data, x = (1 - sigma) data + sigma noise, or is added to it.
    """

    means: Tensor
    spread: Tensor
    shares: Tensor
    flow: bool

    def denoise(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Return the mean of the data given noisy samples, shape (batch, coefficients), at their levels (batch,)."""
        level = sigma.view(-1, 1, 1, 1)
        keep = 1 - level if self.flow else torch.ones_like(level)
        # Shape (batch, modes, kinds, coefficients).
        away = x[:, None, None] - keep * self.means[:, None]
        variance = keep**2 * self.spread**2 + level**2
        chance = self.shares.log()[:, None] - 0.5 * (away**2 / variance + variance.log())
        guess = self.means[:, None] + keep * self.spread**2 / variance * away
        of_mode = (chance.softmax(dim=2) * guess).sum(dim=2)
        weights = chance.logsumexp(dim=2).sum(dim=-1).softmax(dim=1)
        return (weights[..., None] * of_mode).sum(dim=1)


class ClosedForm:
    """One random model, as an engine; see `comparison/engine.py`.

    Args:
        number: of the case; the same number gives the same model.
        modes: how many modes its data have.
    """

    name = "closed form"
    device = "cpu"
    notes: Sequence[str] = ()

    def __init__(self, number: int, modes: int = 1) -> None:
        chance = random.Random(number)
        generator = torch.Generator().manual_seed(number)
        self._shift = chance.choice((1.0, 3.0))
        rows = torch.arange(SIDE, dtype=torch.float64)
        frequency = torch.hypot(rows[:, None], rows[None]).flatten().repeat(CHANNELS)
        power = 1 / (1 + frequency) ** chance.uniform(0.8, 1.6)
        power /= power.square().mean().sqrt()
        common = 0.5 * torch.randn(len(power), generator=generator, dtype=torch.float64) * power
        means = torch.stack([common + (_object(chance) if modes > 1 else 0) for _ in range(modes)])
        kinds = chance.choice(((1.0,), (0.3, 3.0)))
        spread = torch.tensor(kinds, dtype=torch.float64)[:, None] * power * chance.uniform(0.1, 0.5)
        shares = torch.tensor((1.0,) if len(kinds) == 1 else (0.8, 0.2), dtype=torch.float64)
        self._data = Data(means, spread, shares, flow=chance.random() < 0.5)

    def check(self, _sampling: Any) -> None:
        """Accept everything that the benchmark asks for."""

    def check_cancelled(self) -> None:
        """Never cancel."""

    def exact_schedule(self, _sampling: Any, _plan: Any, _steps: int) -> tuple[float, ...]:
        """Return no levels: there are no plans."""
        return ()

    def schedule(self, sampling: Any, steps: int) -> list[float]:
        """Return the noise levels of a run, falling to 0."""
        if sampling.sigmas:
            return list(sampling.sigmas)
        total = round(steps / sampling.denoise)
        return self._levels(sampling.scheduler, total)[-(steps + 1) :]

    def run(self, tasks: Sequence[Any]) -> list[Any]:
        """Return a run for each task."""
        return [self._run(task) for task in tasks]

    def _levels(self, scheduler: str, steps: int) -> list[float]:
        first, last = _FLOW_RANGE if self._data.flow else _VE_RANGE
        if scheduler == "karras":
            ramp = np.linspace(first ** (1 / 7), last ** (1 / 7), steps) ** 7
            return [*ramp.tolist(), 0.0]
        times = [1 - step / steps for step in range(steps)]
        if scheduler == "beta":
            from scipy.stats import beta

            times = [float(beta.ppf(time, 0.6, 0.6)) for time in times]
        times = [max(time, 1 / _TABLE) for time in times]
        if self._data.flow:
            return [*(self._shift * time / (1 + (self._shift - 1) * time) for time in times), 0.0]
        return [*(last * (first / last) ** time for time in times), 0.0]

    def _run(self, task: Any) -> Any:
        from sweetspot.comparison.runs import Run
        from sweetspot.samplers.lockstep import sample_lockstep
        from sweetspot.samplers.solvers import find_solver

        levels = torch.tensor(self.schedule(task.sampling, task.steps), dtype=torch.float64)
        generator = torch.Generator().manual_seed(task.sampling.seed)
        count = self._data.means.shape[1]
        noise = torch.randn(count, generator=generator, dtype=torch.float64)
        keep = 1 - levels[0] if self._data.flow else 1.0
        # Below full noise, there is an image to begin with.
        full = (_FLOW_RANGE if self._data.flow else _VE_RANGE)[0]
        given = self._data.means[0] if levels[0] < 0.99 * full else torch.zeros(count, dtype=torch.float64)
        start = keep * given + levels[0] * noise
        (end,) = sample_lockstep(self._data.denoise, start, [levels], task.sampling.sampler_name)
        calls = find_solver(task.sampling.sampler_name).model_calls(task.steps)
        return Run(task.steps, calls, calls / 100, picture(end)[None])


def _object(chance: random.Random) -> Tensor:
    """Return a square of one colour somewhere in the picture, as coefficients."""
    values = torch.zeros(CHANNELS, SIDE, SIDE, dtype=torch.float64)
    side = chance.randrange(10, 20)
    top, left = (chance.randrange(SIDE - side) for _ in range(2))
    colour = torch.tensor([chance.uniform(-2, 2) for _ in range(CHANNELS)], dtype=torch.float64)
    values[:, top : top + side, left : left + side] = colour[:, None, None]
    return (_cosines() @ values @ _cosines().T).flatten()


def picture(coefficients: Tensor) -> Any:
    """Return coefficients as an image in [0, 1], shape (64, 64, 3)."""
    basis = _cosines()
    values = basis.T @ coefficients.view(CHANNELS, SIDE, SIDE) @ basis
    return (0.5 + 0.2 * values).clamp(0, 1).permute(1, 2, 0).numpy()


def _cosines() -> Tensor:
    """Return the orthonormal cosine basis (DCT-II), shape (frequencies, pixels)."""
    pixels = torch.arange(SIDE, dtype=torch.float64)
    basis = torch.cos(math.pi / SIDE * (pixels[None] + 0.5) * pixels[:, None]) * math.sqrt(2 / SIDE)
    basis[0] /= math.sqrt(2)
    return basis
