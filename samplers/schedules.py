"""Schedules: the falling noise levels sigma_0 > ... > sigma_N = 0 of an N-step run.

A flow-matching model mixes data and noise as x = (1 - sigma) * data + sigma * noise. Others add it: x = data + sigma *
noise.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

TRAINED_LEVELS = 1000
MAX_STEPS = 10_000


def simple(table: Tensor, steps: int) -> Tensor:
    """Return every (len(table) / steps)-th trained noise level from the top, then 0: ComfyUI's `simple` scheduler.

    Also known as trailing spacing: four steps of 1000 levels start at the timesteps 999, 749, 499 and 249.

    Args:
        table: rising noise levels, shape (levels,), as in `noise_levels.py`.
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


def beta_levels(table: Sequence[float], steps: int, alpha: float = 0.6, beta: float = 0.6) -> tuple[float, ...]:
    """Return trained levels at the quantiles of a beta distribution, and 0: ComfyUI's `beta` scheduler.

    Source: Lee et al., "Beta Sampling is All You Need", 2024. As in ComfyUI, a level that comes twice is left out.

    Args:
        table: rising noise levels of the trained timesteps.
        steps: the step count N, at least 1.
        alpha: the distribution's first number, above 0; smaller ones put more steps at low noise.
        beta: its second number, above 0; smaller ones put more steps at high noise.

    Returns:
        The schedule, falling to 0, at most N + 1 levels.
    """
    shares = (1 - step / steps for step in range(steps))
    places = dict.fromkeys(round(beta_quantile(share, alpha, beta) * (len(table) - 1)) for share in shares)
    return (*(table[place] for place in places), 0.0)


def beta_quantile(share: float, alpha: float, beta: float) -> float:
    """Return x where a beta distribution's share below x is this one; share, alpha and beta as in `beta_levels`."""
    low, high = 0.0, 1.0
    if share >= 1:
        return high
    while True:
        middle = (low + high) / 2
        if not low < middle < high:
            return middle
        low, high = (middle, high) if _beta_share(middle, alpha, beta) < share else (low, middle)


def _beta_share(x: float, alpha: float, beta: float) -> float:
    """Return the regularised incomplete beta function, by Lentz's method for its continued fraction (DLMF 8.17.22)."""
    if x > (alpha + 1) / (alpha + beta + 2):
        return 1 - _beta_share(1 - x, beta, alpha)
    scale = math.lgamma(alpha + beta) - math.lgamma(alpha) - math.lgamma(beta)
    front = math.exp(scale + alpha * math.log(x) + beta * math.log1p(-x)) / alpha
    fraction, c, d = 1.0, 1.0, 0.0
    for term in range(_MOST_TERMS):
        half = term // 2
        if term == 0:
            numerator = 1.0
        elif term % 2:
            numerator = -(alpha + half) * (alpha + beta + half) * x / ((alpha + 2 * half) * (alpha + 2 * half + 1))
        else:
            numerator = half * (beta - half) * x / ((alpha + 2 * half - 1) * (alpha + 2 * half))
        d = 1 / (1 + numerator * d)
        c = 1 + numerator / c
        fraction *= c * d
        if abs(c * d - 1) < _CONVERGED:
            break
    return front * (fraction - 1)


_MOST_TERMS, _CONVERGED = 300, 1e-15
