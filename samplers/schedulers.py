"""ComfyUI's stock schedulers: the noise levels sigma_0 > ... > sigma_N = 0 that they choose for a model."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from .noise_levels import NoiseLevels
from .schedules import MAX_STEPS, beta_levels, karras_levels, simple

# The rho of Karras et al. 2022.
_RHO = 7.0
_NEARLY_ZERO = 1e-5


def make_schedule(name: str, levels: NoiseLevels, steps: int) -> Tensor:
    """Return the schedule that ComfyUI's scheduler of this name makes.

    Some make another number of steps: `beta` leaves out a level that comes twice, `ddim_uniform` rounds.

    Args:
        name: one of `SCHEDULERS`.
        levels: the model's levels.
        steps: the step count N, 1 to 10000.

    Returns:
        The schedule, falling to 0, float32, usually of shape (steps + 1,).

    Raises:
        ValueError: if there is no such scheduler, or steps is outside its range.
    """
    if name not in SCHEDULERS:
        raise ValueError(f"scheduler: expected one of {', '.join(SCHEDULERS)}, got {name!r}")
    if not 1 <= steps <= MAX_STEPS:
        raise ValueError(f"steps: expected 1 to {MAX_STEPS}, got {steps}")
    return SCHEDULERS[name](levels, steps)


def _normal(levels: NoiseLevels, steps: int) -> Tensor:
    """Timesteps evenly spaced from the highest to the lowest."""
    first, last = _ends(levels)
    if math.isclose(float(levels.sigma(last)), 0, abs_tol=_NEARLY_ZERO):
        return levels.sigma(torch.linspace(float(first), float(last), steps + 1)).float()
    return _to_zero(levels.sigma(torch.linspace(float(first), float(last), steps)))


def _sgm_uniform(levels: NoiseLevels, steps: int) -> Tensor:
    """Timesteps evenly spaced from the highest to where the next step would be the lowest."""
    first, last = _ends(levels)
    return _to_zero(levels.sigma(torch.linspace(float(first), float(last), steps + 1)[:-1]))


def _ddim_uniform(levels: NoiseLevels, steps: int) -> Tensor:
    """Every so many trained levels, from the second one up."""
    table = levels.table
    has_zero = math.isclose(float(table[1]), 0, abs_tol=_NEARLY_ZERO)
    stride = max(len(table) // (steps + 1 if has_zero else steps), 1)
    falling = table[1::stride].flip(0)
    return falling if has_zero else _to_zero(falling)


def _karras(levels: NoiseLevels, steps: int) -> Tensor:
    return torch.tensor(karras_levels(float(levels.table[-1]), float(levels.table[0]), _RHO, steps))


def _exponential(levels: NoiseLevels, steps: int) -> Tensor:
    """Logarithms evenly spaced."""
    first, last = (math.log(float(level)) for level in (levels.table[-1], levels.table[0]))
    return _to_zero(torch.linspace(first, last, steps).exp())


def _beta(levels: NoiseLevels, steps: int) -> Tensor:
    return torch.tensor(beta_levels(levels.table.tolist(), steps))


def _ends(levels: NoiseLevels) -> tuple[Tensor, Tensor]:
    return levels.timestep(levels.table[-1]), levels.timestep(levels.table[0])


def _to_zero(falling: Tensor) -> Tensor:
    return torch.cat([falling.float(), torch.zeros(1)])


SCHEDULERS: dict[str, Callable[[NoiseLevels, int], Tensor]] = {
    "simple": lambda levels, steps: simple(levels.table, steps),
    "normal": _normal,
    "sgm_uniform": _sgm_uniform,
    "karras": _karras,
    "exponential": _exponential,
    "beta": _beta,
    "ddim_uniform": _ddim_uniform,
}
