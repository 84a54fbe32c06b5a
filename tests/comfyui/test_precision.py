"""Half precision, weights of 8 bits, weights in main memory, compiled models: we compute what stock nodes compute."""

import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sweetspot.cli.comfyui import running
from sweetspot.cli.demo import get_image

SUPPORT = Path(__file__).parent / "support"


def preview(source: str) -> dict[str, Any]:
    return {"class_type": "PreviewImage", "inputs": {"images": [source, 0]}}


def with_outputs(graph: Any, nodes: dict[str, Any], model: str = "model") -> dict[str, Any]:
    """Return a prompt with the same sampling by a stock KSampler, our sampler and a comparison, and a shared one."""
    settings = {"steps": 4, "model": [model, 0]}
    return nodes | {
        "stock": graph.sampler("KSampler", **settings),
        "ours": graph.sampler("SweetSpotSampler", **settings),
        "save stock": graph.save_latent("stock"),
        "save ours": graph.save_latent("ours"),
        "decoded": {"class_type": "VAEDecode", "inputs": {"samples": ["stock", 0], "vae": ["model", 2]}},
        "stock picture": preview("decoded"),
        "compare": graph.compare(steps="2, 4", model=[model, 0], together="off"),
        "pictures": preview("compare"),
        "shared": graph.compare(steps="2, 4", seed=12, model=[model, 0], together="on"),
    }


def check_against_stock(client: Any, prompt: dict[str, Any], note: str = "batched into shared model calls") -> None:
    outputs = client.run(prompt)
    latents = [client.latent(outputs, f"save {name}") for name in ("stock", "ours")]

    def shown(node: str) -> list[np.ndarray]:
        return [np.array(Image.open(io.BytesIO(get_image(client.server, image)))) for image in outputs[node]["images"]]

    pictures, (stock,) = shown("pictures"), shown("stock picture")
    assert torch.isfinite(latents[0]).all()
    assert torch.equal(*latents)
    assert len(pictures) == 2
    assert np.array_equal(pictures[1], stock)
    report = json.loads(outputs["shared"]["report"][0])
    assert [run["model_calls"] for run in report["runs"]] == [2, 4]
    # The check of sharing passes in every precision.
    assert note in "\n".join(report["notes"])


@pytest.mark.parametrize("flag", ["--bf16-unet", "--fp16-unet", "--fp8_e4m3fn-unet", "--bf16-vae"])
def test_precisions(installation, graph, tmp_path: Path, flag: str):
    with running(installation, tmp_path, flag) as server:
        check_against_stock(graph.Client(server), with_outputs(graph, graph.demo(size=64)))


@pytest.mark.parametrize(("mode", "note"), [("LOW_VRAM", "not enough memory"), ("NO_VRAM", "batched into shared")])
def test_weights_in_main_memory(monkeypatch, installation, graph, tmp_path: Path, mode: str, note: str):
    """ComfyUI then casts each layer where it runs, and lays a LoRA on its weights only there.

    In the tests' LOW_VRAM, ComfyUI finds too little memory for a larger batch. There is no LoRA there: which layers are
    in main memory differs from run to run, and so does where the LoRA is laid on, which rounds differently.
    """
    monkeypatch.setenv("TESTS_VRAM", mode)
    shutil.copytree(SUPPORT, tmp_path / "custom_nodes" / SUPPORT.name)
    graph.save_lora(tmp_path / "models" / "loras" / "offloaded.safetensors")
    inputs = {"model": ["model", 0], "lora_name": "offloaded.safetensors", "strength_model": 0.5}
    lora = {"lora": {"class_type": "LoraLoaderModelOnly", "inputs": inputs}} if mode == "NO_VRAM" else {}
    model = "lora" if lora else "model"
    with running(installation, tmp_path, "--async-offload") as server:
        client = graph.Client(server)
        check_against_stock(client, with_outputs(graph, graph.demo(size=64) | lora, model), note)
        # A model that was loaded meanwhile is still known.
        again = graph.compare(steps="2, 3, 4", model=[model, 0], together="off")
        report = json.loads(client.run(graph.demo(size=64) | lora | {"again": again})["again"]["report"][0])
        log = server.log.read_text("utf-8", errors="replace")
    assert [run["reused"] for run in report["runs"]] == [True, False, True]
    loaded = [float(size) for size in re.findall(r"loaded partially.*?, ([0-9.]+) MB loaded", log)]
    assert loaded
    assert (max(loaded) > 0) == (mode == "LOW_VRAM")


def test_a_compiled_model(comfyui, graph):
    """Calls aren't shared, because each batch size would compile the model again."""
    compiled = {"class_type": "TestsCompiledModel", "inputs": {"model": ["model", 0]}}
    check_against_stock(
        comfyui, with_outputs(graph, graph.demo(size=64) | {"compiled": compiled}, "compiled"), "is compiled"
    )
