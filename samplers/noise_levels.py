"""The trained noise levels of a model, and how its timesteps and its levels belong together."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .schedules import TRAINED_LEVELS

# The power of evenly spaced numbers that gives the betas.
_SPACINGS = {"linear": 1, "scaled_linear": 2}


@dataclass(frozen=True)
class NoiseLevels:
    """What schedulers need to know of a model.

    Attributes:
        table: the levels of the trained timesteps, rising, float32, shape (levels,).
        timestep: converts a level to the model's timestep.
        sigma: converts a timestep to its level, also between trained ones.
    """

    table: Tensor
    timestep: Callable[[Tensor], Tensor]
    sigma: Callable[[Tensor], Tensor]


def flow_levels(shift: float = 1.0, multiplier: float = 1.0, levels: int = TRAINED_LEVELS) -> NoiseLevels:
    """Return the levels of a flow-matching model: shift t / (1 + (shift - 1) t) for t up to 1.

    A timestep is the level times the multiplier, and the level of a timestep is shifted: both are ComfyUI's, and stock
    schedulers that go through timesteps therefore shift twice.

    Source: Esser et al., "Scaling Rectified Flow Transformers for High-Resolution Image Synthesis", 2024, eq. 23.

    Args:
        shift: the linear shift, above 0. A model whose shift is mu has the linear one e^mu.
        multiplier: the timestep of the highest level; 1 or 1000.
        levels: how many trained levels there are; 1000, or 10000 for models whose shift is mu.

    Raises:
        ValueError: if shift or multiplier is not positive.
    """
    for name, value in (("shift", shift), ("multiplier", multiplier)):
        if not value > 0:
            raise ValueError(f"{name}: expected a number above 0, got {value!r}")

    def sigma(timestep: Tensor) -> Tensor:
        time = timestep / multiplier
        return shift * time / (1 + (shift - 1) * time)

    table = sigma(torch.arange(1, levels + 1, dtype=torch.float32) / levels * multiplier)
    return NoiseLevels(table, lambda level: level * multiplier, sigma)


def diffusion_levels(
    first: float = 0.00085, last: float = 0.012, levels: int = TRAINED_LEVELS, spacing: str = "scaled_linear"
) -> NoiseLevels:
    """Return the levels of a model to whose data noise is added: sqrt((1 - a) / a), a the product of 1 - beta.

    Source: Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models", 2022, and its configuration.

    Args:
        first: the first beta, above 0.
        last: the last beta, above the first, below 1.
        levels: how many trained levels there are.
        spacing: `linear`: the betas are evenly spaced; `scaled_linear`: their square roots are, as in Stable Diffusion.

    Raises:
        ValueError: if the betas are out of range, or there is no such spacing.
    """
    if not 0 < first < last < 1:
        raise ValueError(f"betas: expected 0 < first < last < 1, got {first!r} and {last!r}")
    if spacing not in _SPACINGS:
        raise ValueError(f"beta_schedule: expected one of {', '.join(_SPACINGS)}, got {spacing!r}")
    power = _SPACINGS[spacing]
    betas = torch.linspace(first ** (1 / power), last ** (1 / power), levels, dtype=torch.float64) ** power
    kept = (1 - betas).cumprod(dim=0)
    exact = ((1 - kept) / kept).sqrt()
    table, logarithms = exact.float(), exact.log().float()

    def sigma(timestep: Tensor) -> Tensor:
        place = timestep.float().clamp(0, levels - 1)
        low, high, share = place.floor().long(), place.ceil().long(), place.frac()
        return ((1 - share) * logarithms[low] + share * logarithms[high]).exp()

    def timestep(level: Tensor) -> Tensor:
        return (level.log() - logarithms).abs().argmin()

    return NoiseLevels(table, timestep, sigma)
