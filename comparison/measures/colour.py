"""The colour difference of two images: CIEDE2000, where about 1 is just noticeable.

Source: Sharma et al., "The CIEDE2000 Color-Difference Formula: Implementation Notes, Supplementary Test Data, and
Mathematical Observations", 2005; its symbols are used.
"""

import numpy as np
from numpy.typing import NDArray

from .structure import Image, halved

Values = NDArray[np.float64]

_WHITE = np.array([0.95047, 1.0, 1.08883])  # D65, 2 degrees
_TO_XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
_25_TO_7 = 25.0**7
_LARGEST_SIDE = 512


def delta_e(image: Image, reference: Image) -> float:
    """Return the mean CIEDE2000 difference of two sRGB images in [0, 1], shape (height, width, 3 or more).

    Larger images are halved until no side is longer than 512 pixels, because the eye also sees colour coarsely.

    Raises:
        ValueError: if the shapes differ.
    """
    if image.shape != reference.shape or image.ndim != 3:
        raise ValueError(f"image: expected (height, width, channels) like {reference.shape}, got {image.shape}")
    while max(image.shape[:2]) > _LARGEST_SIDE:
        image, reference = halved(image), halved(reference)
    return float(np.mean(ciede2000(to_lab(image[..., :3]), to_lab(reference[..., :3]))))


def to_lab(image: Image) -> Values:
    """Return CIELAB values (D65) of an sRGB image in [0, 1], shape (..., 3)."""
    encoded = np.clip(image.astype(np.float64), 0, 1)
    linear = np.where(encoded > 0.04045, ((encoded + 0.055) / 1.055) ** 2.4, encoded / 12.92)
    ratio = linear @ _TO_XYZ.T / _WHITE
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def ciede2000(first: Values, second: Values) -> Values:
    """Return the CIEDE2000 differences, shape (...), of two arrays of CIELAB values, shape (..., 3)."""
    l1, a1, b1 = np.moveaxis(first, -1, 0)
    l2, a2, b2 = np.moveaxis(second, -1, 0)
    mean_c = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(mean_c**7 / (mean_c**7 + _25_TO_7)))
    c1, h1 = np.hypot((1 + g) * a1, b1), _hue(b1, (1 + g) * a1)
    c2, h2 = np.hypot((1 + g) * a2, b2), _hue(b2, (1 + g) * a2)
    grey = c1 * c2 == 0
    turn = np.where(grey, 0.0, (h2 - h1 + 180) % 360 - 180)
    # For exactly opposite hues the formula uses the positive half turn.
    turn = np.where((turn == -180) & (h2 > h1), 180.0, turn)
    mean_h = np.where(grey, h1 + h2, (h1 + turn / 2) % 360)
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    delta_h = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn) / 2)
    l_term = (l2 - l1) / _lightness_weight(mean_l)
    c_term = (c2 - c1) / (1 + 0.045 * mean_c)
    h_term = delta_h / (1 + 0.015 * mean_c * _hue_factor(mean_h))
    rotation = _rotation(mean_c, mean_h)
    return np.sqrt(np.maximum(l_term**2 + c_term**2 + h_term**2 + rotation * c_term * h_term, 0))


def _hue(b: Values, a: Values) -> Values:
    return np.degrees(np.arctan2(b, a)) % 360


def _lightness_weight(mean_l: Values) -> Values:
    return 1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2)


def _hue_factor(mean_h: Values) -> Values:
    terms = ((-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.20, 4, -63))
    waves = [weight * np.cos(np.radians(times * mean_h + shift)) for weight, times, shift in terms]
    return 1 + np.sum(waves, axis=0)


def _rotation(mean_c: Values, mean_h: Values) -> Values:
    angle = 30 * np.exp(-(((mean_h - 275) / 25) ** 2))
    return -np.sin(np.radians(2 * angle)) * 2 * np.sqrt(mean_c**7 / (mean_c**7 + _25_TO_7))
