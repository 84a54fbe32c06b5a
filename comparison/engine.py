"""What a comparison needs from the engine that executes its runs: this ComfyUI, diffusers, or a test's own maths."""

from collections.abc import Sequence
from typing import Any, Protocol

from .runs import Run, Sampling, Task


class Engine(Protocol):
    """Executes the runs of a comparison. The engine decides everything except step count and settings."""

    name: str

    @property
    def device(self) -> str:
        """The torch device that measures the images: the model's own if that is a GPU."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What the user should know about how it ran, one sentence each."""
        ...

    def check(self, sampling: Sampling) -> None:
        """Refuse settings that this engine cannot run, before any work is done.

        Raises:
            ValueError: if it can't; names the input, what is allowed and what it got.
        """
        ...

    def run(self, tasks: Sequence[Task]) -> list[Run]:
        """Return a run for each task, in their order, showing progress.

        Raises:
            BaseException: the engine's own if the user cancels, or what sampling or decoding raises.
        """
        ...

    def schedule(self, sampling: Sampling, steps: int) -> Sequence[float]:
        """Return the noise levels that a run would visit, falling."""
        ...

    def exact_schedule(self, sampling: Sampling, plan: Any, steps: int) -> tuple[float, ...]:
        """Return the noise levels that a contender's plan fixes for this step count; empty if it fixes none."""
        ...

    def check_cancelled(self) -> None:
        """Raise the engine's own exception if the user has cancelled. Called often, also while measuring."""
        ...
