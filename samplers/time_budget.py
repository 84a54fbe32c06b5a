"""A time budget: which step count fits, given the seconds that a step takes."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

_REMEMBERED = 64
# The first step warms the device up; the second one shows how long the others will take.
MEASURED_STEPS = 2
# A remembered time may be an hour old, so a run that relies on it may take this much more.
_SLACK = 1.1


@dataclass(frozen=True)
class Fit:
    """The step count that fits a budget.

    Attributes:
        steps: step count to run.
        note: what was chosen and why; empty if all requested steps fit.
    """

    steps: int
    note: str = ""


def fit_steps(budget: float, step_seconds: float, asked: int, least: int = 1, spent: float = 0.0) -> Fit:
    """Return the largest step count that fits: at most the requested one, never below the least.

    Args:
        budget: seconds allowed for sampling, above 0.
        step_seconds: seconds of one step.
        asked: the requested step count.
        least: the lowest sensible step count for the model.
        spent: seconds of the budget already used.
    """
    fits = int((budget - spent) / max(step_seconds, 1e-9) + 1e-6)
    if fits >= asked:
        return Fit(asked)
    least = min(least, asked)
    problem = f"time budget: {asked} steps of {step_seconds:.3g} s each do not fit in {budget:g} s"
    measured = f" ({spent:.3g} s went into measuring)" if spent else ""
    if fits < least:
        over = least * step_seconds
        return Fit(least, f"{problem}; ran {least}, the fewest sensible for this model, about {over:.3g} s{measured}.")
    return Fit(fits, f"{problem}; ran {fits} instead{measured}.")


class StepTimes:
    """Remembers how many seconds a step takes, keyed by what this depends on; forgets the oldest entries."""

    def __init__(self) -> None:
        self._seconds: OrderedDict[Hashable, float] = OrderedDict()

    def remember(self, key: Hashable, seconds: float) -> None:
        """Keep the seconds of one step."""
        self._seconds[key] = seconds
        self._seconds.move_to_end(key)
        while len(self._seconds) > _REMEMBERED:
            self._seconds.popitem(last=False)

    def recall(self, key: Hashable) -> float | None:
        """Return the remembered seconds, or None if there are none."""
        return self._seconds.get(key)


class TooSlowError(Exception):
    """The first steps of a run show that it will not finish within its time budget.

    Attributes:
        step_seconds: average seconds per step.
        spent: seconds that the run took before it was stopped.
    """

    def __init__(self, step_seconds: float, spent: float) -> None:
        """Store the measured times."""
        super().__init__(f"a step takes {step_seconds:.3g} s")
        self.step_seconds, self.spent = step_seconds, spent


class PaceCheck:
    """Measures the first steps of a run and stops it if it will take too long.

    Args:
        limit: seconds that the run may take; 0 means no limit and no measuring.
        costs: what each step computes, 1 for a step with guidance, less for one without.
        clock: returns the time in seconds.
    """

    def __init__(self, limit: float, costs: Sequence[float], clock: Callable[[], float] = time.perf_counter) -> None:
        self._limit, self._costs, self._clock = limit, list(costs), clock
        self._started = clock()
        self._measured: list[float] = []
        # Average seconds per step, once measured.
        self.step_seconds: float | None = None

    @property
    def measures(self) -> bool:
        """Whether the next step is measured; if so, the device must have finished it before `stepped`."""
        return self._limit > 0 and len(self._measured) < MEASURED_STEPS

    @property
    def first_step(self) -> float | None:
        """Seconds of the first step, which includes the warm-up; None if nothing was measured."""
        return self._measured[0] if self._measured else None

    def stepped(self) -> None:
        """Record the end of a step.

        Raises:
            TooSlowError: if the run will take longer than its limit.
        """
        if not self.measures:
            return
        self._measured.append(self._clock() - self._started)
        if len(self._measured) < MEASURED_STEPS or len(self._costs) <= MEASURED_STEPS:
            return
        # Samplers report in the middle of a step, so two reports span the end of one step and the start of the next.
        unit = (self._measured[-1] - self._measured[-2]) / self._costs[MEASURED_STEPS - 1]
        self.step_seconds = unit * sum(self._costs) / len(self._costs)
        if self._measured[-1] + unit * sum(self._costs[MEASURED_STEPS:]) > self._limit:
            raise TooSlowError(self.step_seconds, self._measured[-1])


def run_within(
    budget: float, asked: int, least: int, remembered: float | None, attempt: Callable[[int, float], tuple[T, float]]
) -> tuple[T, tuple[str, ...]]:
    """Run once, or twice if the first steps show that the requested steps don't fit the budget.

    Args:
        budget: seconds allowed for sampling, above 0.
        asked: the requested step count.
        least: the lowest sensible step count for the model; it runs however long it takes.
        remembered: seconds of a step in an earlier run like this one; None if there was none.
        attempt: runs that many steps within a limit in seconds (0 means no limit) and returns its result and its
            seconds. It may raise TooSlowError.

    Returns:
        The result, and notes that say what was chosen and why; ignore empty ones.
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
    """Run, or return what was measured: the seconds of a step, and those already spent.

    The error must not leave this function: its traceback would keep the stopped run's tensors alive.
    """
    try:
        return attempt(steps, limit), 0.0, 0.0
    except TooSlowError as error:
        return None, error.step_seconds, error.spent
