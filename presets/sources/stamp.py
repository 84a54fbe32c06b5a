"""Writes a plan into a safetensors file's metadata, without changing a byte of its tensors.

The new file is written beside the old one, holes stay holes, its data is compared by hash, and only then it takes the
old one's place. Source of the format: huggingface/safetensors, README "Format".
"""

import contextlib
import errno
import hashlib
import json
import os
import secrets
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ..qualities import Quality
from ..recognition.headers import LARGEST_HEADER
from ..regular_files import open_regular
from .files import sweep_unfinished
from .in_file import STAMP, STAMP_VERSION

ENDINGS = (".safetensors", ".sft")
_LARGEST_OF_FORMAT = 100_000_000
_LENGTH_BYTES = 8
_ALIGNMENT = 8
_CHUNK = 8 << 20
# What must be left on the disk after the copy.
_SPARE = 64 << 20


class StampError(ValueError):
    """The plan can't be written into this file; the message says why. The file is unchanged."""


def write_stamp(model: Path, plan: dict[Quality, dict[str, Any]] | None) -> None:
    """Write a plan into a model file, or remove the one that is in it.

    Args:
        model: the safetensors file; a link stays one, and the file that it leads to is changed.
        plan: settings by quality, under ComfyUI's names; None removes the plan.

    Raises:
        StampError: the file is no safetensors file, or the disk is too full.
        OSError: it can't be read or written.
    """
    if model.suffix.lower() not in ENDINGS:
        raise StampError(f"{model.name}: expected a file that ends in {' or '.join(ENDINGS)}")
    target = model.resolve()
    sweep_unfinished(target)
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with open_regular(target) as source:
            header, start = _read_header(source, target.name)
            text = _encoded(header, plan, target.name)
            _check_space(source, target, len(text))
            _write_copy(source, start, text, unfinished)
        # Windows replaces no file that is open.
        shutil.copymode(target, unfinished)
        unfinished.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise


def _read_header(source: BinaryIO, name: str) -> tuple[dict[str, Any], int]:
    """Return the header and where the data begins."""
    start = source.read(_LENGTH_BYTES)
    length = struct.unpack("<Q", start)[0] if len(start) == _LENGTH_BYTES else 0
    size = os.fstat(source.fileno()).st_size
    if not 0 < length <= min(_LARGEST_OF_FORMAT, size - _LENGTH_BYTES):
        raise StampError(f"{name}: expected a safetensors file, but its header's length is {length} of {size} bytes")
    try:
        header = json.loads(source.read(length))
    except (ValueError, RecursionError) as error:
        raise StampError(f"{name}: its header is not valid JSON ({error})") from None
    if not isinstance(header, dict) or not isinstance(header.get("__metadata__", {}), dict):
        raise StampError(f"{name}: expected its header to be an object with metadata as an object")
    return header, _LENGTH_BYTES + length


def _encoded(header: dict[str, Any], plan: dict[Quality, dict[str, Any]] | None, name: str) -> bytes:
    metadata = {key: value for key, value in header.get("__metadata__", {}).items() if key != STAMP}
    if plan is not None:
        metadata[STAMP] = json.dumps({"version": STAMP_VERSION, **plan})
    rest = {name: entry for name, entry in header.items() if name != "__metadata__"}
    text = json.dumps({"__metadata__": metadata, **rest} if metadata else rest, separators=(",", ":"))
    encoded = text.encode()
    if plan is not None and len(encoded) > LARGEST_HEADER - _ALIGNMENT:
        raise StampError(f"{name}: expected a header of less than {LARGEST_HEADER} bytes, the most that is read again")
    return encoded + b" " * (-len(encoded) % _ALIGNMENT)


def _check_space(source: BinaryIO, target: Path, header: int) -> None:
    state = os.fstat(source.fileno())
    # A file with holes needs less than its size.
    needed = min(state.st_size, getattr(state, "st_blocks", state.st_size) * 512 or state.st_size) + header + _SPARE
    free = shutil.disk_usage(target.parent).free
    if free < needed:
        raise StampError(
            f"{target.name}: expected {needed / 1e9:.1f} GB of free disk space for a copy, got {free / 1e9:.1f}"
        )


def _write_copy(source: BinaryIO, start: int, header: bytes, file: Path) -> None:
    """Write the new header and the old data, and make sure that the data is the same."""
    size = os.fstat(source.fileno()).st_size - start
    before, after = hashlib.sha256(), hashlib.sha256()
    shift = _LENGTH_BYTES + len(header) - start
    with file.open("xb+") as copy:
        copy.write(struct.pack("<Q", len(header)) + header)
        copy.truncate(_LENGTH_BYTES + len(header) + size)
        parts = list(_data_parts(source.fileno(), start, start + size))
        source.seek(0, os.SEEK_END)  # what is buffered doesn't know that the file's position was moved
        for offset, chunk in _chunks(source, parts, 0):
            before.update(struct.pack("<Q", offset) + chunk)
            copy.seek(offset + shift)
            copy.write(chunk)
        copy.flush()
        os.fsync(copy.fileno())
        for offset, chunk in _chunks(copy, parts, shift):
            after.update(struct.pack("<Q", offset) + chunk)
    if before.digest() != after.digest():
        raise OSError(errno.EIO, f"{file.name}: what was written is not what was read; nothing was changed")


def _chunks(stream: BinaryIO, parts: list[tuple[int, int]], shift: int) -> Iterator[tuple[int, bytes]]:
    """Yield the bytes of parts of a stream that are moved by a number of bytes, with the place before the move."""
    for first, end in parts:
        for offset in range(first, end, _CHUNK):
            stream.seek(offset + shift)
            yield offset, stream.read(min(_CHUNK, end - offset))


def _data_parts(handle: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the parts of a file that are no holes; the whole file where the system can't tell."""
    if not hasattr(os, "SEEK_DATA"):
        yield start, end
        return
    at = start
    while at < end:
        try:
            first = os.lseek(handle, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # only a hole is left
                return
            yield at, end
            return
        at = min(os.lseek(handle, first, os.SEEK_HOLE), end)
        if first < at:
            yield first, at
