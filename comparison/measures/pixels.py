"""Images as torch tensors, on the device that measures them."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def to_pixels(image: NDArray[Any], device: str = "cpu") -> Tensor:
    """Return an image as float32 in [0, 1], shape (channels, height, width).

    Args:
        image: 8-bit levels or floats in [0, 1], shape (height, width, channels).
        device: torch device.

    Raises:
        ValueError: if it has another shape.
    """
    if image.ndim != 3 or not image.size:
        raise ValueError(f"image: expected (height, width, channels), got {image.shape}")
    values = torch.from_numpy(np.ascontiguousarray(image)).to(device)
    # Levels are converted there: they are a quarter of the size on the way.
    values = values.float() / 255 if image.dtype == np.uint8 else values.float()
    return values.permute(2, 0, 1).contiguous()


def check_alike(image: Tensor, reference: Tensor) -> None:
    """Refuse images that can't be compared.

    Raises:
        ValueError: if the shapes differ.
    """
    if image.shape != reference.shape or image.ndim != 3:
        expected, got = tuple(reference.shape), tuple(image.shape)
        raise ValueError(f"image: expected (channels, height, width) like the reference's {expected}, got {got}")


def halved(image: Tensor) -> Tensor:
    """Return the image at half its size, each pixel the mean of 2 by 2; an odd last row or column is dropped."""
    return torch.nn.functional.avg_pool2d(image[None], 2)[0]
