"""Images as arrays: converts them to 8-bit levels, which need a quarter of float32's memory, and back."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Shape (height, width, channels), in [0, 1].
Image = NDArray[np.floating]
Levels = NDArray[np.uint8]

_LEVELS = 255
# Far larger than float32's rounding error of a level, and far smaller than half a level.
_OFFSET = 0.01


def to_levels(images: NDArray[Any]) -> Levels:
    """Return images in [0, 1] as the 8-bit levels that ComfyUI's own nodes save: truncated, not rounded.

    Images that already are 8-bit levels are returned unchanged.
    """
    if images.dtype == np.uint8:
        return images
    return np.clip(images * _LEVELS, 0, _LEVELS).astype(np.uint8)


def to_floats(images: NDArray[Any]) -> NDArray[np.float32]:
    """Return images as float32 in [0, 1]; `to_levels` converts the result of 8-bit levels back to the same levels."""
    if images.dtype != np.uint8:
        return images.astype(np.float32, copy=False)
    return np.minimum((images.astype(np.float32) + _OFFSET) / _LEVELS, 1.0).astype(np.float32)
