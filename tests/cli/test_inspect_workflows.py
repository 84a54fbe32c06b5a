"""`sweetspot inspect` on workflows, as a user calls it."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image, PngImagePlugin
from safetensors.torch import save_file
from sweetspot.cli.main import main


@pytest.fixture(autouse=True)
def nobodys_presets(monkeypatch: pytest.MonkeyPatch):
    """Keep the tests away from the presets and the ComfyUI of whoever runs them."""
    monkeypatch.setattr("sweetspot.cli.user_presets.find_comfyui", lambda: None)
    monkeypatch.setattr("sweetspot.cli.user_presets.installed_folders", list)


def graph(model: str = "z_image_turbo_bf16.safetensors", steps: int = 8, cfg: float = 1.0) -> dict:
    settings = {"seed": 0, "steps": steps, "cfg": cfg, "sampler_name": "euler", "scheduler": "simple", "denoise": 1.0}
    return {
        "1": {"class_type": "UNETLoader", "inputs": {"unet_name": model, "weight_dtype": "default"}},
        "2": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "3": {"class_type": "KSampler", "inputs": {**settings, "model": ["1", 0], "latent_image": ["2", 0]}},
    }


def inspect(capsys: pytest.CaptureFixture, *arguments: str) -> list[dict]:
    assert main(["inspect", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("steps", "cfg", "verdict"), [(8, 1.0, "fine"), (40, 1.0, "too many"), (8, 7.0, "few-step model at full cfg")]
)
def test_each_sampler_gets_a_record_with_a_verdict(capsys, tmp_path: Path, steps: int, cfg: float, verdict: str):
    file = tmp_path / "flow.json"
    file.write_text(json.dumps(graph(steps=steps, cfg=cfg)), "utf-8")
    (found,) = inspect(capsys, str(file))
    assert (found["node"], found["class"], found["steps"], found["cfg"]) == ("3", "KSampler", steps, cfg)
    assert (found["variant"], found["recommended"]["steps"]["balanced"]) == ("z_image_turbo", 8)
    assert found["verdict"] == verdict


def test_a_folder_holds_models_and_workflows_and_whatever_else(capsys, tmp_path: Path):
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("prompt", json.dumps(graph("flux1-dev.safetensors", 20)))
    Image.new("RGB", (8, 8)).save(tmp_path / "b.png", pnginfo=chunks)
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.png")
    (tmp_path / "a.json").write_text(json.dumps(graph()), "utf-8")
    (tmp_path / "notes.json").write_text('{"a": 1}', "utf-8")
    (tmp_path / "old.ckpt").write_bytes(b"never read")
    found = inspect(capsys, str(tmp_path))
    assert [Path(record["input"]).name for record in found] == ["a.json", "b.png", "old.ckpt"]
    assert [record.get("variant") for record in found] == ["z_image_turbo", "flux_dev", "unknown"]


def test_a_model_that_is_installed_is_known_by_its_file(capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    models = tmp_path / "ComfyUI" / "models" / "diffusion_models" / "mine"
    models.mkdir(parents=True)
    save_file({"x": torch.zeros(1)}, models / "nobody_knows.safetensors")
    (models / "nobody_knows.civitai.info").write_text('{"baseModel": "Flux.1 D", "description": "30 steps"}', "utf-8")
    monkeypatch.setattr("sweetspot.cli.user_presets.find_comfyui", lambda: tmp_path / "ComfyUI")
    (tmp_path / "flow.json").write_text(json.dumps(graph("mine\\nobody_knows.safetensors", 30)), "utf-8")
    (found,) = inspect(capsys, str(tmp_path / "flow.json"), "--presets", str(tmp_path / "none.json"))
    assert (found["variant"], found["recommended"]["steps"]["balanced"]) == ("flux_dev", 30)


def test_a_table_names_each_sampler(capsys, tmp_path: Path):
    file = tmp_path / "flow.json"
    file.write_text(json.dumps(graph(steps=40)), "utf-8")
    assert main(["inspect", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "KSampler #3" in lines[1]
    assert lines[1].endswith("too many")
    assert lines[3] == "KSampler #3: 40 steps; the highest recommended count is 9."


def test_a_sampler_behind_our_preset_is_fine(capsys, tmp_path: Path):
    flow = graph()
    flow["4"] = {"class_type": "SweetSpotPreset", "inputs": {"model": ["1", 0]}}
    flow["3"]["inputs"] |= {"model": ["4", 0], "steps": ["4", 2]}
    (tmp_path / "flow.json").write_text(json.dumps(flow), "utf-8")
    (found,) = inspect(capsys, str(tmp_path / "flow.json"))
    assert (found["steps"], found["verdict"]) == (None, "fine")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("notes.json", '{"a": 1}', "notes.json: expected a workflow"),
        ("empty.json", '{"nodes": [{"id": 1}], "links": []}', "empty.json: expected a workflow with a sampler"),
        ("picture.png", "no image", "picture.png: expected an image"),
    ],
)
def test_a_named_file_without_a_workflow_is_told_and_does_not_stop_the_others(
    capsys, tmp_path: Path, name: str, content: str, told: str
):
    (tmp_path / name).write_text(content, "utf-8")
    (tmp_path / "flow.json").write_text(json.dumps(graph()), "utf-8")
    assert main(["inspect", str(tmp_path / name), str(tmp_path / "flow.json")]) == 1
    out = capsys.readouterr().out
    assert told in out
    assert "KSampler #3" in out
    assert main(["inspect", str(tmp_path / name), "--json"]) == 1
    assert told in json.loads(capsys.readouterr().out)[0]["error"]


def test_a_lora_is_applied_to_every_model(capsys, tmp_path: Path):
    (tmp_path / "flow.json").write_text(json.dumps(graph("flux1-dev.safetensors", 20)), "utf-8")
    lora = "Hyper-FLUX.1-dev-8steps-lora.safetensors"
    (found,) = inspect(capsys, str(tmp_path / "flow.json"), "--lora", lora)
    assert (found["variant"], found["verdict"]) == ("flux_hyper_8", "too many")


def test_the_class_of_a_bare_name_can_be_given(capsys):
    (found,) = inspect(capsys, "--class", "SDXL", "--name", "someMix_v3.safetensors")
    assert (found["variant"], found["confidence"]) == ("sdxl", "family only")
    assert main(["inspect", "--class", "SDLX", "--name", "a.safetensors"]) == 1
    assert (
        "--class: expected a class of comfy.supported_models with known settings, e.g. SDXL" in capsys.readouterr().err
    )
