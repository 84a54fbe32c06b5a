import builtins
import json
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from sweetspot.presets.recognition.headers import LARGEST_HEADER, HeaderError, read_header


def safetensors(header: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header


HOSTILE = {
    "a length of 2^63": (safetensors(b"{}", 2**63), "cut off or broken"),
    "not JSON": (safetensors(b"hello there"), "not valid JSON"),
    "not UTF-8": (safetensors(b'{"\xff\xfe": 1}'), "not valid JSON"),
    "nested 10 000 deep": (safetensors(b"[" * 10_000 + b"]" * 10_000), "nested too deep"),
    "duplicate keys": (safetensors(b'{"__metadata__": {}, "a": {"shape": []}, "a": {"shape": [1]}}'), "'a' twice"),
    "cut off": (safetensors(b'{"a"', 200), "cut off"),
    "shorter than its length field": (b"\x01\x02", "8 bytes of length at the start of a safetensors file, got 2"),
    "a list": (safetensors(b"[]"), "object, got list"),
    "metadata that is text": (safetensors(b'{"__metadata__": "x"}'), "__metadata__ to be an object, got str"),
    "a shape below zero": (safetensors(b'{"w": {"shape": [-1]}}'), "no valid shape"),
    "a header of 3 MB": (safetensors(b"{" + b" " * 3 * 1024 * 1024 + b"}"), "at most 2097152"),
}


@pytest.mark.parametrize(("content", "told"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_header_is_refused_by_name(tmp_path: Path, content: bytes, told: str):
    file = tmp_path / "bad.safetensors"
    file.write_bytes(content)
    with pytest.raises(HeaderError, match=r"^bad\.safetensors: ") as refusal:
        read_header(file)
    assert told in str(refusal.value)


def test_shapes_and_metadata_are_what_the_library_wrote(tmp_path: Path):
    file = tmp_path / "model.safetensors"
    tensors = {"img_in.weight": torch.zeros(8, 64), "scale": torch.zeros(())}
    save_file(tensors, file, {"modelspec.title": "mine"})
    header = read_header(file)
    assert header.shapes == {name: tuple(value.shape) for name, value in tensors.items()}
    assert header.metadata == {"modelspec.title": "mine"}


class Counting:
    """Stands in for `Path.open` and counts what is read."""

    def __init__(self) -> None:
        self.read = 0

    def open(self, path: Path, mode: str):
        stream = builtins.open(path, mode, buffering=0)  # noqa: SIM115, PTH123 - Path.open is what is replaced
        counted = self

        class Stream:
            def __enter__(self):
                return self

            def __exit__(self, *_):
                stream.close()

            def fileno(self):
                return stream.fileno()

            def read(self, count: int) -> bytes:
                content = stream.read(count)
                counted.read += len(content)
                return content

        return Stream()


def test_of_a_24_gb_file_only_the_header_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "large.safetensors"
    entry = {"dtype": "F16", "shape": [1, 2], "data_offsets": [0, 4]}
    names = {f"blocks.{number}.weight": entry for number in range(5000)}
    header = json.dumps(names).encode()
    with file.open("wb") as stream:
        stream.write(safetensors(header))
        stream.truncate(24 * 10**9)
    counting = Counting()
    monkeypatch.setattr(Path, "open", lambda path, mode: counting.open(path, mode))  # noqa: PLW0108 - binds the path
    assert len(read_header(file).shapes) == 5000
    assert counting.read == len(header) + 8 <= LARGEST_HEADER


def gguf(*pairs: tuple[str, int, bytes], version: int = 3, tensors: dict[str, tuple[int, ...]] | None = None) -> bytes:
    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    body = b"".join(text(name) + struct.pack("<I", kind) + value for name, kind, value in pairs)
    infos = b"".join(
        text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape[::-1], 1, 0)
        for name, shape in (tensors or {}).items()
    )
    return b"GGUF" + struct.pack("<IQQ", version, len(tensors or {}), len(pairs)) + body + infos


def gguf_text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def test_gguf_tells_name_and_architecture(tmp_path: Path):
    file = tmp_path / "model.gguf"
    file.write_bytes(
        gguf(
            ("general.architecture", 8, gguf_text("flux")),
            ("general.quantization_version", 4, struct.pack("<I", 2)),
            ("general.tags", 9, struct.pack("<IQ", 8, 1) + gguf_text("art")),
            ("general.name", 8, gguf_text("Flux1 Dev")),
            ("comfy.gguf.orig_shape", 9, struct.pack("<IQ", 5, 2**60)),
        )
    )
    told = {"general.architecture": "flux", "general.name": "Flux1 Dev", "general.quantization_version": "2"}
    assert read_header(file).metadata == told


def test_gguf_tells_its_tensors_in_pytorchs_order(tmp_path: Path):
    file = tmp_path / "model.gguf"
    shapes = {"img_in.weight": (3072, 64), "norm": (128,), "conv": (4, 256)}
    original = ("comfy.gguf.orig_shape.conv", 9, struct.pack("<IQ4i", 5, 4, 4, 4, 8, 8))
    file.write_bytes(gguf(("general.architecture", 8, gguf_text("flux")), original, tensors=shapes))
    assert read_header(file).shapes == {**shapes, "conv": (4, 4, 8, 8)}


def test_gguf_with_more_tensors_than_are_read_still_tells_its_architecture(tmp_path: Path):
    file = tmp_path / "model.gguf"
    shapes = {f"{'x' * 1000}.{number}": (1,) for number in range(2100)}
    file.write_bytes(gguf(("general.architecture", 8, gguf_text("flux")), tensors=shapes))
    header = read_header(file)
    assert (header.shapes, header.metadata) == ({}, {"general.architecture": "flux"})


GGUF_HOSTILE = {
    "other letters": (b"GGML" + bytes(40), "letters GGUF"),
    "version 1": (gguf(version=1), "GGUF version 2 or 3, got 1"),
    "a list of 2^60 numbers": (gguf(("a", 9, struct.pack("<IQ", 5, 2**60))), "longer than 2097152 bytes"),
    "cut off": (gguf(("general.name", 8, gguf_text("Flux")))[:-2], "cut off"),
    "an unknown type": (gguf(("a", 77, b"")), "type 77"),
    "a tensor of 2^31 dimensions": (
        gguf(("general.architecture", 8, gguf_text("flux")), tensors={"w": ()})[:-16] + struct.pack("<I", 2**31),
        "dimensions",
    ),
    "lists of lists": (gguf(("a", 9, struct.pack("<IQ", 9, 2**40))), "list of type 9"),
}


@pytest.mark.parametrize(("content", "told"), GGUF_HOSTILE.values(), ids=GGUF_HOSTILE.keys())
def test_a_hostile_gguf_is_refused_by_name(tmp_path: Path, content: bytes, told: str):
    file = tmp_path / "bad.gguf"
    file.write_bytes(content)
    with pytest.raises(HeaderError, match=r"^bad\.gguf: ") as refusal:
        read_header(file)
    assert told in str(refusal.value)


@pytest.mark.parametrize("name", ["old.ckpt", "old.pt", "old.pth"])
def test_a_pickled_file_is_never_opened(tmp_path: Path, name: str):
    assert read_header(tmp_path / name).shapes == {}
