"""Random edits of a workflow that is compared: what is kept is never the image of another workflow."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .conftest import Client, Prompt, demo_graph, sampler_node, save_lora
from .test_compare_workflow import decode, hashes, node, wire

EDITS = 300
COUNTS = (1, 2, 3, 4)
CHOICES: dict[str, list[Any]] = {
    "prompt": ["a red circle on green", "a blue square on white", "a yellow cross on cyan"],
    "seed": [1, 2, 3],
    "lora": [None, 0.5, 1.0],
    "sampler": ["euler", "heun"],
    "file": [0, 1, 2],
    "own": [2, 3],
}


def write_input(base: Path, number: int) -> None:
    """Overwrite the input image by another one of the same name."""
    pixels = np.random.default_rng(number).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(base / "input" / "edited.png")


def graph_of(state: dict[str, Any], steps: int) -> Prompt:
    graph = demo_graph(state["prompt"])
    del graph["latent"]
    model = "model"
    if state["lora"] is not None:
        model = "lora"
        graph["lora"] = node(
            "LoraLoaderModelOnly", model=["model", 0], lora_name="edits.safetensors", strength_model=state["lora"]
        )
    return graph | {
        "file": node("LoadImage", image="edited.png"),
        "start": node("VAEEncode", pixels=["file", 0], vae=["model", 2]),
        "sampler": sampler_node(
            "KSampler",
            model=[model, 0],
            seed=state["seed"],
            steps=steps,
            sampler_name=state["sampler"],
            latent_image=["start", 0],
            denoise=0.8,
        ),
        "images": decode("sampler"),
    }


def test_300_random_edits_give_no_wrong_image(comfyui: Client):
    base, chance = comfyui.server.base, random.Random(16)
    save_lora(base / "models" / "loras" / "edits.safetensors")
    (base / "input").mkdir(exist_ok=True)
    state = {name: values[0] for name, values in CHOICES.items()}
    write_input(base, state["file"])
    truth: dict[str, str] = {}
    wrong = []
    for number in range(EDITS):
        for name in chance.sample(list(CHOICES), chance.choice([0, 1, 1, 2])):
            state[name] = chance.choice(CHOICES[name])
        write_input(base, state["file"])
        counts = sorted(chance.sample(COUNTS, chance.randint(1, 3)))
        compared = graph_of(state, state["own"]) | {"compare": wire("images", ", ".join(map(str, counts)))}
        found = hashes(comfyui, compared, "compare")
        for count, came in zip(counts, found, strict=True):
            key = json.dumps([{name: value for name, value in state.items() if name != "own"}, count])
            if key not in truth:
                (truth[key],) = hashes(comfyui, graph_of(state, count), "images")
            if came != truth[key]:
                wrong.append((number, key))
    assert wrong == []
    assert len(set(truth.values())) > 100
