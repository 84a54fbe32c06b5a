"""What a step count means for a model: the zones of the steps band."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..words import Message
from .plan import StepPlan
from .qualities import Quality

ZoneName = Literal["few", "good", "more", "many"]

MOST_SHOWN = 100
# The usual advice for a model that is not distilled is 20 to 30 steps: 25, plus or minus a fifth. From 40 steps on
# (1.6 times 25) gains are marginal. The same factors are applied to the recommended count of a known model.
_BELOW, _ABOVE, _LITTLE_GAIN = 0.8, 1.2, 1.6


@dataclass(frozen=True)
class Zone:
    """A range of step counts that mean the same for a model.

    Attributes:
        first: the smallest step count.
        last: the largest step count.
        name: few, good, more or many.
        text: what they mean, in words.
    """

    first: int
    last: int
    name: ZoneName
    text: str


COMMON_ZONES = (
    Zone(1, 10, "few", Message("zone.preview", "quick preview")),
    Zone(11, 19, "few", Message("zone.between", "between a preview and a final image")),
    Zone(20, 30, "good", Message("zone.right", "right for most models")),
    Zone(31, 39, "more", Message("zone.bit_more", "a bit more than most models need")),
    Zone(40, MOST_SHOWN, "many", Message("zone.marginal", "marginal gains for the extra time")),
)


def zones_of(name: str, plans: Mapping[Quality, StepPlan]) -> tuple[Zone, ...]:
    """Return the zones for a model that was recognised.

    Args:
        name: the model's display name.
        plans: its plan for each quality.
    """
    low, high, many = _bounds(plans)
    is_distilled = plans["balanced"].distilled
    wants = f"{low}" if low == high else f"{low} to {high}"
    values = {"name": name, "wants": wants}
    too_few = Message("zone.too_few", "a quick preview; {name} needs {wants} for a final image", values)
    too_many = Message("zone.too_many", "marginal gains for the extra time; {name} needs {wants}", values)
    if is_distilled:
        too_few = Message("zone.untrained", "fewer than {name} was trained for ({wants})", values)
        too_many = Message("zone.distilled", "more steps don't help {name}, which is distilled for {wants}", values)
    zones = (
        Zone(1, low - 1, "few", too_few),
        Zone(low, high, "good", Message("zone.right_for", "right for {name} ({wants})", values)),
        Zone(
            high + 1, many - 1, "more", Message("zone.bit_more_for", "a bit more than {name} needs ({wants})", values)
        ),
        Zone(many, max(MOST_SHOWN, many), "many", too_many),
    )
    return tuple(zone for zone in zones if zone.first <= zone.last)


def _bounds(plans: Mapping[Quality, StepPlan]) -> tuple[int, int, int]:
    """Return the lowest and highest count that are right for a model, and the first with only marginal gains."""
    draft, balanced, best = plans["draft"], plans["balanced"], plans["best"]
    if balanced.distilled:
        counts = [draft.steps, balanced.steps, best.steps, *(balanced.trained_steps or ())]
        return min(counts), max(counts), max(counts) + 1
    least, most = sorted((balanced.steps, best.steps))
    high = math.floor(_ABOVE * most)
    return math.ceil(_BELOW * least), high, max(math.floor(_LITTLE_GAIN * most + 0.5), high + 1)
