"""FLIP: how much a person sees who flips between two images in place.

Both images are blurred as the eye does at a given distance, separately for lightness and the two opponent colours, and
compared in a perceptual colour space; where edges or points appear or vanish, the difference counts more.

Source: Andersson et al., "FLIP: A Difference Evaluator for Alternating Images", 2020; its symbols are used.
"""

import math
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from .filters import filtered, gaussian, padded_to

# Pixels per degree at 0.7 m from a screen 0.7 m and 3840 pixels wide, the paper's own.
PIXELS_PER_DEGREE = 0.7 * 3840 / 0.7 * math.pi / 180
# Contrast sensitivity of achromatic, red-green and blue-yellow: weights a and widths b of sums of Gaussians.
_SENSITIVITY = (((1.0, 0.0047),), ((1.0, 0.0053),), ((34.1, 0.04), (13.5, 0.025)))
# Exponents and the two points of the map from colour distances to [0, 1].
_QC, _PC, _PT = 0.7, 0.4, 0.95
_QF, _FEATURE_WIDTH = 0.5, 0.082
_RGB_TO_XYZ = (
    (10135552 / 24577794, 8788810 / 24577794, 4435075 / 24577794),
    (2613072 / 12288897, 8788810 / 12288897, 887015 / 12288897),
    (1425312 / 73733382, 8788810 / 73733382, 70074185 / 73733382),
)


@dataclass(frozen=True)
class Seen:
    """What of an image FLIP compares, so that a reference is prepared once.

    Attributes:
        colours: blurred image in the Hunt-adjusted CIELAB space, shape (3, height, width).
        edges: strength of edges, shape (height, width).
        points: strength of points, shape (height, width).
    """

    colours: Tensor
    edges: Tensor
    points: Tensor


def seen(image: Tensor) -> Seen:
    """Return what FLIP compares of an sRGB image in [0, 1], shape (3, height, width), float32."""
    opponent = _opponent(_linear(image.clamp(0, 1)))
    across, down, masses = _kernels()
    # Lightness, red-green, and blue-yellow twice for its two Gaussians. Half of the kernels at a time, to save memory.
    maps = filtered(torch.stack([*opponent, opponent[2]]), across[:4], down[:4])
    blurred = torch.stack([maps[0], maps[1], masses[0] * maps[2] + masses[1] * maps[3]])
    colours = _hunt(_lab(_from_opponent(blurred).clamp(0, 1)))
    # Then lightness for edges and for points.
    maps = filtered(((opponent[:1] + 16) / 116).expand(4, -1, -1), across[4:], down[4:])
    return Seen(colours, torch.hypot(maps[0], maps[1]), torch.hypot(maps[2], maps[3]))


def flip_map(image: Seen, reference: Seen) -> Tensor:
    """Return the visible difference of every pixel in [0, 1], shape (height, width)."""
    difference = image.colours - reference.colours
    distance = difference[0].abs() + torch.hypot(difference[1], difference[2])
    colour = _redistributed(distance**_QC)
    edges, points = (image.edges - reference.edges).abs(), (image.points - reference.points).abs()
    feature = (torch.maximum(edges, points) / math.sqrt(2)) ** _QF
    return colour ** (1 - feature)


def _linear(encoded: Tensor) -> Tensor:
    return torch.where(encoded > 0.04045, ((encoded + 0.055) / 1.055) ** 2.4, encoded / 12.92)


@cache
def _matrix(device: torch.device, *, inverse: bool = False) -> Tensor:
    matrix = torch.tensor(_RGB_TO_XYZ, dtype=torch.float64)
    return (torch.linalg.inv(matrix) if inverse else matrix).float().to(device)


def _white(device: torch.device) -> Tensor:
    return _matrix(device).sum(dim=1)[:, None, None]


def _mixed(matrix: Tensor, channels: Tensor) -> Tensor:
    return torch.einsum("ij,jhw->ihw", matrix, channels)


def _opponent(linear: Tensor) -> Tensor:
    """Return YCxCz, the linear form of CIELAB."""
    x, y, z = _mixed(_matrix(linear.device), linear) / _white(linear.device)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def _from_opponent(opponent: Tensor) -> Tensor:
    y = (opponent[0] + 16) / 116
    xyz = torch.stack([y + opponent[1] / 500, y, y - opponent[2] / 200]) * _white(opponent.device)
    return _mixed(_matrix(opponent.device, inverse=True), xyz)


def _lab(linear: Tensor) -> Tensor:
    ratio = _mixed(_matrix(linear.device), linear) / _white(linear.device)
    delta = 6 / 29
    x, y, z = torch.where(ratio > delta**3, ratio.clamp(min=0) ** (1 / 3), ratio / (3 * delta**2) + 4 / 29)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def _hunt(lab: Tensor) -> Tensor:
    """Return CIELAB with colours that fade in the dark (the Hunt effect)."""
    return torch.stack([lab[0], 0.01 * lab[0] * lab[1], 0.01 * lab[0] * lab[2]])


@cache
def _largest_distance() -> float:
    green, blue = (_hunt(_lab(torch.tensor(colour).view(3, 1, 1))).flatten() for colour in ((0.0, 1, 0), (0.0, 0, 1)))
    difference = green - blue
    return float(difference[0].abs() + torch.hypot(difference[1], difference[2])) ** _QC


def _redistributed(distance: Tensor) -> Tensor:
    largest = _largest_distance()
    knee = _PC * largest
    above = _PT + (distance - knee) / (largest - knee) * (1 - _PT)
    return torch.where(distance < knee, distance * (_PT / knee), above)


@cache
def _kernels() -> tuple[Tensor, Tensor, tuple[float, float]]:
    """Return the kernels along both axes for `seen`'s eight channels, and the shares of blue-yellow's two Gaussians."""
    widths = [width for terms in _SENSITIVITY for _, width in terms]
    radius = math.ceil(3 * _deviation(max(widths)))
    blurs = [gaussian(_deviation(width), radius) for width in widths]
    # A Gaussian's height is a sqrt(pi / b), and its mass is its height times the square of its profile's sum.
    masses = [
        weight * math.sqrt(math.pi / width) * _profile_sum(width, radius) ** 2 for weight, width in _SENSITIVITY[2]
    ]
    smooth, first, second = (padded_to(kernel, radius) for kernel in _derivatives())
    across = torch.stack([*blurs, first, smooth, second, smooth])
    down = torch.stack([*blurs, smooth, first, smooth, second])
    return across, down, (masses[0] / sum(masses), masses[1] / sum(masses))


def _deviation(width: float) -> float:
    """Return a Gaussian's deviation in pixels, given its b in exp(-b f^2), f in cycles per degree."""
    return math.sqrt(width / (2 * math.pi**2)) * PIXELS_PER_DEGREE


def _profile_sum(width: float, radius: int) -> float:
    return sum(math.exp(-(offset**2) / (2 * _deviation(width) ** 2)) for offset in range(-radius, radius + 1))


def _derivatives() -> tuple[Tensor, Tensor, Tensor]:
    """Return a Gaussian and its first two derivatives, whose positive and negative weights are scaled to 1 and -1."""
    deviation = 0.5 * _FEATURE_WIDTH * PIXELS_PER_DEGREE
    radius = math.ceil(3 * deviation)
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float64)
    smooth = gaussian(deviation, radius)
    first, second = -offsets * smooth, (offsets**2 / deviation**2 - 1) * smooth
    return smooth, _balanced(first), _balanced(second)


def _balanced(kernel: Tensor) -> Tensor:
    return torch.where(kernel > 0, kernel / kernel[kernel > 0].sum(), kernel / -kernel[kernel < 0].sum())
