"""What model files say about themselves in their first bytes. No weights are read and nothing is ever unpickled.

A header is read in bounded time and memory, whatever the file holds: at most `LARGEST_HEADER` bytes.

Sources: the safetensors format (huggingface/safetensors, README "Format") and GGUF (ggml-org/ggml, docs/gguf.md).
"""

import json
import os
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from ..regular_files import open_regular

LARGEST_HEADER = 2 * 1024 * 1024
_SAFETENSORS, _GGUF = (".safetensors", ".sft"), (".gguf",)
_LENGTH_BYTES = 8


class HeaderError(ValueError):
    """A file's header is broken, too large, or of an unsupported kind."""


@dataclass(frozen=True)
class Header:
    """The contents of a file's header.

    Attributes:
        shapes: shape of each tensor by name.
        metadata: what the file's author wrote; for GGUF the `general.*` entries that are text or numbers.
    """

    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)


def read_header(file: Path) -> Header:
    """Read the header of a safetensors or GGUF file.

    A pickled file (`.ckpt`, `.pt`, ...) gives an empty header: only its name can identify it.

    Raises:
        HeaderError: the header is broken; the message names the file, what was expected and what came.
        OSError: the file cannot be read, or is no regular file.
    """
    ending = file.suffix.lower()
    if ending not in _SAFETENSORS + _GGUF:
        return Header()
    with open_regular(file) as stream:
        size = os.fstat(stream.fileno()).st_size
        try:
            return _read_gguf(stream) if ending in _GGUF else _read_safetensors(stream, size)
        except HeaderError as error:
            raise HeaderError(f"{file.name}: {error}") from None


def _read_safetensors(stream: BinaryIO, size: int) -> Header:
    start = stream.read(_LENGTH_BYTES)
    if len(start) < _LENGTH_BYTES:
        raise HeaderError(
            f"expected {_LENGTH_BYTES} bytes of length at the start of a safetensors file, got {len(start)}"
        )
    (length,) = struct.unpack("<Q", start)
    if length > size - _LENGTH_BYTES:
        raise HeaderError(
            f"its header should have {length} bytes, but the file has only {size}: it is cut off or broken"
        )
    if length > LARGEST_HEADER:
        raise HeaderError(f"its header has {length} bytes; at most {LARGEST_HEADER} are read")
    entries = _parse_json(stream.read(length))
    metadata = entries.pop("__metadata__", None) or {}
    if not isinstance(metadata, dict):
        raise HeaderError(f"expected __metadata__ to be an object, got {type(metadata).__name__}")
    return Header(
        {name: _shape_of(name, entry) for name, entry in entries.items()},
        {name: value for name, value in metadata.items() if isinstance(value, str)},
    )


def _parse_json(text: bytes) -> dict[str, Any]:
    try:
        entries = json.loads(text, object_pairs_hook=_refuse_duplicates)
    except RecursionError:
        raise HeaderError("its header is nested too deeply to be valid") from None
    except ValueError as error:
        if isinstance(error, HeaderError):
            raise
        raise HeaderError(f"its header is not valid JSON ({error})") from None
    if not isinstance(entries, dict):
        raise HeaderError(f"expected its header to be an object, got {type(entries).__name__}")
    return entries


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))
        raise HeaderError(f"its header names {twice[:80]!r} twice")
    return entries


def _shape_of(name: str, entry: Any) -> tuple[int, ...]:
    shape = entry.get("shape") if isinstance(entry, dict) else None
    if not isinstance(shape, list) or not all(isinstance(extent, int) and extent >= 0 for extent in shape):
        raise HeaderError(f"tensor {name[:80]!r} has no valid shape")
    return tuple(shape)


# GGUF's types of numbers, as `struct` names them. Text and lists store their own length.
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_FRACTIONS = (6, 12)
_TEXT, _LIST = 8, 9
# What follows a tensor's shape: its type and its place in the file.
_TENSOR_REST = 4 + 8
_MOST_DIMENSIONS = 8
# Where converters for ComfyUI keep the shape of a tensor that they had to reshape.
_ORIGINAL_SHAPE = "comfy.gguf.orig_shape."


class _TooLongError(HeaderError):
    """There is more to read than is allowed."""


class _Bounded:
    """Reads forward and refuses to read more than `LARGEST_HEADER` bytes."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.left = stream, LARGEST_HEADER

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise _TooLongError(f"its metadata is longer than {LARGEST_HEADER} bytes, the most that is read")
        self.left -= count
        taken = self.stream.read(count)
        if len(taken) < count:
            raise HeaderError("its metadata is cut off")
        return taken

    def number(self, layout: str) -> int:
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def text(self) -> str:
        return self.take(self.number("<Q")).decode("utf-8", "replace")


def _read_gguf(stream: BinaryIO) -> Header:
    source = _Bounded(stream)
    if source.take(4) != b"GGUF":
        raise HeaderError("expected a GGUF file to begin with the letters GGUF, but it does not")
    version = source.number("<I")
    if version not in (2, 3):
        raise HeaderError(f"expected GGUF version 2 or 3, got {version}")
    tensors, entries = source.number("<Q"), source.number("<Q")
    metadata: dict[str, str] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    original: dict[str, tuple[int, ...]] = {}
    try:
        for _ in range(entries):
            name, kind = source.text(), source.number("<I")
            value = _read_value(source, kind)
            if name.startswith("general.") and isinstance(value, str | int | float):
                metadata[name] = str(value)
            elif name.startswith(_ORIGINAL_SHAPE) and isinstance(value, tuple):
                original[name.removeprefix(_ORIGINAL_SHAPE)] = value
        for _ in range(tensors):
            name, shape = _read_tensor(source)
            shapes[name] = original.get(name, shape)
    except _TooLongError:
        # The format asks for the `general.*` entries to come first, so what identifies the file has been read.
        if "general.architecture" not in metadata:
            raise
        shapes = {}
    return Header(shapes, metadata)


def _read_tensor(source: _Bounded) -> tuple[str, tuple[int, ...]]:
    """Return a tensor's name, and its shape in the order of PyTorch, which is the reverse of GGUF's."""
    name, dimensions = source.text(), source.number("<I")
    if dimensions > _MOST_DIMENSIONS:
        raise HeaderError(f"tensor {name[:80]!r} has {dimensions} dimensions; at most {_MOST_DIMENSIONS} are allowed")
    shape = tuple(source.number("<Q") for _ in range(dimensions))
    source.take(_TENSOR_REST)
    return name, shape[::-1]


def _read_value(source: _Bounded, kind: int) -> str | float | tuple[int, ...] | None:
    """Return a value if it is text, a number or a short list of whole numbers; others are skipped."""
    if kind == _TEXT:
        return source.text()
    if kind in _NUMBERS:
        return source.number("<" + _NUMBERS[kind])
    if kind == _LIST:
        return _read_list(source)
    raise HeaderError(f"its metadata has a value of type {kind}, which is not a GGUF type")


def _read_list(source: _Bounded) -> tuple[int, ...] | None:
    kind, count = source.number("<I"), source.number("<Q")
    if kind in _NUMBERS:
        size = struct.calcsize("<" + _NUMBERS[kind])
        values = source.take(size * count)
        whole = count <= _MOST_DIMENSIONS * 2 and kind not in _FRACTIONS
        return struct.unpack(f"<{count}{_NUMBERS[kind]}", values) if whole else None
    if kind != _TEXT:
        raise HeaderError(f"its metadata has a list of type {kind}, which is not supported")
    for _ in range(count):
        source.take(source.number("<Q"))
    return None
