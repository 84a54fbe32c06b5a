"""Schedules of flow-matching models: the falling noise levels sigma_0 = 1 > ... > sigma_N = 0 of an N-step run.

A flow-matching model mixes data and noise as x = (1 - sigma) * data + sigma * noise.
"""

import torch
from torch import Tensor

TRAINED_LEVELS = 1000
MAX_STEPS = 10_000


def flow_table(shift: float = 1.0) -> Tensor:
    """Return the noise levels of a flow-matching model's trained timesteps 1 to 1000.

    sigma(t) = shift * t / (1 + (shift - 1) * t) with t = k / 1000.

    Source: Esser et al., "Scaling Rectified Flow Transformers for High-Resolution Image Synthesis", 2024, eq. 23.

    Args:
        shift: the linear shift, > 0; 1 leaves the levels evenly spaced, larger ones spend more steps at high noise.

    Returns:
        Rising noise levels, float32, shape (1000,).

    Raises:
        ValueError: if shift is not positive.
    """
    if not shift > 0:
        raise ValueError(f"shift: expected a number above 0, got {shift!r}")
    t = torch.arange(1, TRAINED_LEVELS + 1, dtype=torch.float32) / TRAINED_LEVELS
    return shift * t / (1 + (shift - 1) * t)


def simple(table: Tensor, steps: int) -> Tensor:
    """Return every (len(table) / steps)-th trained noise level from the top, then 0: ComfyUI's `simple` scheduler.

    Also known as trailing spacing: four steps of 1000 levels start at the timesteps 999, 749, 499 and 249.

    Args:
        table: rising noise levels, shape (levels,), as from `flow_table`.
        steps: the step count N, 1 to 10000.

    Returns:
        The schedule, falling, float32, shape (steps + 1,).

    Raises:
        ValueError: if steps is outside 1 to 10000.
    """
    if not 1 <= steps <= MAX_STEPS:
        raise ValueError(f"steps: expected 1 to {MAX_STEPS}, got {steps}")
    stride = len(table) / steps
    chosen = [float(table[-(1 + int(k * stride))]) for k in range(steps)]
    return torch.tensor([*chosen, 0.0], dtype=torch.float32)


def shifted_levels(first: float, shift: float, steps: int) -> tuple[float, ...]:
    """Return levels of a flow-matching model, evenly spaced in time t: shift t / (1 + (shift - 1) t).

    Source: Esser et al., 2024, eq. 23.

    Args:
        first: the level at which it starts, above 0 and at most 1.
        shift: the linear shift, above 0.
        steps: the step count N, at least 1.

    Returns:
        The schedule, falling to 0, N + 1 levels.
    """
    start = first / (shift - (shift - 1) * first)
    times = [start * (1 - step / steps) for step in range(steps + 1)]
    return tuple(shift * time / (1 + (shift - 1) * time) for time in times)


def karras_levels(first: float, last: float, rho: float, steps: int) -> tuple[float, ...]:
    """Return levels whose rho-th roots are evenly spaced, and 0.

    Source: Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models", 2022, eq. 5.

    Args:
        first: the highest level.
        last: the lowest level above 0.
        rho: how much more of the steps lie at low levels; 1 spaces them evenly.
        steps: the step count N, at least 1.

    Returns:
        The schedule, falling to 0, N + 1 levels.
    """
    top, bottom = first ** (1 / rho), last ** (1 / rho)
    return (*((top + step / max(steps - 1, 1) * (bottom - top)) ** rho for step in range(steps)), 0.0)
