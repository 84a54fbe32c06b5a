"""Sends live messages about a calibration to the browser: the best so far, and the time left."""

import time

from ...comparison.calibration.report import progress
from ...comparison.calibration.search import Progress
from ...words import spoken
from ..running.live import prompt_id, send_to_browser, somebody_looks

EVENT = "sweetspot.calibration"
_SECONDS_BETWEEN = 0.2


class CalibrationProgress:
    """Tells the browser how far a calibration is, at most five times a second.

    Args:
        node_id: the node's id in the running prompt.
    """

    def __init__(self, node_id: str | None) -> None:
        self._node_id = node_id
        self._started, self._sent = time.perf_counter(), 0.0

    def __call__(self, so_far: Progress) -> None:
        """Send a message, unless the last one was sent just now."""
        now = time.perf_counter()
        if not somebody_looks() or now - self._sent < _SECONDS_BETWEEN:
            return
        self._sent = now
        # Earlier runs are reused at once, so the pace is only right after a while.
        left = (now - self._started) / so_far.calls * max(so_far.most_calls - so_far.calls, 0) if so_far.calls else None
        said = spoken(progress(so_far, left))
        send_to_browser(EVENT, {"node": self._node_id, "prompt_id": prompt_id(), "said": said})
