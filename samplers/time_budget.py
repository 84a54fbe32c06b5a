"""A time budget: from the seconds that steps take to the step count that fits."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

_REMEMBERED = 64
# A first step warms the device up; the second one tells what the others will take.
MEASURED_STEPS = 2
# A remembered time may be an hour old, so a run that relies on it may take this much more.
_SLACK = 1.1


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


class TooSlowError(Exception):
    """The first steps of a run show that it will not end within its time budget.

    Attributes:
        step_seconds: what one step takes on average.
        spent: what the run took until it was given up.
    """

    def __init__(self, step_seconds: float, spent: float) -> None:
        """Keep what was measured."""
        super().__init__(f"a step takes {step_seconds:.3g} s")
        self.step_seconds, self.spent = step_seconds, spent


class PaceCheck:
    """Measures the first steps of a run, and gives it up if it will take too long.

    Args:
        limit: seconds that the run may take; 0 is no limit, and nothing is measured.
        costs: what each step computes, 1 for a step with guidance, less for one without.
        clock: returns the time in seconds.
    """

    def __init__(self, limit: float, costs: Sequence[float], clock: Callable[[], float] = time.perf_counter) -> None:
        self._limit, self._costs, self._clock = limit, list(costs), clock
        self._started = clock()
        self._measured: list[float] = []
        # What a step takes on average, once it is known.
        self.step_seconds: float | None = None

    @property
    def measures(self) -> bool:
        """Whether the next step is measured; the device has to be finished with it then."""
        return self._limit > 0 and len(self._measured) < MEASURED_STEPS

    @property
    def first_step(self) -> float | None:
        """Seconds of the first step, which warms up; None where it was not measured alone."""
        return self._measured[0] if self._measured else None

    def stepped(self) -> None:
        """Note the end of a step.

        Raises:
            TooSlowError: if the run will take longer than its limit.
        """
        if not self.measures:
            return
        self._measured.append(self._clock() - self._started)
        if len(self._measured) < MEASURED_STEPS or len(self._costs) <= MEASURED_STEPS:
            return
        # Between two reports lies the end of one step and the beginning of the next.
        unit = (self._measured[-1] - self._measured[-2]) / self._costs[MEASURED_STEPS - 1]
        self.step_seconds = unit * sum(self._costs) / len(self._costs)
        if self._measured[-1] + unit * sum(self._costs[MEASURED_STEPS:]) > self._limit:
            raise TooSlowError(self.step_seconds, self._measured[-1])


def run_within(
    budget: float, asked: int, least: int, remembered: float | None, attempt: Callable[[int, float], tuple[T, float]]
) -> tuple[T, tuple[str, ...]]:
    """Run once, or twice if the first steps show that the budget doesn't allow as many as asked.

    Args:
        budget: seconds allowed for sampling, above 0.
        asked: the step count that was asked for.
        least: the lowest step count that is sensible for the model; it is run whatever it takes.
        remembered: seconds of a step in an earlier run like this one; None where there was none.
        attempt: runs that many steps within a limit in seconds (0 is none), and returns its result and its seconds. It
            may raise TooSlowError.

    Returns:
        The result, and what was chosen and why, in notes; empty ones are no notes.
    """
    fit = fit_steps(budget, remembered, asked, least) if remembered else Fit(asked)
    limit = budget * _SLACK if remembered else budget
    if remembered and fit.steps == least:
        limit = 0.0
    result, slow, spent = _attempted(attempt, fit.steps, limit)
    if result is None:
        fit = fit_steps(budget, slow, asked, least, spent)
        result = attempt(fit.steps, 0.0)
    finished, seconds = result
    took = spent + seconds
    over = f"time budget: sampling took {took:.3g} s, more than {budget:g} s." if took > budget else ""
    return finished, (fit.note, over)


def _attempted(
    attempt: Callable[[int, float], tuple[T, float]], steps: int, limit: float
) -> tuple[tuple[T, float] | None, float, float]:
    """Run, or return what was measured: the seconds of a step, and those that are gone.

    The error doesn't leave here: it would hold all that the given-up run had made.
    """
    try:
        return attempt(steps, limit), 0.0, 0.0
    except TooSlowError as error:
        return None, error.step_seconds, error.spent
