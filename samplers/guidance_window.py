"""Guidance where it counts: the part of a schedule in which the guidance scale is in force.

Outside it the scale is 1, so that the unconditional half of a model call need not be computed.

Sources: Kynkäänniemi et al., "Applying Guidance in a Limited Interval Improves Sample and Distribution Quality in
Diffusion Models", 2024; Castillo et al., "Adaptive Guidance: Training-free Acceleration of Conditional Diffusion
Models", 2023.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

Unit = Literal["fraction", "sigma"]

# The levels of a window that holds every step.
EVERYWHERE = (-math.inf, math.inf)

# Samplers that step in log(sigma) meet the schedule's levels with float32's rounding.
_ROUNDING = 1e-4


@dataclass(frozen=True)
class GuidanceWindow:
    """Where guidance is in force.

    Attributes:
        start: where it begins: a share of the run's steps from 0 to 1, or the highest noise level.
        end: where it ends: a share of the run's steps, start to 1, or the lowest noise level, itself outside.
        unit: `fraction` of the steps or noise level `sigma`.

    Raises:
        ValueError: if the two are out of range or order.
    """

    start: float
    end: float
    unit: Unit = "fraction"

    def __post_init__(self) -> None:
        """Refuse a window that is none."""
        if self.unit == "fraction" and not 0 <= self.start <= self.end <= 1:
            raise ValueError(
                f"guidance window: expected 0 <= window_start <= window_end <= 1 as shares of the steps; "
                f"got {self.start:g} and {self.end:g}"
            )
        if self.unit == "sigma" and not (self.start >= self.end >= 0):
            raise ValueError(
                f"guidance window: expected window_start >= window_end >= 0 as noise levels, which fall; "
                f"got {self.start:g} and {self.end:g}"
            )

    def levels(self, sigmas: Sequence[float]) -> tuple[float, float]:
        """Return the noise levels between which guidance is in force on a schedule: (above this, up to this).

        A model call at level s is guided where lowest < s <= highest. As shares of N steps the window holds the steps
        i with start <= i / N < end; the further calls of a step are judged by their own levels.

        Args:
            sigmas: the schedule, falling, N + 1 levels.

        Raises:
            ValueError: if the window is in shares and the schedule does not fall.
        """
        if self.unit == "sigma":
            return self.end, self.start
        if any(after > before for before, after in pairwise(sigmas)):
            raise ValueError("guidance window: expected a falling schedule for shares of it; choose by sigmas instead")
        steps = len(sigmas) - 1
        first, after = (math.ceil(share * steps - 1e-9) for share in (self.start, self.end))
        if first >= after:
            return math.inf, -math.inf
        # From the first step on and to the last one, whatever the levels a sampler adds around them.
        highest = math.inf if first == 0 else sigmas[first]
        return (-math.inf if after >= steps else sigmas[after]), highest


def in_force(sigma: float, levels: tuple[float, float]) -> bool:
    """Return whether guidance is in force at a noise level, between the levels that a window gave."""
    lowest, highest = levels
    return lowest * (1 + _ROUNDING) < sigma <= highest * (1 + _ROUNDING)


def similarity(conditional: Tensor, unconditional: Tensor) -> Tensor:
    """Return how far the two halves of a model call agree: the smallest cosine of their predicted clean images.

    Of the clean images, not of the noise: at a high level two noise predictions are alike whatever the prompt, as
    nearly all of the sample is noise.

    Source: Castillo et al., "Adaptive Guidance", 2023, for the idea; asagi4/ComfyUI-Adaptive-Guidance for this cosine.

    Args:
        conditional: the predicted clean image with the prompt, shape (batch, ...).
        unconditional: without it, shaped as conditional.

    Returns:
        The cosine of the least similar sample, no dimensions, -1 to 1.
    """
    left, right = (half.flatten(1).float() for half in (conditional, unconditional))
    return torch.nn.functional.cosine_similarity(left, right, dim=1).min()
