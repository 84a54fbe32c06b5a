"""Threads of the routes' own, so that slow work never keeps the server from answering anything else."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


class BusyError(RuntimeError):
    """Too much work is waiting, or work took too long."""


class Background:
    """Runs work outside the event loop, a bounded amount of it.

    ComfyUI's server serves files from the event loop's default threads; these are others.

    Args:
        threads: how many pieces of work run at once.
        waiting: how many may wait for a thread.
        seconds: how long one may wait and run.
    """

    def __init__(self, threads: int = 1, waiting: int = 100, seconds: float = 20.0) -> None:
        self._threads, self._most, self._seconds = threads, threads + waiting, seconds
        self._pool: ThreadPoolExecutor | None = None
        self._here = 0

    async def run(self, work: Callable[[], T]) -> T:
        """Return the work's result.

        Raises:
            BusyError: if too much is waiting already, or there is no result in time. Work that has begun goes on, and
                keeps its thread until it ends.
        """
        if self._here >= self._most:
            raise BusyError(f"busy: {self._here} questions are being answered; ask again later")
        self._pool = self._pool or ThreadPoolExecutor(self._threads, "sweetspot-route")
        # The work keeps the request's context, in which its user is noted.
        future = asyncio.get_running_loop().run_in_executor(self._pool, copy_context().run, work)
        self._here += 1
        future.add_done_callback(self._leave)
        done, _ = await asyncio.wait([future], timeout=self._seconds)
        if not done:
            future.cancel()
            raise BusyError(f"busy: no answer within {self._seconds:g} seconds; ask again later")
        return future.result()

    def _leave(self, _: "asyncio.Future[T]") -> None:
        self._here -= 1
