"""Statistics of a single image: sharpness, contrast, noise level. They may settle even if the images never do."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# ITU-R BT.601: how much each channel of sRGB contributes to brightness.
_LUMA = (0.299, 0.587, 0.114)

NAMES = ("sharpness", "contrast", "noise")
# Noise of more levels than this, and of so many times the level at the smallest count, is rarely texture.
_MUCH_NOISE, _MORE_NOISE = 12.0, 2.0


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


def statistics(image: Tensor) -> Statistics:
    """Return an image's statistics; image in [0, 1], shape (channels, height, width), 3 by 3 pixels or more.

    Raises:
        ValueError: if it has another shape.
    """
    if image.ndim != 3 or min(image.shape[1:]) < 3:
        raise ValueError(
            f"image: expected (channels, height, width) of 3 by 3 pixels or more, got {tuple(image.shape)}"
        )
    luma = 255 * (torch.einsum("c,chw->hw", image.new_tensor(_LUMA), image[:3]) if len(image) >= 3 else image[0])
    across = luma[:, :-2] - 2 * luma[:, 1:-1] + luma[:, 2:]
    down = luma[:-2] - 2 * luma[1:-1] + luma[2:]
    laplacian = across[1:-1] + down[:, 1:-1]
    # The mask [1 -2 1; -2 4 -2; 1 -2 1] is the second difference along both axes.
    mask = across[:-2] - 2 * across[1:-1] + across[2:]
    noise = np.sqrt(np.pi / 2) / 6 * float(mask.abs().mean())
    return Statistics(float(laplacian.std(correction=0)), float(luma.std(correction=0)), noise)


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


def noise_explodes(noise: NDArray[np.floating]) -> bool:
    """Return whether the images turn into noise as steps are added.

    Args:
        noise: noise levels, shape (counts, images), by rising step count.
    """
    means = noise.mean(axis=1)
    return bool(means[-1] > _MUCH_NOISE and means[-1] > _MORE_NOISE * means[0])
