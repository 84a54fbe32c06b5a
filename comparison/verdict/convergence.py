"""Estimates from a comparison's own runs the order of convergence and how far the reference still is from converging.

With an error of  e(N) = C N^-p  the runs of N1 < N2 < N3 steps lie  C (N1^-p - N2^-p)  and  C (N2^-p - N3^-p)  apart.
The ratio of the two distances gives p, and p gives the error that remains at N3:

    e(N3) = |x_N2 - x_N3| / ((N3 / N2)^p - 1),  for doublings  |x_2N - x_4N| / (2^p - 1).

This is Richardson's extrapolation. It is only an estimate: schedules that move their last level with N cap p at about
1, and it does not work for samplers whose error goes up and down (uni_pc).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ...samplers.stochastic import DETERMINISTIC
from ..measures.visibility import EXPONENT

# Neighbours in the triple have at least this ratio: closer ones show rounding rather than convergence.
LEAST_RATIO = 1.3
_HIGHEST_ORDER = 8.0
# The error of deterministic solvers falls at least with this order, whatever the schedule does to their last step.
_LEAST_ORDER = 0.5
_UNSTEADY = frozenset({"uni_pc", "uni_pc_bh2", "ipndm_v", "dpm_adaptive", "dpm_fast"})


@dataclass(frozen=True)
class Convergence:
    """An estimate from three runs.

    Attributes:
        order: p in e(N) = C N^-p; 0 if the runs do not get closer to each other.
        remaining: e(N3), in the unit of the distances; infinite at order 0.
        steps: the three step counts.
    """

    order: float
    remaining: float
    steps: tuple[int, int, int]


def can_extrapolate(sampler_name: str) -> bool:
    """Return whether the remaining error can be estimated from runs of this sampler."""
    return sampler_name in DETERMINISTIC and sampler_name not in _UNSTEADY


def choose_triple(steps: Sequence[int]) -> tuple[int, int, int] | None:
    """Return three of the step counts to extrapolate from; None if no three are suitable.

    They are the largest count, the largest one that is at most 1/1.3 of it, and of those below that the one that makes
    the two ratios most similar. Very different ratios would compare two different parts of the curve.
    """
    third = max(steps, default=0)
    second = max((count for count in steps if count * LEAST_RATIO <= third), default=0)
    below = [count for count in steps if count * LEAST_RATIO <= second]
    if not below:
        return None
    first = min(below, key=lambda count: abs(math.log(second / count) - math.log(third / second)))
    return first, second, third


def estimate_convergence(steps: tuple[int, int, int], coarse: float, fine: float) -> Convergence:
    """Return order and remaining error, estimated from three runs.

    Args:
        steps: N1 < N2 < N3.
        coarse: the distance between the results of N1 and N2 steps, at least 0.
        fine: the distance between the results of N2 and N3 steps, at least 0.

    Raises:
        ValueError: if the step counts do not rise or a distance is negative.
    """
    first, second, third = steps
    if not 0 < first < second < third or coarse < 0 or fine < 0:
        raise ValueError(f"expected rising step counts and distances >= 0, got {steps}, {coarse:g} and {fine:g}")
    if fine == 0:
        return Convergence(_HIGHEST_ORDER, 0.0, steps)
    order = _order(steps, coarse / fine)
    remaining = fine / math.expm1(order * math.log(third / second)) if order > 0 else math.inf
    return Convergence(order, remaining, steps)


def reference_similarity(convergence: Convergence, fine: float, similarity: float) -> float:
    """Return the estimated similarity of the largest run to the fully converged image, 0 to 1.

    1 - similarity grows with a power of an error, so the result is scaled from the middle run's similarity.

    Args:
        convergence: the estimate.
        fine: the distance between the middle run and the largest one.
        similarity: how similar these two look.
    """
    if fine == 0:
        return 1.0
    _, second, third = convergence.steps
    # Limited, because an error that changes its sign between two runs looks like one that does not fall.
    farthest = 1 / math.expm1(_LEAST_ORDER * math.log(third / second))
    left = (1 - similarity) * min(convergence.remaining / fine, farthest) ** EXPONENT
    return max(1 - left, 0.0)


def _order(steps: tuple[int, int, int], ratio: float) -> float:
    """Return the p at which the distances have this ratio, by bisection: the ratio rises with p."""
    low, high = 0.0, _HIGHEST_ORDER
    if ratio <= _ratio(steps, 1e-9):
        return 0.0
    if ratio >= _ratio(steps, high):
        return high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _ratio(steps, middle) < ratio else (low, middle)
    return (low + high) / 2


def _ratio(steps: tuple[int, int, int], order: float) -> float:
    first, second, third = (math.log(count) for count in steps)
    # (N1^-p - N2^-p) / (N2^-p - N3^-p), written without cancellation at a small p.
    return math.expm1(order * (second - first)) / -math.expm1(-order * (third - second))
