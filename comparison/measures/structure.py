"""Measures how similar two images are. Images are float arrays in [0, 1], shape (height, width, channels)."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.floating]

# The window and constants of the SSIM paper, for values in [0, 1].
_WINDOW_RADIUS, _WINDOW_DEVIATION = 5, 1.5
_C1, _C2 = 0.01**2, 0.03**2
# SSIM's window does not fit into smaller images.
LEAST_SIDE = 2 * _WINDOW_RADIUS + 1
_TILE = 32
# MS-SSIM's weights for its scales; each scale is half the size of the one before.
_SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


@dataclass(frozen=True)
class Structure:
    """How similar two images are in structure.

    Attributes:
        ssim: mean structural similarity, see `ssim`.
        ms_ssim: structural similarity over up to five scales, in [0, 1]; 1 for equal images. Images smaller than 176
            pixels have fewer scales, whose weights are made to sum to 1. A scale with a negative value counts as 0.
            Source: Wang et al., "Multi-Scale Structural Similarity for Image Quality Assessment", 2003.
        worst_tile: the image is cut into tiles of about 32 pixels; this is the lowest mean SSIM of a tile, in [-1, 1].
            A mean over the whole image hides local changes: if one object of 24 pixels is replaced by another, the
            SSIM of 512 by 512 pixels is still 0.999.
    """

    ssim: float
    ms_ssim: float
    worst_tile: float


def psnr(image: Image, reference: Image) -> float:
    """Return the peak signal-to-noise ratio 10 * log10(1 / MSE) in decibels; infinite for equal images.

    Raises:
        ValueError: if the shapes differ.
    """
    error = rms(image, reference) ** 2
    return math.inf if error == 0 else -10 * math.log10(error)


def rms(image: Image, reference: Image) -> float:
    """Return the root mean square of the difference.

    Raises:
        ValueError: if the shapes differ.
    """
    _check(image, reference)
    difference = np.subtract(image, reference, dtype=np.float64)
    return float(np.sqrt(np.mean(np.square(difference, out=difference))))


def ssim(image: Image, reference: Image) -> float:
    """Return the mean structural similarity over pixels and channels, in [-1, 1]; 1 for equal images.

    Gaussian window of deviation 1.5 over 11 by 11 pixels, population covariance, without the border of 5 pixels. Equals
    scikit-image's structural_similarity with gaussian_weights=True and use_sample_covariance=False.

    Source: Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004.

    Raises:
        ValueError: if the shapes differ or a side is shorter than 11 pixels.
    """
    return float(np.mean(_maps(image, reference)[0]))


def structure(image: Image, reference: Image) -> Structure:
    """Return SSIM, MS-SSIM and worst tile together, computing what they share only once.

    Raises:
        ValueError: if the shapes differ or a side is shorter than 11 pixels.
    """
    whole, contrast = _maps(image, reference)
    overall, worst = float(np.mean(whole)), _worst(whole)
    scales = 1 + int(math.log2(min(image.shape[:2]) / LEAST_SIDE))
    weights = np.array(_SCALES[: min(scales, len(_SCALES))])
    values = [contrast]
    last = overall
    for _ in weights[1:]:
        image, reference = halved(image), halved(reference)
        smaller, contrast = _maps(image, reference)
        values.append(contrast)
        last = float(np.mean(smaller))
    # MS-SSIM includes luminance only at the coarsest scale.
    values[-1] = last
    if len(weights) < len(_SCALES):
        weights /= weights.sum()
    powers = np.maximum(values, 0) ** weights
    return Structure(overall, float(np.prod(powers)), worst)


def halved(image: Image) -> Image:
    """Return the image at half its size, each pixel the mean of 2 by 2; an odd last row or column is dropped."""
    height, width = (side // 2 * 2 for side in image.shape[:2])
    corners = [image[top:height:2, left:width:2] for top in (0, 1) for left in (0, 1)]
    return (corners[0] + corners[1] + corners[2] + corners[3]) * image.dtype.type(0.25)


def _worst(similarity: Image) -> float:
    rows, columns = (max(1, round(length / _TILE)) for length in similarity.shape)
    tiles = [tile for row in np.array_split(similarity, rows, axis=0) for tile in np.array_split(row, columns, axis=1)]
    return float(min(np.mean(tile) for tile in tiles))


def _maps(image: Image, reference: Image) -> tuple[Image, float]:
    """Return the SSIM of every pixel whose window lies inside the image, and the mean of its contrast term.

    Both are means over the channels. Works on one channel at a time to save memory.
    """
    _check(image, reference)
    if min(image.shape[:2]) < LEAST_SIDE:
        raise ValueError(
            f"image: SSIM expects {LEAST_SIDE} pixels a side or more, got {image.shape[1]} by {image.shape[0]}"
        )
    channels = image.shape[2]
    total, contrasts = None, 0.0
    for channel in range(channels):
        x, y = (values[..., channel].astype(np.float64) for values in (image, reference))
        mean_x, mean_y = _blur(x), _blur(y)
        both, product = mean_x**2 + mean_y**2, mean_x * mean_y
        contrast = 2 * (_blur(x * y) - product) + _C2
        contrast /= _blur(x * x + y * y) - both + _C2
        contrasts += float(np.mean(contrast))
        contrast *= (2 * product + _C1) / (both + _C1)
        total = contrast if total is None else total + contrast
    if total is None:
        raise ValueError("image: expected at least one channel, got none")
    return total / channels, contrasts / channels


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
    for _ in range(2):
        length = len(values) - 2 * _WINDOW_RADIUS
        blurred = values[:length] * weights[0]
        part = np.empty_like(blurred)
        for start, weight in enumerate(weights[1:], start=1):
            np.multiply(values[start : start + length], weight, out=part)
            blurred += part
        # Adding rows is faster than adding columns, so the second axis is handled by transposing.
        values = np.ascontiguousarray(blurred.T)
    return values
