"""`sweetspot calibrate`: what it makes of a workflow, on diffusers, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
from sweetspot.cli import calibrate
from sweetspot.cli.main import main

REPORT = {
    "steps": 8,
    "cfg": 3.0,
    "cases": 8,
    "text": "found",
    "chosen": {"sampler": "dpmpp_2m", "scheduler": "karras", "shift": None, "scheduler_options": {"rho": 5.0}},
}


def workflow() -> dict[str, Any]:
    """A checkpoint with a LoRA, a prompt, a KSampler, a decoder and a saver."""

    def node(kind: str, **inputs: Any) -> dict[str, Any]:
        return {"class_type": kind, "inputs": inputs}

    return {
        "1": node("CheckpointLoaderSimple", ckpt_name="my_model.safetensors"),
        "2": node("CLIPTextEncode", text="a cat", clip=["1", 1]),
        "3": node("CLIPTextEncode", text="", clip=["1", 1]),
        "4": node("EmptyLatentImage", width=512, height=512, batch_size=1),
        "5": node(
            "KSampler",
            model=["1", 0],
            positive=["2", 0],
            negative=["3", 0],
            latent_image=["4", 0],
            seed=7,
            steps=25,
            cfg=6.5,
            sampler_name="euler",
            scheduler="normal",
            denoise=1.0,
        ),
        "6": node("VAEDecode", samples=["5", 0], vae=["1", 2]),
        "7": node("SaveImage", images=["6", 0], filename_prefix="x"),
    }


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What would be sent to a server; each run answers with the same report."""
    graphs: list[dict[str, Any]] = []

    def run(_server: Any, graph: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        graphs.append(graph)
        return REPORT, b"png"

    monkeypatch.setattr(calibrate, "_run", run)
    return graphs


def called(folder: Path, graph: dict[str, Any], *options: str) -> int:
    file, prompts = folder / "workflow.json", folder / "prompts.txt"
    file.write_text(json.dumps(graph), "utf-8")
    prompts.write_text("a dog\n\n  a house \n", "utf-8")
    server = ["--server", "127.0.0.1:8188", "--out", str(folder / "out")]
    return main(["calibrate", str(file), "--prompts", str(prompts), *server, *options])


def test_the_samplers_own_model_prompts_and_settings_are_calibrated(tmp_path: Path, sent: list[dict[str, Any]]):
    assert called(tmp_path, workflow(), "--steps", "12") == 0
    inputs = sent[0]["calibrate"]["inputs"]
    for name, value in {
        "model": ["1", 0],
        "negative": ["3", 0],
        "latent_image": ["4", 0],
        "vae": ["1", 2],
        "clip": ["1", 1],
        "seed": 7,
        "cfg": 6.5,
        "sampler_name": "euler",
        "scheduler": "normal",
        "steps": 12,
        "texts": "a dog\na house",
    }.items():
        assert inputs[name] == value, name
    # Nothing else runs: no saver, no sampler.
    assert set(sent[0]) == {"calibrate", "1", "3", "4"}
    assert json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))["steps"] == 8
    assert (tmp_path / "out" / "before_after_finished.png").read_bytes() == b"png"


def test_what_was_found_is_saved_for_the_models_file(tmp_path: Path, sent: list[dict[str, Any]]):
    presets = tmp_path / "presets.json"
    assert called(tmp_path, workflow(), "--save", "--presets", str(presets)) == 0
    assert sent
    saved = json.loads(presets.read_text("utf-8"))["presets"]["my_model"]["balanced"]
    assert saved["scheduler_options"] == {"rho": 5.0}
    assert (saved["steps"], saved["sampler_name"]) == (8, "dpmpp_2m")
    assert "calibrated on" in saved["source"]


def test_what_cannot_be_saved_is_refused_before_anything_runs(
    tmp_path: Path, sent: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
):
    graph = workflow()
    graph["1"] = {"class_type": "LoaderOfAnotherPack", "inputs": {}}
    assert called(tmp_path, graph, "--save", "--presets", str(tmp_path / "presets.json")) == 1
    assert "--save: expected a model that comes from one file, got none" in capsys.readouterr().err
    assert not sent


def test_of_several_samplers_one_has_to_be_chosen(
    tmp_path: Path, sent: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
):
    graph = workflow()
    graph["8"] = json.loads(json.dumps(graph["5"]))
    graph["9"] = {"class_type": "VAEDecode", "inputs": {"samples": ["8", 0], "vae": ["1", 2]}}
    assert called(tmp_path, graph) == 1
    assert "choose with --node, with model, negative" in capsys.readouterr().err
    assert called(tmp_path, graph, "--node", "8") == 0
    assert called(tmp_path, graph, "--node", "4") == 1
    assert "got 5 (KSampler), 8 (KSampler)" in capsys.readouterr().err
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda graph: graph.pop("6"), "expected a VAE Decode"),
        (lambda graph: graph["2"]["inputs"].pop("clip"), "a node with a `clip` input"),
        (lambda graph: graph["5"]["inputs"].pop("model"), "expected one; if there are several"),
        (lambda graph: graph["5"]["inputs"].pop("scheduler"), "got none"),
    ],
)
def test_a_part_that_is_missing_is_named_before_anything_runs(
    tmp_path: Path, sent: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], change: Any, message: str
):
    graph = workflow()
    change(graph)
    assert called(tmp_path, graph) == 1
    assert message in capsys.readouterr().err
    assert not sent


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--save"], "--save: expected a WORKFLOW"),
        (["WORKFLOW"], "--server: expected the address"),
        (["WORKFLOW", "--server", "127.0.0.1:8188"], "--prompts: expected a file"),
        (["--server", "ftp://x"], "--server: expected an address"),
        (["--prompts", "nowhere.txt"], "nowhere.txt"),
        (["--steps", "0"], "--steps: expected at least 1, got 0"),
        (["--seeds", "-1"], "--seeds: expected at least 1, got -1"),
    ],
)
def test_what_does_not_go_together_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
):
    file = tmp_path / "workflow.json"
    file.write_text(json.dumps(workflow()), "utf-8")
    given = [str(file) if argument == "WORKFLOW" else argument for argument in arguments]
    assert main(["calibrate", *given]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.xdist_group("diffusers")
def test_without_comfyui_the_demo_model_is_calibrated_on_diffusers(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    pytest.importorskip("diffusers")
    prompts = tmp_path / "prompts.txt"
    colours = ("red", "blue", "green", "yellow")
    prompts.write_text("\n".join(f"a large {colour} circle on black" for colour in colours), "utf-8")
    options = ["--engine", "diffusers", "--steps", "3", "--budget", "60", "--prompts", str(prompts)]
    assert main(["calibrate", *options, "--out", str(tmp_path)]) == 0
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert report["steps"] == 3
    assert report["model_calls"]["references"] == 4 * (32 + 20)
    assert (tmp_path / "before_after_finished.png").read_bytes().startswith(b"\x89PNG")
    assert "3 steps" in capsys.readouterr().out
