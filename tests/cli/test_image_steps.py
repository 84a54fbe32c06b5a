"""`sweetspot steps`: which settings made an image."""

import json
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sweetspot.cli.main import main

PROMPT = {
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd_xl_base_1.0.safetensors"}},
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "model": ["4", 0],
            "latent_image": ["5", 0],
            "steps": 23,
            "cfg": 6.5,
            "sampler_name": "dpmpp_2m",
            "scheduler": "karras",
            "denoise": 1.0,
            "seed": 1,
        },
    },
}
A1111 = "a cat\nSteps: 31, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 5, Size: 64x64, Model: dreamshaper_8"
OURS = {"steps": 12, "seed": 3, "sampler": "euler", "scheduler": "simple", "cfg": 2.0, "similarity": 0.98}


def image(file: Path, **entries: str) -> str:
    info = PngInfo()
    for name, text in entries.items():
        info.add_text(name, text)
    Image.new("RGB", (8, 8)).save(file, pnginfo=info)
    return str(file)


def test_images_of_comfyui_a1111_and_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    files = [
        image(tmp_path / "a.png", prompt=json.dumps(PROMPT)),
        image(tmp_path / "b.png", parameters=A1111),
        image(tmp_path / "c.png", prompt=json.dumps(PROMPT), sweetspot=json.dumps(OURS)),
    ]
    assert main(["steps", *files, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["version"] == 1
    assert [record["steps"] for record in told["images"]] == [23, 31, 12]
    assert told["images"][0]["model"] == "sd_xl_base_1.0.safetensors"
    assert [record["sampler_name"] for record in told["images"]] == ["dpmpp_2m", "dpmpp_2m", "euler"]
    assert main(["steps", *files]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("23 steps, sampler dpmpp_2m, scheduler karras, cfg 6.5, sd_xl_base_1.0.safetensors")


def test_images_that_say_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    known = image(tmp_path / "a.png", parameters=A1111)
    silent = image(tmp_path / "b.png")
    (tmp_path / "c.png").write_text("no image", "utf-8")
    odd = image(tmp_path / "d.png", sweetspot="[]")
    assert main(["steps", known, silent, str(tmp_path / "c.png"), odd, str(tmp_path / "none.png")]) == 4
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 5
    assert "expected a text entry named prompt or parameters, got none" in said.out
    assert "Traceback" not in said.err
    assert main(["steps", silent]) == 1
