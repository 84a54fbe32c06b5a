"""Separable filters for images on any device."""

import torch
from torch import Tensor
from torch.nn import functional


def gaussian(deviation: float, radius: int) -> Tensor:
    """Return the profile of a Gaussian in float64, shape (2 radius + 1,), scaled to 1 in sum; `deviation` in pixels."""
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float64)
    profile = torch.exp(-(offsets**2) / (2 * deviation**2))
    return profile / profile.sum()


def filtered(channels: Tensor, across: Tensor, down: Tensor, *, repeat_border: bool = True) -> Tensor:
    """Return each channel filtered along both axes with its own pair of kernels.

    Args:
        channels: shape (channels, height, width).
        across: kernels along the width, shape (channels, odd length).
        down: kernels along the height, of the same shape.
        repeat_border: whether the border is repeated outwards; if not, only pixels whose window lies inside the image
            are returned, so that each side is shorter by the length - 1.
    """
    count, length = across.shape
    radius = length // 2
    image = channels[None]
    if image.device.type == "cpu":
        # With the channels last, the CPU filters all of them at once, some six times as fast. A GPU would hand them to
        # cuDNN, whose TF32 keeps three digits; the measures subtract nearly equal sums.
        image = image.contiguous(memory_format=torch.channels_last)
    if repeat_border:
        image = functional.pad(image, (radius, radius, radius, radius), mode="replicate")
    rows = functional.conv2d(image, across.to(image).view(count, 1, 1, length), groups=count)
    return functional.conv2d(rows, down.to(image).view(count, 1, length, 1), groups=count)[0]


def padded_to(kernel: Tensor, radius: int) -> Tensor:
    """Return a kernel with zeros at both ends, so that its radius is this one."""
    missing = radius - len(kernel) // 2
    return functional.pad(kernel, (missing, missing))


def tile_means(values: Tensor, side: int) -> Tensor:
    """Return the mean of each tile of a map, shape (height, width); tiles have about `side` pixels a side."""
    rows, columns = (max(1, round(length / side)) for length in values.shape)
    return functional.adaptive_avg_pool2d(values[None], (rows, columns))
