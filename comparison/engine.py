"""What a comparison needs of whatever executes its runs: this ComfyUI, diffusers, or a test's own arithmetic."""

from collections.abc import Sequence
from typing import Any, Protocol

from .runs import Run, Sampling, Task


class Engine(Protocol):
    """Executes the runs of a comparison. Everything but step count and settings is the engine's own business."""

    name: str

    @property
    def notes(self) -> Sequence[str]:
        """What to know of how it ran, one sentence each."""
        ...

    def check(self, sampling: Sampling) -> None:
        """Refuse settings that this engine cannot run, before any work is done.

        Raises:
            ValueError: names the input, what is allowed and what came.
        """
        ...

    def run(self, tasks: Sequence[Task]) -> list[Run]:
        """Return a run for each task, in their order, showing progress.

        Raises:
            BaseException: the engine's own, where the user cancels, or what sampling or decoding raises.
        """
        ...

    def schedule(self, sampling: Sampling, steps: int) -> Sequence[float]:
        """Return the noise levels that a run would visit, falling."""
        ...

    def exact_schedule(self, plan: Any, steps: int) -> tuple[float, ...]:
        """Return the noise levels that a contender's plan fixes for this step count; empty where it fixes none."""
        ...

    def check_cancelled(self) -> None:
        """Raise the engine's own exception where the user has cancelled. Called often, also while measuring."""
        ...
