"""Measures how similar two images are in structure: SSIM, MS-SSIM and PSNR."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .filters import filtered, gaussian, tile_means
from .pixels import check_alike, halved

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


@dataclass(frozen=True)
class Windows:
    """An image at one scale, with what SSIM computes of it alone, so that a reference is prepared once.

    Attributes:
        pixels: the image minus 0.5, which costs float32 fewer digits; shape (channels, height, width).
        mean: Gaussian-weighted mean around every pixel whose window lies inside the image.
        variance: the same of the squares, minus the square of the mean.
    """

    pixels: Tensor
    mean: Tensor
    variance: Tensor


def windows(image: Tensor) -> Windows:
    """Return an image in [0, 1] prepared for `ssim_maps`, shape (channels, height, width).

    Raises:
        ValueError: if a side is shorter than 11 pixels.
    """
    height, width = image.shape[-2:]
    if min(height, width) < LEAST_SIDE:
        raise ValueError(f"image: SSIM expects {LEAST_SIDE} pixels a side or more, got {width} by {height}")
    pixels = image - 0.5
    mean = _blur(pixels)
    return Windows(pixels, mean, _blur(pixels.square()) - mean.square())


def scales(image: Tensor) -> Iterator[Windows]:
    """Yield an image at each scale of MS-SSIM, the finest first."""
    count = 1 + int(math.log2(min(image.shape[-2:]) / LEAST_SIDE))
    for number in range(max(1, min(count, len(_SCALES)))):
        image = halved(image) if number else image
        yield windows(image)


def structure(image: Iterable[Windows], reference: Sequence[Windows]) -> Structure:
    """Return SSIM, MS-SSIM and worst tile of two images, each prepared by `scales`.

    Each scale is used once and in order, so those of the image can be made one at a time, to save memory.

    Raises:
        ValueError: if the shapes differ.
    """
    weights = torch.tensor(_SCALES[: len(reference)])
    contrasts, whole, worst = list[Tensor](), list[Tensor](), list[Tensor]()
    for one, other in zip(image, reference, strict=True):
        ssim_map, contrast = ssim_maps(one, other)
        contrasts.append(contrast.mean())
        whole.append(ssim_map.mean())
        worst = worst or [tile_means(ssim_map.mean(dim=0), _TILE).min()]
    # MS-SSIM includes luminance only at the coarsest scale.
    values = torch.stack([*contrasts[:-1], whole[-1]]).cpu().clamp(min=0)
    powers = values ** (weights / weights.sum() if len(weights) < len(_SCALES) else weights)
    return Structure(float(whole[0]), float(powers.prod()), float(worst[0]))


def ssim(image: Tensor, reference: Tensor) -> float:
    """Return the mean structural similarity over pixels and channels, in [-1, 1]; 1 for equal images.

    Gaussian window of deviation 1.5 over 11 by 11 pixels, population covariance, without the border of 5 pixels. Equals
    scikit-image's structural_similarity with gaussian_weights=True and use_sample_covariance=False.

    Source: Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004.

    Args:
        image: in [0, 1], shape (channels, height, width).
        reference: an image of the same shape.

    Raises:
        ValueError: if the shapes differ or a side is shorter than 11 pixels.
    """
    return float(ssim_maps(windows(image), windows(reference))[0].mean())


def ssim_maps(image: Windows, reference: Windows) -> tuple[Tensor, Tensor]:
    """Return the SSIM of every pixel whose window lies inside the image, and its contrast term alone.

    Raises:
        ValueError: if the shapes differ.
    """
    check_alike(image.pixels, reference.pixels)
    covariance = _blur(image.pixels * reference.pixels) - image.mean * reference.mean
    contrast = (2 * covariance + _C2) / (image.variance + reference.variance + _C2)
    del covariance
    x, y = image.mean + 0.5, reference.mean + 0.5
    return contrast * ((2 * x * y + _C1) / (x.square() + y.square() + _C1)), contrast


def psnr(image: Tensor, reference: Tensor) -> float:
    """Return the peak signal-to-noise ratio 10 * log10(1 / MSE) in decibels; infinite for equal images.

    Raises:
        ValueError: if the shapes differ.
    """
    error = rms(image, reference) ** 2
    return math.inf if error == 0 else -10 * math.log10(error)


def rms(image: Tensor, reference: Tensor) -> float:
    """Return the root mean square of the difference.

    Raises:
        ValueError: if the shapes differ.
    """
    check_alike(image, reference)
    return math.sqrt(float((image - reference).square().mean()))


def _blur(channels: Tensor) -> Tensor:
    kernel = gaussian(_WINDOW_DEVIATION, _WINDOW_RADIUS).expand(len(channels), -1)
    return filtered(channels, kernel, kernel, repeat_border=False)
