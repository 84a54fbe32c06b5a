"""Keeps finished runs of comparisons in memory, so that an edited step list computes only what is new."""

import threading
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import replace

from .runs import Run


class RunCache:
    """Keeps runs up to a number of bytes; the least recently used ones are dropped first. Any thread may use it.

    Args:
        most_bytes: bytes of images that may be kept.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._kept: OrderedDict[tuple[str, int], Run] = OrderedDict()
        self._models: dict[tuple[str, int], str] = {}
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes of images that are kept."""
        with self._lock:
            return self._size()

    def limit(self, most_bytes: int) -> None:
        """Change how many bytes may be kept; 0 empties the cache."""
        with self._lock:
            self._most = most_bytes
            self._shrink(most_bytes)

    def release(self, how_many: int) -> None:
        """Drop the least recently used runs, at least so many bytes of them, or all."""
        with self._lock:
            self._shrink(max(self._size() - how_many, 0))

    def release_models(self, models: Collection[str]) -> None:
        """Drop all runs of these models."""
        with self._lock:
            for place in [place for place in self._kept if self._models[place] in models]:
                self._drop(place)

    def put(self, key: str, run: Run, model: str = "") -> None:
        """Keep a run.

        Args:
            key: identifies everything that determines its result, except the step count.
            run: the run.
            model: a name for its model, by which it can be released.
        """
        with self._lock:
            self._models[key, run.steps] = model
            self._kept[key, run.steps] = run
            self._kept.move_to_end((key, run.steps))
            self._shrink(self._most)

    def get(self, key: str, steps: int) -> Run | None:
        """Return the run of this step count, marked as reused; None if it is not kept."""
        with self._lock:
            run = self._kept.get((key, steps))
            if run is None:
                return None
            self._kept.move_to_end((key, steps))
            return replace(run, reused=True)

    def _size(self) -> int:
        return sum(run.images.nbytes for run in self._kept.values())

    def _shrink(self, most_bytes: int) -> None:
        while self._kept and self._size() > most_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, place: tuple[str, int]) -> None:
        del self._kept[place], self._models[place]
