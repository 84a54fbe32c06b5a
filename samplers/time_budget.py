"""A time budget: from the seconds that steps take to the step count that fits."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

_REMEMBERED = 64
# A first step warms the device up; the second one tells what the others will take.
MEASURED_STEPS = 2


@dataclass(frozen=True)
class Fit:
    """The step count that fits a budget.

    Attributes:
        steps: step count to run.
        note: what was chosen and why, empty where all steps that were asked fit.
    """

    steps: int
    note: str = ""


def fit_steps(budget: float, step_seconds: float, asked: int, least: int = 1, spent: float = 0.0) -> Fit:
    """Return the largest step count up to the asked one that fits, never below the least.

    Args:
        budget: seconds allowed for sampling, above 0.
        step_seconds: seconds of one step.
        asked: the step count that was asked for.
        least: the lowest step count that is sensible for the model.
        spent: seconds of the budget that are gone.
    """
    fits = int((budget - spent) / max(step_seconds, 1e-9) + 1e-6)
    if fits >= asked:
        return Fit(asked)
    least = min(least, asked)
    told = f"time budget: {asked} steps of {step_seconds:.3g} s do not fit in {budget:g} s"
    measured = f" ({spent:.3g} s went into measuring)" if spent else ""
    if fits < least:
        over = least * step_seconds
        return Fit(least, f"{told}; {least} is the least that is sensible, about {over:.3g} s{measured}.")
    return Fit(fits, f"{told}; {fits} run{measured}.")


class StepTimes:
    """Remembers the seconds of a step, by what they depend on; the oldest are forgotten."""

    def __init__(self) -> None:
        self._seconds: OrderedDict[Hashable, float] = OrderedDict()

    def remember(self, key: Hashable, seconds: float) -> None:
        """Keep the seconds of one step."""
        self._seconds[key] = seconds
        self._seconds.move_to_end(key)
        while len(self._seconds) > _REMEMBERED:
            self._seconds.popitem(last=False)

    def recall(self, key: Hashable) -> float | None:
        """Return the seconds that were kept, None where there are none."""
        return self._seconds.get(key)
