"""A thread of the routes' own, so that slow work never keeps the server from answering anything else."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")

# After work of more seconds than this, the thread rests for this many times as long.
_SHORT, _REST = 0.005, 4.0


class BusyError(RuntimeError):
    """Too much work is waiting, or work took too long."""


class Background:
    """Runs work outside the event loop, a bounded amount of it, one piece after the other.

    ComfyUI's server serves files from the event loop's default threads; this one is another. Python runs one thread at
    a time, so the thread rests between long pieces of work, and the server gets most of the time.

    Args:
        waiting: how many pieces of work may wait.
        seconds: how long one may wait and run.
    """

    def __init__(self, waiting: int = 100, seconds: float = 20.0) -> None:
        self._most, self._seconds = 1 + waiting, seconds
        self._pool: ThreadPoolExecutor | None = None
        self._here = 0
        self._rested_at = 0.0

    async def run(self, work: Callable[[], T]) -> T:
        """Return the work's result.

        Raises:
            BusyError: if too much is waiting already, or there is no result in time. Work that has begun goes on, and
                keeps the thread until it ends.
        """
        if self._here >= self._most:
            raise BusyError(f"busy: {self._here} questions are being answered; ask again later")
        self._pool = self._pool or ThreadPoolExecutor(1, "sweetspot-route")
        # The work keeps the request's context, in which its user is noted.
        future = asyncio.get_running_loop().run_in_executor(self._pool, self._work, copy_context().run, work)
        self._here += 1
        future.add_done_callback(self._leave)
        done, _ = await asyncio.wait([future], timeout=self._seconds)
        if not done:
            future.cancel()
            raise BusyError(f"busy: no answer within {self._seconds:g} seconds; ask again later")
        return future.result()

    def _work(self, run: Callable[[Callable[[], T]], T], work: Callable[[], T]) -> T:
        time.sleep(max(self._rested_at - time.monotonic(), 0))
        start = time.thread_time()
        try:
            return run(work)
        finally:
            spent = time.thread_time() - start
            self._rested_at = time.monotonic() + (_REST * spent if spent > _SHORT else 0)

    def _leave(self, _: "asyncio.Future[T]") -> None:
        self._here -= 1
