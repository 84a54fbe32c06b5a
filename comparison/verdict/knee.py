"""The knee of a curve of diminishing returns: most of the gain is reached there, and more steps add little."""

from collections.abc import Sequence
from itertools import pairwise

_LEAST_POINTS = 4
# A falling curve explains at least this share of the values' spread about their mean; noise alone explains less.
_LEAST_EXPLAINED = 0.95
# A curve whose bend is closer to its chord than this share of its height has no knee.
_LEAST_BEND = 0.1
_LEAST_FALL = 0.02


def find_knee(steps: Sequence[float], values: Sequence[float]) -> float | None:
    """Return the step count at which a falling curve is farthest below its chord; None if it has no knee.

    The values are first replaced by the closest curve that never rises (isotonic regression). There is no knee in
    fewer than four points, in a curve that rises, is flat, is straight or bends outwards, or in noise.

    Source: Satopää et al., "Finding a 'Kneedle' in a Haystack: Detecting Knee Points in System Behavior", 2011, its
    offline form for one knee.

    Args:
        steps: rising.
        values: what is left to gain at each count, e.g. a distance or an FID; lower is better.

    Raises:
        ValueError: if the step counts do not rise, or the number of values differs.
    """
    if len(steps) != len(values) or any(after <= before for before, after in pairwise(steps)):
        raise ValueError(f"expected rising step counts and as many values, got {list(steps)} and {list(values)}")
    if len(steps) < _LEAST_POINTS:
        return None
    falling = _falling(values)
    height, width = falling[0] - falling[-1], steps[-1] - steps[0]
    if not height > _LEAST_FALL * max(abs(value) for value in values) or _explained(values, falling) < _LEAST_EXPLAINED:
        return None
    bends = [
        1 - (count - steps[0]) / width - (value - falling[-1]) / height
        for count, value in zip(steps, falling, strict=True)
    ]
    bend = max(bends)
    return steps[bends.index(bend)] if bend >= _LEAST_BEND else None


def _falling(values: Sequence[float]) -> list[float]:
    """Return the closest values (least squares) that never rise: neighbours that do are replaced by their mean."""
    blocks: list[tuple[float, int]] = []
    for value in values:
        mean, size = float(value), 1
        while blocks and blocks[-1][0] < mean:
            before, width = blocks.pop()
            mean, size = (before * width + mean * size) / (width + size), width + size
        blocks.append((mean, size))
    return [mean for mean, size in blocks for _ in range(size)]


def _explained(values: Sequence[float], falling: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    spread = sum((value - mean) ** 2 for value in values)
    left = sum((value - near) ** 2 for value, near in zip(values, falling, strict=True))
    return 1 - left / spread if spread else 0.0
