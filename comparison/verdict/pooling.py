"""One similarity for all images of a step count."""

import math
from collections.abc import Sequence

# At most this share of the images may be less similar than the pooled value, rounded down: one of ten, none of nine.
_OUTLIERS = 0.1


def pooled(values: Sequence[float]) -> float:
    """Return the value that nine of ten images reach; for up to nine images, the lowest."""
    return sorted(values)[math.floor(_OUTLIERS * len(values))]
