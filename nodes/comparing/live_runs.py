"""Shows the browser how far a comparison is, and each image as soon as it is finished."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...comparison.contenders import Contender
from ...comparison.runs import Run, Sampling, Task
from ...comparison.viewer import run_data
from ..running.live import prompt_id, send_to_browser, somebody_looks
from .viewer_files import SUBFOLDER, keep_image

PROGRESS, RUN = "sweetspot.progress", "sweetspot.run"
_SECONDS_BETWEEN = 0.1
_MOST_IMAGES = 8


class LiveRuns:
    """Sends messages about one node's comparison to the browser that queued it.

    Args:
        node_id: the node's id in the running prompt.
        contenders: what it compares. Runs of anything else, e.g. the check's, are not shown.
    """

    def __init__(self, node_id: str | None, contenders: Sequence[Contender] = ()) -> None:
        self._node_id, self._sent = node_id, 0.0
        self._contenders = {_settings(contender.sampling): contender for contender in contenders}

    def progress(self, about: Callable[[], Mapping[str, Any]]) -> None:
        """Send how far the comparison is, at most ten times a second.

        Args:
            about: returns the message; called only if it is sent.
        """
        now = time.perf_counter()
        if now - self._sent >= _SECONDS_BETWEEN and somebody_looks():
            self._sent = now
            send_to_browser(PROGRESS, {"node": self._node_id, "prompt_id": prompt_id(), **about()})

    def finished(self, task: Task, run: Run) -> None:
        """Send a finished run with its first images."""
        contender = self._contender_of(task)
        if contender is None or not somebody_looks():
            return
        data = run_data(run, None, _MOST_IMAGES, keep_image)
        about = {"contender": contender.settings("").name, "subfolder": SUBFOLDER, "run": data}
        send_to_browser(RUN, {"node": self._node_id, "prompt_id": prompt_id(), **about})

    def is_check(self, task: Task) -> bool:
        """Return whether a task belongs to no contender: it is a check's."""
        return self._contender_of(task) is None

    def _contender_of(self, task: Task) -> Contender | None:
        only = next(iter(self._contenders.values())) if len(self._contenders) == 1 else None
        contender = self._contenders.get(_settings(task.sampling), only)
        # Only a plan gives a contender's runs exact levels; otherwise they are a check's.
        return None if contender is None or (task.sampling.sigmas and contender.plan is None) else contender


def _settings(sampling: Sampling) -> Sampling:
    return replace(sampling, seed=0, prompt=0, sigmas=())
