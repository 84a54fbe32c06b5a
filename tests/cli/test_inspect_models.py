"""`sweetspot inspect`, `save` and `prefer` as a user calls them."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image, PngImagePlugin
from safetensors.torch import save_file
from sweetspot.cli.comfyui import find_comfyui
from sweetspot.cli.main import main

KEYS = {
    "input", "variant", "family", "confidence", "steps", "cfg", "guidance", "sampler", "scheduler", "shift", "signals",
    "resolution", "clip_skip", "split_step", "sources", "warnings",
}  # fmt: skip


@pytest.fixture(autouse=True)
def nobodys_presets(monkeypatch: pytest.MonkeyPatch):
    """Keep the tests away from the presets and the ComfyUI of whoever runs them."""
    monkeypatch.setattr("sweetspot.cli.user_presets.find_comfyui", lambda: None)
    monkeypatch.setattr("sweetspot.cli.user_presets.installed_folders", list)


@pytest.fixture
def flux(tmp_path: Path) -> Path:
    file = tmp_path / "models" / "mystery.safetensors"
    file.parent.mkdir()
    names = {"img_in.weight": (3072, 64), "txt_in.weight": (3072, 4096), "vector_in.in_layer.weight": (3072, 768)}
    names |= {"guidance_in.in_layer.weight": (3072, 256), "double_blocks.0.img_attn.norm.key_norm.scale": (128,)}
    header = {n: {"dtype": "F8_E4M3", "shape": list(s), "data_offsets": [0, 0]} for n, s in names.items()}
    text = json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text)
    return file


def inspect(capsys: pytest.CaptureFixture, *arguments: str) -> list[dict]:
    assert main(["inspect", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_json_is_a_list_in_the_order_of_the_inputs(capsys, flux: Path):
    found = inspect(capsys, str(flux), "--name", "z_image_turbo_bf16.safetensors", "--name", "nobody_knows.safetensors")
    assert [set(record) for record in found] == [KEYS] * 3
    assert [record["variant"] for record in found] == ["flux_dev", "z_image_turbo", "unknown"]
    assert [record["confidence"] for record in found] == ["family only", "likely", "unknown"]
    assert found[0]["steps"] == {"draft": 8, "balanced": 20, "best": 50, "min": 20, "max": 50}
    assert found[1]["steps"] == {"draft": 8, "balanced": 8, "best": 8, "min": 4, "max": 9}
    assert found[1]["shift"] == {"value": 3.0, "unit": "linear"}
    assert found[0]["signals"] == ["model class Flux"]
    assert any(source.startswith("steps: official template: ") for source in found[0]["sources"])


def test_loras_are_laid_over_each_input(capsys):
    (found,) = inspect(capsys, "--name", "flux1-dev.safetensors", "--lora", "Hyper-FLUX.1-dev-8steps-lora.safetensors")
    assert (found["variant"], found["steps"]["balanced"]) == ("flux_hyper_8", 8)


def test_one_input_is_told_in_full(capsys, flux: Path):
    assert main(["inspect", str(flux)]) == 0
    text = capsys.readouterr().out
    assert "FLUX.1 dev" in text.splitlines()[1]
    assert "FLUX.1 Krea dev, FLUX.1 Kontext dev" in text


def test_a_folder_is_walked_and_told_as_a_table(capsys, flux: Path):
    save_file(
        {"transformer.single_blocks.0.attn.to_q.lora_A.weight": torch.zeros(4, 8)},
        flux.with_name("my_lora.safetensors"),
    )
    flux.with_name("old.ckpt").write_bytes(b"never read")
    flux.with_name("notes.txt").write_text("not a model", "utf-8")
    assert main(["inspect", str(flux.parent)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        "input",
        "variant",
        "confidence",
        "draft",
        "balanced",
        "best",
        "cfg",
        "sampler",
        "scheduler",
    ]
    assert [line.split()[0] for line in lines[1:]] == ["my_lora.safetensors", "mystery.safetensors", "old.ckpt"]


def test_a_broken_file_is_named_and_does_not_stop_the_others(capsys, flux: Path):
    bad = flux.with_name("flux1-schnell.safetensors")
    bad.write_bytes(struct.pack("<Q", 2**63) + b"{}")
    assert main(["inspect", str(flux.parent), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [record["variant"] for record in found] == ["flux_schnell", "flux_dev"]
    assert "flux1-schnell.safetensors: its header should have 9223372036854775808 bytes" in found[0]["warnings"][-1]


def test_a_path_that_does_not_exist_is_refused_before_anything_is_read(capsys, tmp_path: Path):
    assert main(["inspect", str(tmp_path / "no.safetensors")]) == 1
    assert "PATH: expected files or folders that exist" in capsys.readouterr().err


def test_nothing_to_inspect_is_refused(capsys):
    assert main(["inspect"]) == 1
    assert "expected a PATH, a --name or a --lora, got none" in capsys.readouterr().err


def test_a_saved_preset_is_preferred_from_then_on(capsys, tmp_path: Path):
    presets = str(tmp_path / "mine.json")
    assert main(["save", "--presets", presets, "--name", "flux1-dev.safetensors", "--steps", "17"]) == 0
    capsys.readouterr()
    (found,) = inspect(capsys, "--presets", presets, "--name", "flux1-dev.safetensors")
    assert (found["steps"]["balanced"], found["steps"]["best"], found["confidence"]) == (17, 50, "certain")


def test_the_publisher_can_be_preferred_once_for_good(capsys, tmp_path: Path):
    presets = str(tmp_path / "mine.json")
    assert main(["prefer", "publisher", "--presets", presets]) == 0
    capsys.readouterr()
    (found,) = inspect(capsys, "--presets", presets, "--name", "flux1-dev.safetensors")
    assert found["steps"]["balanced"] == 50


def test_settings_come_from_an_image_with_the_models_name(tmp_path: Path):
    image, presets = tmp_path / "a.png", tmp_path / "mine.json"
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("parameters", "a cat\nSteps: 22, Sampler: Euler a, CFG scale: 6, Model: myMix_v3")
    Image.new("RGB", (8, 8)).save(image, pnginfo=chunks)
    assert main(["save", "--presets", str(presets), "--from", str(image)]) == 0
    saved = json.loads(presets.read_text("utf-8"))["presets"]["mymix_v3"]["balanced"]
    assert (saved["steps"], saved["cfg"], saved["sampler_name"]) == (22, 6.0, "euler_ancestral")


def test_a_conditional_anchors_guidance_is_converted(tmp_path: Path):
    record, presets = tmp_path / "r.json", tmp_path / "mine.json"
    record.write_text('{"num_inference_steps": 50, "guidance_scale": 4}', "utf-8")
    assert main(["save", "--presets", str(presets), "--name", "z_image_bf16.safetensors", "--from", str(record)]) == 0
    assert json.loads(presets.read_text("utf-8"))["presets"]["z_image_bf16"]["balanced"]["cfg"] == 5


def test_without_a_comfyui_the_place_of_the_presets_is_asked_for(capsys):
    assert main(["save", "--name", "a.safetensors", "--steps", "4"]) == 1
    assert "--presets FILE" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["notes.txt", "no_ending", "picture.bmp"])
def test_what_is_no_model_file_is_refused(capsys, tmp_path: Path, flux: Path, name: str):
    (tmp_path / name).write_text("{}", "utf-8")
    assert main(["inspect", str(flux), str(tmp_path / name)]) == 1
    out, error = capsys.readouterr()
    assert out == ""
    assert all(fact in error for fact in ("PATH", ".safetensors", name))


def test_a_name_is_answered_without_another_process(capsys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Starting comfy-cli or Python takes most of a second."""
    monkeypatch.setattr("sweetspot.cli.user_presets.find_comfyui", find_comfyui)
    monkeypatch.setattr(subprocess, "Popen", None)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert main(["inspect", "--name", "flux1-dev.safetensors", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["variant"] == "flux_dev"


def test_a_reader_that_has_seen_enough_is_no_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as output:
        monkeypatch.setattr(sys, "stdout", output)
        assert main(["inspect", "--name", "flux1-dev.safetensors"]) == 0
    assert capsys.readouterr().err == ""
