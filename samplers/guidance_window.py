"""The guidance window: the part of a schedule in which guidance is applied.

Outside it the scale is 1, so that the unconditional half of a model call doesn't have to be computed.

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

# The levels of a window that contains every step.
EVERYWHERE = (-math.inf, math.inf)

# Samplers that step in log(sigma) hit the schedule's levels only up to float32 rounding.
_ROUNDING = 1e-4


@dataclass(frozen=True)
class GuidanceWindow:
    """Where guidance is applied.

    Attributes:
        start: where it begins: a share of the run's steps from 0 to 1, or the highest noise level.
        end: where it ends: a share of the run's steps from start to 1, or the lowest noise level, which is excluded.
        unit: `fraction` of the steps, or noise level `sigma`.

    Raises:
        ValueError: if start or end is out of range, or they are in the wrong order.
    """

    start: float
    end: float
    unit: Unit = "fraction"

    def __post_init__(self) -> None:
        """Check range and order."""
        if self.unit == "fraction" and not 0 <= self.start <= self.end <= 1:
            raise ValueError(
                f"guidance window: expected 0 <= window_start <= window_end <= 1 as shares of the steps; "
                f"got {self.start:g} and {self.end:g}"
            )
        if self.unit == "sigma" and not (self.start >= self.end >= 0):
            raise ValueError(
                f"guidance window: expected window_start >= window_end >= 0, because noise levels fall; "
                f"got {self.start:g} and {self.end:g}"
            )

    def levels(self, sigmas: Sequence[float]) -> tuple[float, float]:
        """Return the noise levels (lowest, highest) between which guidance is applied on a schedule.

        A model call at level s is guided if lowest < s <= highest. A window in shares of N steps contains the steps
        i with start <= i / N < end. If a step makes several calls, each is judged by its own level.

        Args:
            sigmas: the schedule, falling, N + 1 levels.

        Raises:
            ValueError: if the window is in shares of the steps and the schedule does not fall.
        """
        if self.unit == "sigma":
            return self.end, self.start
        if any(after > before for before, after in pairwise(sigmas)):
            raise ValueError(
                "guidance window: expected a falling schedule for a window in shares of the steps, got one that rises; "
                "set the window by sigma instead"
            )
        steps = len(sigmas) - 1
        first, after = (math.ceil(share * steps - 1e-9) for share in (self.start, self.end))
        if first >= after:
            return math.inf, -math.inf
        # Open-ended at the first and the last step, because samplers may add levels outside the schedule's.
        highest = math.inf if first == 0 else sigmas[first]
        return (-math.inf if after >= steps else sigmas[after]), highest


def in_force(sigma: float, levels: tuple[float, float]) -> bool:
    """Return whether guidance is applied at a noise level, given the levels of a window."""
    lowest, highest = levels
    return lowest * (1 + _ROUNDING) < sigma <= highest * (1 + _ROUNDING)


def similarity(conditional: Tensor, unconditional: Tensor) -> Tensor:
    """Return how well the two halves of a model call agree: the smallest cosine of their predicted clean images.

    It compares the clean images, not the noise: at a high level nearly all of the sample is noise, so two noise
    predictions are similar whatever the prompt.

    Source: Castillo et al., "Adaptive Guidance", 2023, for the idea; asagi4/ComfyUI-Adaptive-Guidance for this cosine.

    Args:
        conditional: the predicted clean image with the prompt, shape (batch, ...).
        unconditional: the predicted clean image without it, same shape.

    Returns:
        The cosine of the least similar sample, 0-d, -1 to 1.
    """
    left, right = (half.flatten(1).float() for half in (conditional, unconditional))
    return torch.nn.functional.cosine_similarity(left, right, dim=1).min()
