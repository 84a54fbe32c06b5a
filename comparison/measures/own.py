"""Statistics of a single image: sharpness, contrast, noise level. They may settle even if the images never do."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .structure import Image

# ITU-R BT.601: how much each channel of sRGB contributes to brightness.
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)

NAMES = ("sharpness", "contrast", "noise")


@dataclass(frozen=True)
class Statistics:
    """Three statistics of an image, all in 8-bit levels of its luma.

    Attributes:
        sharpness: standard deviation of the Laplacian; a higher value is sharper, or noisier.
        contrast: standard deviation of the luma.
        noise: standard deviation of the noise, from a mask that ignores edges and slopes (Immerkaer, "Fast Noise
            Variance Estimation", 1996). Fine texture counts as noise.
    """

    sharpness: float
    contrast: float
    noise: float


def statistics(image: Image) -> Statistics:
    """Return an image's statistics; image in [0, 1], shape (height, width, channels), 3 by 3 pixels or more.

    Raises:
        ValueError: if it has another shape.
    """
    if image.ndim != 3 or min(image.shape[:2]) < 3:
        raise ValueError(f"image: expected (height, width, channels) of 3 by 3 pixels or more, got {image.shape}")
    luma = 255 * (image[..., :3].astype(np.float32) @ _LUMA if image.shape[2] >= 3 else image[..., 0])
    across = luma[:, :-2] - 2 * luma[:, 1:-1] + luma[:, 2:]
    down = luma[:-2] - 2 * luma[1:-1] + luma[2:]
    laplacian = across[1:-1] + down[:, 1:-1]
    # The mask [1 -2 1; -2 4 -2; 1 -2 1] is the second difference along both axes.
    mask = across[:-2] - 2 * across[1:-1] + across[2:]
    noise = float(np.sqrt(np.pi / 2) / 6 * np.mean(np.abs(mask)))
    return Statistics(float(np.std(laplacian)), float(np.std(luma)), noise)


def settled_from(counts: list[int], values: NDArray[np.floating], tolerance: float = 0.1) -> int | None:
    """Return the smallest step count from which on every statistic stays that of the largest count; None if none does.

    Each image is paired with the image of the same seed at the largest count. A statistic stays the same if the mean
    difference over the images plus twice its standard error is within the tolerance. A few images rarely show that.

    Args:
        counts: step counts in rising order.
        values: statistics, shape (counts, images, statistics).
        tolerance: share of the statistic at the largest count; at least half a level.
    """
    images = values.shape[1]
    if images < 2 or len(counts) < 2:
        return None
    end = values[-1]
    allowed = np.maximum(tolerance * np.abs(end.mean(axis=0)), 0.5)
    settled = None
    for place in reversed(range(len(counts) - 1)):
        difference = values[place] - end
        error = difference.std(axis=0, ddof=1) / np.sqrt(images)
        if not np.all(np.abs(difference.mean(axis=0)) + 2 * error <= allowed):
            break
        settled = counts[place]
    return settled
