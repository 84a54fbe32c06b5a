"""Reads and writes the text entries in which ComfyUI, A1111 and similar tools record how an image was made.

PNG keeps them as text chunks, JPEG and WebP in EXIF. There, A1111's parameters are the user comment, and ComfyUI's
graph is in the camera's maker and model, as `prompt:{...}`.
"""

import io
import secrets
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from ..measures.levels import to_levels

LARGEST_METADATA = 64 << 20
# PNG files may hold their text behind the pixels, which must then be decoded first.
MOST_PIXELS = 16_000_000

_ENCODINGS = {b"ASCII\0\0\0": "ascii", b"UNICODE\0": "utf-16-be", b"\0\0\0\0\0\0\0\0": "utf-8"}


def read_image_metadata(stream: BinaryIO) -> dict[str, str]:
    """Return an image's text entries by name; `prompt`, `workflow` and `parameters` are the usual ones.

    Pixels are decoded only where nothing else shows the entries, and then at most 16 megapixels.

    Args:
        stream: the open image file.

    Raises:
        OSError: if the file can't be read, is no image, or has more than 64 MB of metadata.
    """
    with warnings.catch_warnings():
        # Pillow warns of large and of damaged images; here they are not decoded, or not used.
        warnings.simplefilter("ignore")
        try:
            return _entries(io.BufferedReader(_Bounded(stream)))
        except (Image.DecompressionBombError, SyntaxError, ValueError, EOFError) as error:
            raise OSError(f"image: {error}") from None


def write_png(file: Path, image: NDArray[Any], entries: Mapping[str, str], compress_level: int = 4) -> None:
    """Write an image as PNG with text entries, completely or not at all.

    Args:
        file: the file to write.
        image: 8-bit levels, or floats in [0, 1], shape (height, width, channels).
        entries: text by name.
        compress_level: 1 (fast) to 9 (small).

    Raises:
        OSError: if it can't be written; an existing file is unchanged.
    """
    chunks = PngInfo()
    for name, text in entries.items():
        chunks.add_text(name, text)
    picture = Image.fromarray(np.ascontiguousarray(to_levels(image)[..., :3]))
    unfinished = file.with_name(f".{secrets.token_hex(6)}.png")
    try:
        picture.save(unfinished, "PNG", pnginfo=chunks, compress_level=compress_level)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


def _entries(stream: BinaryIO) -> dict[str, str]:
    with Image.open(stream) as image:
        if image.format == "PNG" and not _texts(image) and image.width * image.height <= MOST_PIXELS:
            image.load()
        entries, exif = _texts(image), _exif(image)
    for tag in (ExifTags.Base.Make, ExifTags.Base.Model):
        name, colon, text = str(exif.get(tag, "")).partition(":")
        if colon and text.lstrip().startswith("{"):
            entries.setdefault(name.strip().lower(), text)
    comment = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment)
    if comment:
        entries.setdefault("parameters", _decode(comment))
    return entries


def _texts(image: Image.Image) -> dict[str, str]:
    return {str(name): text for name, text in image.info.items() if isinstance(text, str)}


def _exif(image: Image.Image) -> Image.Exif:
    if image.format != "PNG":
        return image.getexif()
    # For a PNG, `getexif` would decode the pixels.
    exif = Image.Exif()
    if isinstance(image.info.get("exif"), bytes):
        exif.load(image.info["exif"])
    return exif


def _decode(comment: bytes | str) -> str:
    if isinstance(comment, str):
        return comment
    encoding = _ENCODINGS.get(comment[:8])
    return comment[8:].decode(encoding, "replace") if encoding else comment.decode("utf-8", "replace")


class _Bounded(io.RawIOBase):
    """A file of which at most `LARGEST_METADATA` bytes are read; what is skipped doesn't count."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._left = stream, LARGEST_METADATA

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        taken = self._stream.read(len(buffer))
        self._left -= len(taken)
        if self._left < 0:
            raise OSError(f"expected at most {LARGEST_METADATA} bytes of metadata, got more")
        buffer[: len(taken)] = taken
        return len(taken)
