"""The knee of a curve of diminishing returns: where most of the gain is had, and more steps bring little."""

from collections.abc import Sequence
from itertools import pairwise

_LEAST_POINTS = 4
# Of the values' spread about their mean a falling curve explains at least this much; noise alone less.
_LEAST_EXPLAINED = 0.95
# A curve whose bend is nearer to its chord than this share of its height has no knee.
_LEAST_BEND = 0.1
_LEAST_FALL = 0.02


def find_knee(steps: Sequence[float], values: Sequence[float]) -> float | None:
    """Return the step count at which a falling curve is farthest below its chord, None where it has no knee.

    The curve is first made to fall nowhere upwards (isotonic regression). There is no knee in fewer than four points,
    in a curve that rises, is flat, straight or bent outwards, or in noise.

    Source: Satopää et al., "Finding a 'Kneedle' in a Haystack: Detecting Knee Points in System Behavior", 2011, its
    offline form for one knee.

    Args:
        steps: rising.
        values: what is left to gain at each, as a distance or an FID: lower is better.

    Raises:
        ValueError: if the step counts do not rise, or there are not as many values.
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
    """Return the nearest values, by least squares, that never rise: neighbours that do are replaced by their mean."""
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
