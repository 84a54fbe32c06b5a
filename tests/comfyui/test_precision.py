"""Models in half precision and with weights of 8 bits: the pack computes what the stock nodes compute."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sweetspot.cli.comfyui import running
from sweetspot.cli.demo import get_image


def preview(source: str) -> dict[str, Any]:
    return {"class_type": "PreviewImage", "inputs": {"images": [source, 0]}}


@pytest.mark.parametrize("flag", ["--bf16-unet", "--fp16-unet", "--fp8_e4m3fn-unet", "--bf16-vae"])
def test_samples_and_pictures_are_the_stock_ones(installation, graph, tmp_path: Path, flag: str):
    settings = {"steps": 4, "seed": 11}
    prompt = graph.demo(size=64) | {
        "stock": graph.sampler("KSampler", **settings),
        "ours": graph.sampler("SweetSpotSampler", **settings),
        "save stock": graph.save_latent("stock"),
        "save ours": graph.save_latent("ours"),
        "decoded": {"class_type": "VAEDecode", "inputs": {"samples": ["stock", 0], "vae": ["model", 2]}},
        "stock picture": preview("decoded"),
        "compare": graph.compare(steps="2, 4", seed=11, together="off"),
        "pictures": preview("compare"),
        "shared": graph.compare(steps="2, 4", seed=12, together="on"),
    }
    with running(installation, tmp_path, flag) as server:
        client = graph.Client(server)
        outputs = client.run(prompt)
        latents = [client.latent(outputs, f"save {name}") for name in ("stock", "ours")]

        def shown(node: str) -> list[np.ndarray]:
            return [np.array(Image.open(io.BytesIO(get_image(server, image)))) for image in outputs[node]["images"]]

        pictures, (stock,) = shown("pictures"), shown("stock picture")
    assert torch.isfinite(latents[0]).all()
    assert torch.equal(*latents)
    assert len(pictures) == 2
    assert np.array_equal(pictures[1], stock)
    report = json.loads(outputs["shared"]["report"][0])
    assert [run["model_calls"] for run in report["runs"]] == [2, 4]
    # The check of sharing passes in every precision.
    assert any("batched into shared model calls" in note for note in report["notes"])
