"""Finished runs of comparisons, kept in memory so that an edited step list computes only what is new."""

from collections import OrderedDict
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .measures import Image
from .report import Run

_LEVELS = 255
# Far above float32's rounding of a level, far below half of one.
_OFFSET = 0.01


def to_levels(images: Image) -> NDArray[np.uint8]:
    """Return images in [0, 1] as the 8-bit levels that ComfyUI's own nodes save: cut off, not rounded."""
    return np.clip(images * _LEVELS, 0, _LEVELS).astype(np.uint8)


def from_levels(levels: NDArray[np.uint8]) -> Image:
    """Return 8-bit levels as float32 images in [0, 1] that are saved as the same levels again."""
    return np.minimum((levels.astype(np.float32) + _OFFSET) / _LEVELS, 1.0).astype(np.float32)


@dataclass(frozen=True)
class _Kept:
    run: Run
    levels: NDArray[np.uint8]


class RunCache:
    """Keeps runs up to a number of bytes; the ones that were used longest ago go first.

    Args:
        most_bytes: bytes of images that may be kept.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._kept: OrderedDict[tuple[str, int], _Kept] = OrderedDict()

    @property
    def size(self) -> int:
        """Bytes of images that are kept."""
        return sum(kept.levels.nbytes for kept in self._kept.values())

    def limit(self, most_bytes: int) -> None:
        """Change how many bytes may be kept; 0 empties the cache."""
        self._most = most_bytes
        self._shrink()

    def put(self, key: str, run: Run) -> None:
        """Keep a run under what determines its result but for the step count."""
        self._kept[key, run.steps] = _Kept(replace(run, images=run.images[:0]), to_levels(run.images))
        self._kept.move_to_end((key, run.steps))
        self._shrink()

    def get(self, key: str, steps: int) -> Run | None:
        """Return the run of this step count, marked as reused; None where it is not kept."""
        kept = self._kept.get((key, steps))
        if kept is None:
            return None
        self._kept.move_to_end((key, steps))
        return replace(kept.run, images=from_levels(kept.levels), reused=True)

    def _shrink(self) -> None:
        while self._kept and self.size > self._most:
            self._kept.popitem(last=False)
