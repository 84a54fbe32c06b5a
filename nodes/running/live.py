"""Sends live messages about a run to the browser that queued it, at most ten per second."""

import time
from collections.abc import Sequence
from typing import Any

from ...samplers.trace import TraceRecorder

EVENT = "sweetspot.trace"
_SECONDS_BETWEEN = 0.1


class LiveTrace:
    """Sends the progress of one node's run. The end has no message, because the node's own output shows it.

    A message holds the node's id, the step just done (from 1), the number of steps, the noise level, the cfg that
    applies, model calls and halves so far, the newest change that can be read without waiting, seconds since the start
    and seconds left.

    Args:
        node_id: the node's id in the running prompt.
    """

    def __init__(self, node_id: str | None) -> None:
        self._node_id = node_id
        self._started = self._sent = self._first_report = 0.0

    def started(self) -> None:
        """Reset the times at the start of a run."""
        self._started, self._sent, self._first_report = time.perf_counter(), 0.0, 0.0

    def stepped(self, recorder: TraceRecorder, schedule: Sequence[float], step: int) -> None:
        """Report a finished step, counted from 0, unless the last message was sent less than 0.1 seconds ago."""
        now = time.perf_counter()
        self._first_report = self._first_report or now
        if now - self._sent < _SECONDS_BETWEEN:
            return
        self._sent = now
        steps = len(schedule) - 1
        each = (now - self._first_report) / step if step else None
        send(
            {
                "node": self._node_id,
                "prompt_id": prompt_id(),
                "step": step + 1,
                "steps": steps,
                "sigma": schedule[min(step, steps)],
                "cfg": recorder.calls[-1].cfg if recorder.calls else None,
                "model_calls": len(recorder.calls),
                "halves": sum(call.halves for call in recorder.calls),
                "change": recorder.last_change,
                "seconds": now - self._started,
                "seconds_left": None if each is None else each * max(steps - step - 1, 0),
            }
        )


def tell_check(node_id: str | None, step: int, steps: int) -> None:
    """Report a finished step, counted from 1, of the run that checks a node's own."""
    if node_id is not None and somebody_looks():
        send({"node": node_id, "prompt_id": prompt_id(), "step": step, "steps": steps, "check": True})


def prompt_id() -> str | None:
    """Return the id of the running prompt, because the browser may now show another workflow."""
    from server import PromptServer

    return getattr(getattr(PromptServer, "instance", None), "last_prompt_id", None)


def somebody_looks() -> bool:
    """Return whether a browser, or another client of the websocket, has queued the running prompt."""
    from server import PromptServer

    return getattr(getattr(PromptServer, "instance", None), "client_id", None) is not None


def send(message: dict[str, Any]) -> None:
    """Send a message about a run to the browser that queued the prompt, if there is a server."""
    send_to_browser(EVENT, message)


def send_to_browser(event: str, message: dict[str, Any]) -> None:
    """Send a message to the browser that queued the prompt, if there is a server."""
    from server import PromptServer

    server = getattr(PromptServer, "instance", None)
    if server is not None and server.client_id is not None:
        server.send_sync(event, message, server.client_id)
