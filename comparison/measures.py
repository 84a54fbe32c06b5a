"""How alike two images are. Images are float arrays in [0, 1], shape (height, width, channels)."""

import math

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.floating]

# The window and constants of the SSIM paper, for values in [0, 1].
_WINDOW_RADIUS, _WINDOW_DEVIATION = 5, 1.5
_C1, _C2 = 0.01**2, 0.03**2
_TILE = 32


def psnr(image: Image, reference: Image) -> float:
    """Return the peak signal-to-noise ratio 10 * log10(1 / MSE) in decibels; infinite for equal images.

    Raises:
        ValueError: if the shapes differ.
    """
    _check(image, reference)
    error = float(np.mean((image.astype(np.float64) - reference.astype(np.float64)) ** 2))
    return math.inf if error == 0 else -10 * math.log10(error)


def ssim(image: Image, reference: Image) -> float:
    """Return the mean structural similarity over pixels and channels, in [-1, 1]; 1 for equal images.

    Gaussian window of deviation 1.5 over 11 by 11 pixels, population covariance, the border of 5 pixels left out:
    scikit-image's structural_similarity with gaussian_weights=True and use_sample_covariance=False.

    Source: Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004.

    Raises:
        ValueError: if the shapes differ or a side is shorter than 11 pixels.
    """
    return float(np.mean(_ssim_map(image, reference)))


def worst_tile(image: Image, reference: Image) -> float:
    """Return the lowest mean SSIM of the tiles of about 32 pixels that the image is cut into, in [-1, 1].

    A mean over the whole image hides a local change: an object of 24 pixels that another one took the place of leaves
    the SSIM of 512 by 512 pixels at 0.999.

    Raises:
        ValueError: if the shapes differ or a side is shorter than 11 pixels.
    """
    similarity = _ssim_map(image, reference)
    rows, columns = (max(1, round(length / _TILE)) for length in similarity.shape[:2])
    tiles = [tile for row in np.array_split(similarity, rows, axis=0) for tile in np.array_split(row, columns, axis=1)]
    return float(min(np.mean(tile) for tile in tiles))


def similarity(ssim_value: float, worst_tile_value: float) -> float:
    """Return one number for both measures on the scale of SSIM, of which 0.95 is where half of viewers see a change.

    A tile of 0.85 counts as that: measured on the demo model, step counts between which a shape changed had a worst
    tile of at most 0.79, those between which nothing did of at least 0.95.
    """
    return min(ssim_value, 1 - (1 - worst_tile_value) / 3)


def _ssim_map(image: Image, reference: Image) -> Image:
    """Return the structural similarity of every pixel whose window lies inside the image."""
    _check(image, reference)
    side = 2 * _WINDOW_RADIUS + 1
    if min(image.shape[:2]) < side:
        raise ValueError(f"image: SSIM expects {side} pixels a side or more, got {image.shape[1]} by {image.shape[0]}")
    x, y = image.astype(np.float64), reference.astype(np.float64)
    mean_x, mean_y = _blur(x), _blur(y)
    variance_x = _blur(x * x) - mean_x**2
    variance_y = _blur(y * y) - mean_y**2
    covariance = _blur(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    structure = (2 * covariance + _C2) / (variance_x + variance_y + _C2)
    return luminance * structure


def _check(image: Image, reference: Image) -> None:
    if image.shape != reference.shape or image.ndim != 3:
        raise ValueError(
            f"image: expected (height, width, channels) like the reference's {reference.shape}, got {image.shape}"
        )


def _blur(values: Image) -> Image:
    """Return the Gaussian-weighted mean around every pixel whose window lies inside the image."""
    offsets = np.arange(-_WINDOW_RADIUS, _WINDOW_RADIUS + 1)
    weights = np.exp(-0.5 * (offsets / _WINDOW_DEVIATION) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        moved = np.moveaxis(values, axis, 0)
        length = len(moved) - 2 * _WINDOW_RADIUS
        blurred = np.zeros_like(moved[:length])
        for start, weight in enumerate(weights):
            blurred += weight * moved[start : start + length]
        values = np.moveaxis(blurred, 0, axis)
    return values
