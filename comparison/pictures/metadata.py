"""Writes PNG files with text entries, in which ComfyUI keeps the workflow that made an image."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ..measures.levels import to_levels


def write_png(file: Path, image: NDArray[Any], entries: Mapping[str, str], compress_level: int = 4) -> None:
    """Write an image as PNG with text entries.

    Args:
        file: the file to write.
        image: 8-bit levels, or floats in [0, 1], shape (height, width, channels).
        entries: text by name.
        compress_level: 1 (fast) to 9 (small).
    """
    chunks = PngInfo()
    for name, text in entries.items():
        chunks.add_text(name, text)
    picture = Image.fromarray(np.ascontiguousarray(to_levels(image)[..., :3]))
    picture.save(file, "PNG", pnginfo=chunks, compress_level=compress_level)
