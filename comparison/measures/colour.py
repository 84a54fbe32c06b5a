"""The colour difference of two images: CIEDE2000, where about 1 is just noticeable.

Source: Sharma et al., "The CIEDE2000 Color-Difference Formula: Implementation Notes, Supplementary Test Data, and
Mathematical Observations", 2005; its symbols are used.
"""

import torch
from torch import Tensor

from .pixels import check_alike, halved

_WHITE = (0.95047, 1.0, 1.08883)  # D65, 2 degrees
_TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
_25_TO_7 = 25.0**7
_LARGEST_SIDE = 512


def lab_seen(image: Tensor) -> Tensor:
    """Return an image's CIELAB values for `delta_e`.

    Larger images are halved until no side is longer than 512 pixels, because the eye also sees colour coarsely.

    Args:
        image: sRGB in [0, 1], shape (3 or more, height, width).
    """
    while max(image.shape[-2:]) > _LARGEST_SIDE:
        image = halved(image)
    return to_lab(image[:3])


def delta_e(image: Tensor, reference: Tensor) -> float:
    """Return the mean CIEDE2000 difference of two images' CIELAB values, shape (3, height, width).

    Raises:
        ValueError: if the shapes differ.
    """
    check_alike(image, reference)
    return float(ciede2000(image, reference).mean())


def to_lab(image: Tensor) -> Tensor:
    """Return CIELAB values (D65) of an sRGB image in [0, 1], shape (3, ...)."""
    encoded = image.clamp(0, 1)
    linear = torch.where(encoded > 0.04045, ((encoded + 0.055) / 1.055) ** 2.4, encoded / 12.92)
    to_ratio = encoded.new_tensor(_TO_XYZ) / encoded.new_tensor(_WHITE)[:, None]
    ratio = torch.einsum("ij,j...->i...", to_ratio, linear)
    x, y, z = torch.where(ratio > 0.008856, ratio.clamp(min=0) ** (1 / 3), 7.787 * ratio + 16 / 116)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def ciede2000(first: Tensor, second: Tensor) -> Tensor:
    """Return the CIEDE2000 differences, shape (...), of two tensors of CIELAB values, shape (3, ...)."""
    (l1, a1, b1), (l2, a2, b2) = first, second
    mean_c = (torch.hypot(a1, b1) + torch.hypot(a2, b2)) / 2
    g = 0.5 * (1 - _saturation(mean_c))
    c1, h1 = torch.hypot((1 + g) * a1, b1), _hue(b1, (1 + g) * a1)
    c2, h2 = torch.hypot((1 + g) * a2, b2), _hue(b2, (1 + g) * a2)
    grey = c1 * c2 == 0
    turn = torch.where(grey, 0.0, (h2 - h1 + 180) % 360 - 180)
    # For exactly opposite hues the formula uses the positive half turn.
    turn = torch.where((turn == -180) & (h2 > h1), 180.0, turn)
    mean_h = torch.where(grey, h1 + h2, (h1 + turn / 2) % 360)
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    delta_h = 2 * (c1 * c2).sqrt() * torch.sin(torch.deg2rad(turn) / 2)
    l_term = (l2 - l1) / _lightness_weight(mean_l)
    c_term = (c2 - c1) / (1 + 0.045 * mean_c)
    h_term = delta_h / (1 + 0.015 * mean_c * _hue_factor(mean_h))
    rotation = _rotation(mean_c, mean_h)
    return (l_term**2 + c_term**2 + h_term**2 + rotation * c_term * h_term).clamp(min=0).sqrt()


def _hue(b: Tensor, a: Tensor) -> Tensor:
    return torch.rad2deg(torch.atan2(b, a)) % 360


def _saturation(chroma: Tensor) -> Tensor:
    power = chroma**7
    return (power / (power + _25_TO_7)).sqrt()


def _lightness_weight(mean_l: Tensor) -> Tensor:
    square = (mean_l - 50) ** 2
    return 1 + 0.015 * square / (20 + square).sqrt()


def _hue_factor(mean_h: Tensor) -> Tensor:
    factor = torch.ones_like(mean_h)
    for weight, times, shift in ((-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.20, 4, -63)):
        factor += weight * torch.cos(torch.deg2rad(times * mean_h + shift))
    return factor


def _rotation(mean_c: Tensor, mean_h: Tensor) -> Tensor:
    angle = 30 * torch.exp(-(((mean_h - 275) / 25) ** 2))
    return -torch.sin(torch.deg2rad(2 * angle)) * 2 * _saturation(mean_c)
