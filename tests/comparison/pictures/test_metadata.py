"""An image's metadata, read from any file without reading more than it needs."""

import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin
from sweetspot.comparison.pictures.metadata import LARGEST_METADATA, MOST_PIXELS, read_image_metadata, write_png

PARAMETERS = "a cat\nSteps: 20, Sampler: Euler, CFG scale: 7"


def metadata_of(file: Path) -> dict[str, str]:
    with file.open("rb") as stream:
        return read_image_metadata(stream)


def test_a_pngs_text_chunks(tmp_path: Path):
    file = tmp_path / "a.png"
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("prompt", '{"3": {}}')
    chunks.add_itxt("parameters", PARAMETERS)
    Image.new("RGB", (8, 8)).save(file, pnginfo=chunks)
    found = metadata_of(file)
    assert (found["prompt"], found["parameters"]) == ('{"3": {}}', PARAMETERS)


@pytest.mark.parametrize("ending", ["jpg", "webp"])
@pytest.mark.parametrize(
    "comment", [b"UNICODE\0" + PARAMETERS.encode("utf-16-be"), b"ASCII\0\0\0" + PARAMETERS.encode()]
)
def test_a1111s_comment_in_exif(tmp_path: Path, ending: str, comment: bytes):
    file = tmp_path / f"a.{ending}"
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    Image.new("RGB", (8, 8)).save(file, exif=exif)
    assert metadata_of(file)["parameters"] == PARAMETERS


def test_comfyuis_graph_in_a_webp(tmp_path: Path):
    file = tmp_path / "a.webp"
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = 'prompt:{"3": {}}'
    exif[ExifTags.Base.Make] = 'workflow:{"nodes": []}'
    Image.new("RGB", (8, 8)).save(file, exif=exif)
    assert metadata_of(file) == {"prompt": '{"3": {}}', "workflow": '{"nodes": []}'}


def test_an_image_of_a_camera_has_none(tmp_path: Path):
    file = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "X100: a camera"
    Image.new("RGB", (8, 8)).save(file, exif=exif)
    assert "prompt" not in metadata_of(file)
    assert "x100" not in metadata_of(file)


def save_png(file: Path, image: Image.Image, text: str, *, behind: bool) -> None:
    """Save an image with a text before its pixels, or behind them, where Pillow itself never writes one."""
    image.save(file, compress_level=1)
    body = b"tEXt" + b"prompt\0" + text.encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    content = file.read_bytes()
    place = content.index(b"IEND" if behind else b"IDAT") - 4
    file.write_bytes(content[:place] + chunk + content[place:])


def test_text_behind_the_pixels_of_a_png(tmp_path: Path):
    file = tmp_path / "a.png"
    save_png(file, Image.new("RGB", (8, 8)), '{"3": {}}', behind=True)
    assert metadata_of(file)["prompt"] == '{"3": {}}'


@pytest.mark.parametrize("behind", [False, True])
def test_a_large_image_is_not_decoded(tmp_path: Path, behind: bool):
    file = tmp_path / "a.png"
    side = int(MOST_PIXELS**0.5) + 1
    save_png(file, Image.new("L", (side, side)), '{"3": {}}', behind=behind)
    tracemalloc.start()
    found = metadata_of(file)
    (_, peak), _ = tracemalloc.get_traced_memory(), tracemalloc.stop()
    assert found == ({} if behind else {"prompt": '{"3": {}}'})
    assert peak < MOST_PIXELS / 4


def test_more_metadata_than_is_read_is_refused(tmp_path: Path):
    file = tmp_path / "a.webp"
    Image.new("RGB", (8, 8)).save(file)
    with file.open("ab") as stream:
        stream.truncate(LARGEST_METADATA + 100)
    with pytest.raises(OSError, match="at most"):
        metadata_of(file)


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n\0\0\0\0IHDR"])
def test_what_is_no_image_is_an_error_of_the_file(tmp_path: Path, content: bytes):
    file = tmp_path / "a.png"
    file.write_bytes(content)
    with pytest.raises(OSError):  # noqa: PT011 - Pillow's own words
        metadata_of(file)


def test_an_image_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "a.png"
    write_png(file, np.zeros((8, 8, 3), np.uint8), {"prompt": "old"})

    def half(_image, target, *_, **__):
        Path(target).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", half)
    with pytest.raises(OSError, match="disk full"):
        write_png(file, np.ones((8, 8, 3), np.uint8), {"prompt": "new"})
    assert metadata_of(file)["prompt"] == "old"
    assert list(tmp_path.iterdir()) == [file]
