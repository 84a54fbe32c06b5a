"""Keeps finished runs of comparisons in memory, so that an edited step list computes only what is new."""

from collections import OrderedDict
from dataclasses import replace

from .runs import Run


class RunCache:
    """Keeps runs up to a number of bytes; the least recently used ones are dropped first.

    Args:
        most_bytes: bytes of images that may be kept.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._kept: OrderedDict[tuple[str, int], Run] = OrderedDict()

    @property
    def size(self) -> int:
        """Bytes of images that are kept."""
        return sum(run.images.nbytes for run in self._kept.values())

    def limit(self, most_bytes: int) -> None:
        """Change how many bytes may be kept; 0 empties the cache."""
        self._most = most_bytes
        self._shrink()

    def put(self, key: str, run: Run) -> None:
        """Keep a run. The key must identify everything that determines its result, except the step count."""
        self._kept[key, run.steps] = run
        self._kept.move_to_end((key, run.steps))
        self._shrink()

    def get(self, key: str, steps: int) -> Run | None:
        """Return the run of this step count, marked as reused; None if it is not kept."""
        run = self._kept.get((key, steps))
        if run is None:
            return None
        self._kept.move_to_end((key, steps))
        return replace(run, reused=True)

    def _shrink(self) -> None:
        while self._kept and self.size > self._most:
            self._kept.popitem(last=False)
