"""Steps whose predicted clean latent is kept, e.g. `4, 8, -1`.

They make a filmstrip of one run, not a comparison of step counts.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from torch import Tensor

from .schedules import MAX_STEPS

MAX_KEPT = 64

_SEPARATOR = re.compile(r"[,;\s]+")
_ALLOWED = (
    f"up to {MAX_KEPT} whole numbers, each once: steps counted from 1, or from the end as -1, -2, ..., e.g. 4, 8, -1"
)


def parse_kept_steps(text: str) -> tuple[int, ...]:
    """Return the steps in a list such as `4, 8, -1`, in the order in which they are written; none for empty text.

    Raises:
        ValueError: if an entry is not a whole number, is 0, is beyond 10000 or appears twice, or if there are more
            than 64.
    """
    entries = [entry for entry in _SEPARATOR.split(text.strip()) if entry]
    for entry in entries:
        if not re.fullmatch(r"-?[0-9]{1,9}", entry) or not 1 <= abs(int(entry)) <= MAX_STEPS:
            raise ValueError(f"keep_steps: expected {_ALLOWED}; got {_short(entry)}")
    steps = tuple(int(entry) for entry in entries)
    if len(steps) > MAX_KEPT or len(set(steps)) < len(steps):
        raise ValueError(f"keep_steps: expected {_ALLOWED}; got {_short(text)}")
    return steps


def resolve_kept_steps(asked: Iterable[int], steps: int) -> tuple[int, ...]:
    """Return the requested steps of a run of `steps` steps, counted from 1, rising.

    Raises:
        ValueError: if one lies outside the run.
    """
    numbers = set()
    for step in asked:
        number = step if step > 0 else steps + 1 + step
        if not steps:
            raise ValueError(f"keep_steps: expected no steps, because this run has none; got {step}")
        if not 1 <= number <= steps:
            raise ValueError(f"keep_steps: expected steps from 1 to {steps} or -{steps} to -1 of this run; got {step}")
        numbers.add(number)
    return tuple(sorted(numbers))


@dataclass
class KeptSteps:
    """Keeps the predicted clean latents of chosen steps, each on its own device.

    Args:
        asked: steps from 1, or from the run's end as -1, -2, and so on; -1 is the last step that really ran.
    """

    asked: tuple[int, ...] = ()
    numbers: list[int] = field(default_factory=list)
    latents: list[Tensor] = field(default_factory=list)
    missing: tuple[int, ...] = ()
    _wanted: frozenset[int] = frozenset()

    def start(self, steps: int, *, strict: bool = True) -> None:
        """Begin a run of `steps` steps.

        Args:
            steps: how many steps the schedule has.
            strict: whether a step outside the run is an error; otherwise `finish` lists it in `missing`.

        Raises:
            ValueError: if strict and a requested step lies outside the run.
        """
        self.numbers.clear()
        self.latents.clear()
        if strict:
            resolve_kept_steps(self.asked, steps)
        asked = (step if step > 0 else steps + 1 + step for step in self.asked if step != -1)
        self._wanted = frozenset(asked)
        self.missing = ()

    def stepped(self, step: int, denoised: Tensor) -> None:
        """Keep the prediction of a step, counted from 0, if it was requested."""
        if step + 1 in self._wanted:
            self._keep(step + 1, denoised)

    def finish(self, steps_run: int, last: Tensor | None) -> None:
        """End the run after `steps_run` steps, the last of which predicted `last`."""
        if -1 in self.asked and last is not None and steps_run not in self.numbers:
            self._keep(steps_run, last)
        self.missing = tuple(sorted(self._wanted - set(self.numbers)))

    def _keep(self, number: int, denoised: Tensor) -> None:
        self.numbers.append(number)
        self.latents.append(denoised.detach().clone())


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "...")
