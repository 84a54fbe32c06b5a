"""Times a run on its device, without waiting for the device while it works."""

import time
from typing import Any

import torch


class DeviceClock:
    """Marks moments of a run; the times between them are read when the run is over.

    On a GPU a mark is an event in the device's queue. Marking therefore never waits, and the measured time is that of
    the work itself, not of queueing it. On other devices a mark is a reading of the host's clock.

    Args:
        device: where the work runs.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._queue = getattr(torch, device.type) if device.type in ("cuda", "xpu") else None
        self._marks: list[Any] = []

    def mark(self, after: torch.Tensor | None = None) -> None:
        """Mark this moment.

        Args:
            after: something that the device makes; where marks are readings of the host's clock, it is waited for.
        """
        if self._queue is None:
            if after is not None:
                # Reading one element waits until the work is done, on any kind of device.
                after.flatten()[:1].cpu()
            self._marks.append(time.perf_counter())
            return
        event = self._queue.Event(enable_timing=True)
        event.record(self._queue.current_stream(self._device))
        self._marks.append(event)

    @property
    def arrived(self) -> bool:
        """Whether the device has reached the last mark, so that reading the seconds would not wait."""
        return self._queue is None or not self._marks or self._marks[-1].query()

    def seconds(self) -> list[float]:
        """Return the seconds from the first mark to each mark; waits until the device has reached the last one."""
        if not self._marks:
            return []
        first = self._marks[0]
        if self._queue is None:
            return [mark - first for mark in self._marks]
        self._marks[-1].synchronize()
        return [first.elapsed_time(mark) / 1000 for mark in self._marks]
