from pathlib import Path

import pytest
from PIL import ExifTags, Image, PngImagePlugin
from sweetspot.comparison.pictures.metadata import read_image_metadata

PARAMETERS = "a cat\nSteps: 20, Sampler: Euler, CFG scale: 7"


def test_a_pngs_text_chunks(tmp_path: Path):
    file = tmp_path / "a.png"
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("prompt", '{"3": {}}')
    chunks.add_itxt("parameters", PARAMETERS)
    Image.new("RGB", (8, 8)).save(file, pnginfo=chunks)
    found = read_image_metadata(file)
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
    assert read_image_metadata(file)["parameters"] == PARAMETERS


def test_comfyuis_graph_in_a_webp(tmp_path: Path):
    file = tmp_path / "a.webp"
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = 'prompt:{"3": {}}'
    exif[ExifTags.Base.Make] = 'workflow:{"nodes": []}'
    Image.new("RGB", (8, 8)).save(file, exif=exif)
    assert read_image_metadata(file) == {"prompt": '{"3": {}}', "workflow": '{"nodes": []}'}


def test_an_image_of_a_camera_has_none(tmp_path: Path):
    file = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "X100: a camera"
    Image.new("RGB", (8, 8)).save(file, exif=exif)
    assert "prompt" not in read_image_metadata(file)
    assert "x100" not in read_image_metadata(file)
