"""The routes' work has threads of its own, a time limit, and an end to the queue."""

import asyncio
import threading
import time
from itertools import pairwise

import pytest
from sweetspot.nodes.background import Background, BusyError


def test_results_and_errors_come_back():
    async def main() -> None:
        background = Background()
        assert await background.run(lambda: 7) == 7
        with pytest.raises(ZeroDivisionError):
            await background.run(lambda: 1 / 0)
        assert await background.run(lambda: 8) == 8

    asyncio.run(main())


def test_more_than_may_wait_is_refused_and_later_work_is_done():
    async def main() -> None:
        release = threading.Event()
        background = Background(waiting=1)
        running = [asyncio.create_task(background.run(release.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(BusyError, match="busy: 2 questions"):
            await background.run(lambda: 1)
        release.set()
        assert await asyncio.gather(*running) == [True, True]
        assert await background.run(lambda: 1) == 1

    asyncio.run(main())


def test_work_that_takes_too_long_is_given_up_and_counted_until_it_ends():
    async def main() -> None:
        release, started = threading.Event(), threading.Event()
        background = Background(waiting=0, seconds=0.05)

        def work() -> None:
            started.set()
            release.wait()

        with pytest.raises(BusyError, match=r"within 0\.05 seconds"):
            await background.run(work)
        assert started.is_set()
        release.set()

    asyncio.run(main())


def test_the_event_loops_default_threads_stay_free():
    async def main() -> None:
        release = threading.Event()
        background = Background(waiting=100)
        running = [asyncio.create_task(background.run(release.wait)) for _ in range(60)]
        await asyncio.sleep(0)
        assert await asyncio.wait_for(asyncio.to_thread(lambda: 1), 5) == 1
        release.set()
        await asyncio.gather(*running)

    asyncio.run(main())


def test_between_long_pieces_of_work_the_server_gets_the_time():
    def work() -> float:
        start = time.thread_time()
        while time.thread_time() - start < 0.02:
            pass
        return time.monotonic()

    async def main() -> list[float]:
        background = Background()
        return await asyncio.gather(*(background.run(work) for _ in range(4)))

    ended = asyncio.run(main())
    assert min(after - before for before, after in pairwise(ended)) >= 0.02 * 4
