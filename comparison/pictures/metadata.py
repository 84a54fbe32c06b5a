"""Reads and writes the text entries in which ComfyUI, A1111 and similar tools record how an image was made.

PNG keeps them as text chunks, JPEG and WebP in EXIF. There, A1111's parameters are the user comment, and ComfyUI's
graph is in the camera's maker and model, as `prompt:{...}`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from ..measures.levels import to_levels

_ENCODINGS = {b"ASCII\0\0\0": "ascii", b"UNICODE\0": "utf-16-be", b"\0\0\0\0\0\0\0\0": "utf-8"}


def read_image_metadata(file: Path) -> dict[str, str]:
    """Return an image's text entries by name; `prompt`, `workflow` and `parameters` are the usual ones.

    Raises:
        OSError: if the file cannot be read or is not an image.
    """
    try:
        with Image.open(file) as image:
            entries = {str(name): text for name, text in image.info.items() if isinstance(text, str)}
            exif = image.getexif()
    except Image.DecompressionBombError as error:
        raise OSError(f"{file.name}: {error}") from None
    for tag in (ExifTags.Base.Make, ExifTags.Base.Model):
        name, colon, text = str(exif.get(tag, "")).partition(":")
        if colon and text.lstrip().startswith("{"):
            entries.setdefault(name.strip().lower(), text)
    comment = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment)
    if comment:
        entries.setdefault("parameters", _decode(comment))
    return entries


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


def _decode(comment: bytes | str) -> str:
    if isinstance(comment, str):
        return comment
    encoding = _ENCODINGS.get(comment[:8])
    return comment[8:].decode(encoding, "replace") if encoding else comment.decode("utf-8", "replace")
