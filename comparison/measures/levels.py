"""Images as 8-bit levels, a quarter of the memory of float32, and back."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.uint8]

_LEVELS = 255
# Far above float32's rounding of a level, far below half of one.
_OFFSET = 0.01


def to_levels(images: NDArray[Any]) -> Levels:
    """Return images in [0, 1] as the 8-bit levels that ComfyUI's own nodes save: cut off, not rounded.

    Images that are 8-bit levels already are returned as they are.
    """
    if images.dtype == np.uint8:
        return images
    return np.clip(images * _LEVELS, 0, _LEVELS).astype(np.uint8)


def to_floats(images: NDArray[Any]) -> NDArray[np.float32]:
    """Return images as float32 in [0, 1]; 8-bit levels as values that are saved as the same levels again."""
    if images.dtype != np.uint8:
        return images.astype(np.float32, copy=False)
    return np.minimum((images.astype(np.float32) + _OFFSET) / _LEVELS, 1.0).astype(np.float32)
