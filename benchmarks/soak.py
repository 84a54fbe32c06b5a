"""Runs hundreds of random prompts against stock nodes, and watches the server's memory and how fast it answers.

`.venv/bin/python benchmarks/soak.py --prompts 500`

Each prompt changes one thing of the one before and asks Multi-Step Compare and stock KSamplers for the same images. The
comparison may reuse what it kept; an image that isn't the stock one, pixel for pixel, is wrong. A stock prompt that
never changes is run every 25 prompts: another image means that something was left on the model.
"""

import argparse
import io
import json
import random
import statistics
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image
from safetensors.numpy import load_file, save_file

Prompt = dict[str, Any]
SETTINGS = {
    "seed": [1, 2, 2**40],
    "cfg": [1.0, 2.0, 3.5],
    "sampler_name": ["euler", "heun", "dpmpp_2m", "res_multistep", "euler_ancestral", "deis"],
    "scheduler": ["simple", "karras", "normal"],
    "denoise": [1.0, 0.6],
    "words": ["a red circle on blue", "a green square left of a yellow triangle"],
    "mask": [None, 0, 300, 700],
    "lora": [0.0, 0.5, 0.8],
    "shift": [None, 2.0],
    "size": [32, 48],
    "steps": [(1, 3), (2, 4), (3, 5), (2, 3)],
}
EVERY = 25


def main() -> None:
    """Run the prompts, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=500, help="at least 25")
    parser.add_argument("--seed", type=int, default=14)
    arguments = parser.parse_args()
    from sweetspot.cli.comfyui import find_comfyui, prepare, running

    folder = find_comfyui()
    if folder is None:
        raise SystemExit("no ComfyUI found: set COMFYUI_PATH")
    with tempfile.TemporaryDirectory() as base, running(prepare(folder), Path(base)) as server:
        save_lora(Path(base) / "models" / "loras" / "soak.safetensors")
        figures = soak(server, arguments.prompts, random.Random(arguments.seed)) | latencies(server)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


def soak(server: Any, prompts: int, chance: random.Random) -> dict[str, Any]:
    """Return how many images were wrong, reused, or changed by what was left on the model, and how memory grew."""
    chosen = {name: values[0] for name, values in SETTINGS.items()}
    process = next(child for child in psutil.Process().children(recursive=True) if "python" in child.name())
    fixed = stock(chosen)
    first = shown(server, run(server, fixed), "theirs")
    wrong, reused, leaked, memory = 0, 0, 0, list[int]()
    for number in range(prompts):
        name = chance.choice(list(SETTINGS))
        chosen[name] = chance.choice(SETTINGS[name])
        outputs = run(server, compared(chosen))
        left, right = (shown(server, outputs, node) for node in ("ours", "theirs"))
        wrong += count_different(left, right)
        reused += sum(each["reused"] for each in json.loads(outputs["compare"]["report"][0])["runs"])
        if number % EVERY == EVERY - 1:
            leaked += count_different(first, shown(server, run(server, fixed), "theirs"))
            memory.append(process.memory_info().rss)
    # The first hundred prompts load what is needed.
    start = memory[min(4, len(memory) - 1)]
    return {
        "prompts": prompts,
        "images": prompts * 2,
        "wrong": wrong,
        "reused": reused,
        "left on the model": leaked,
        "memory growth": round(max(memory[-4:]) / start - 1, 4),
    }


def latencies(server: Any) -> dict[str, Any]:
    """Return how long `/system_stats` takes under the route's worst questions, divided by how long it takes idle."""
    idle = statistics.median(answer_times(server))
    with asking(server, largest_question(), threads=8) as answered:
        busy = answer_times(server)
    return {
        "system_stats, busy over idle, median": round(statistics.median(busy) / idle, 2),
        "system_stats, busy over idle, 95 %": round(sorted(busy)[int(len(busy) * 0.95)] / idle, 2),
        "questions meanwhile": dict(answered),
    }


def answer_times(server: Any, count: int = 200) -> list[float]:
    """Return the seconds that requests take, one after another."""
    times = []
    for _ in range(count):
        start = time.perf_counter()
        urllib.request.urlopen(f"{server.url}/system_stats", timeout=30).read()
        times.append(time.perf_counter() - start)
        time.sleep(0.01)
    return times


@contextmanager
def asking(server: Any, body: bytes, threads: int) -> Iterator[dict[int, int]]:
    """Ask the route all the time, from several threads; the answers are counted by status."""
    answered: dict[int, int] = {}
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            request = urllib.request.Request(
                f"{server.url}/sweetspot/recognise", body, {"Content-Type": "application/json"}
            )
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    status = answer.status
            except urllib.error.HTTPError as error:
                with error:
                    status = error.code
            answered[status] = answered.get(status, 0) + 1

    asked = [threading.Thread(target=ask) for _ in range(threads)]
    for thread in asked:
        thread.start()
    yield answered
    over.set()
    for thread in asked:
        thread.join()


def largest_question() -> bytes:
    """Return a question of nearly 512 KB: stacks of LoRAs in a row, which takes the longest of all that we know."""
    graph: Prompt = {"end": {"class_type": "SweetSpotPreset", "inputs": {"model": ["0", 0]}}}
    for stack in range(190):
        names = {f"lora_name_{number}": f"l{stack}_{number}.safetensors" for number in range(60)}
        graph[str(stack)] = {"class_type": "LoRA Stack", "inputs": names | {"model": [str(stack + 1), 0]}}
    return json.dumps({"graph": graph, "node": "end"}).encode()


def shared(chosen: dict[str, Any]) -> tuple[Prompt, dict[str, Any]]:
    """Return the nodes before the samplers, and the inputs that all samplers share."""
    size = chosen["size"]
    nodes: Prompt = {
        "demo": {"class_type": "SweetSpotDemoModel", "inputs": {}},
        "words": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["demo", 1], "text": chosen["words"]}},
        "empty": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["demo", 1], "text": ""}},
        "latent": {"class_type": "EmptySD3LatentImage", "inputs": {"width": size, "height": size, "batch_size": 1}},
    }
    model, latent = "demo", "latent"
    if chosen["lora"]:
        inputs = {"model": [model, 0], "lora_name": "soak.safetensors", "strength_model": chosen["lora"]}
        nodes["lora"], model = {"class_type": "LoraLoaderModelOnly", "inputs": inputs}, "lora"
    if chosen["shift"]:
        inputs = {"model": [model, 0], "shift": chosen["shift"]}
        nodes["shift"], model = {"class_type": "ModelSamplingSD3", "inputs": inputs}, "shift"
    if chosen["mask"] is not None:
        nodes |= masked(chosen["mask"])
        latent = "masked"
    names = ("seed", "cfg", "sampler_name", "scheduler", "denoise")
    links = {"model": [model, 0], "positive": ["words", 0], "negative": ["empty", 0], "latent_image": [latent, 0]}
    return nodes, {name: chosen[name] for name in names} | links


def masked(y: int) -> Prompt:
    """Return a noise mask of 1024 by 1024 with a hole at this height."""
    solid = {"class_type": "SolidMask", "inputs": {"value": 0.0, "width": 1024, "height": 1024}}
    hole = {"class_type": "SolidMask", "inputs": {"value": 1.0, "width": 300, "height": 300}}
    put = {"destination": ["solid", 0], "source": ["hole", 0], "x": 20, "y": y, "operation": "add"}
    return {
        "solid": solid,
        "hole": hole,
        "mask": {"class_type": "MaskComposite", "inputs": put},
        "masked": {"class_type": "SetLatentNoiseMask", "inputs": {"samples": ["latent", 0], "mask": ["mask", 0]}},
    }


def stock(chosen: dict[str, Any]) -> Prompt:
    """Return a prompt of stock samplers alone."""
    nodes, inputs = shared(chosen)
    for number, steps in enumerate(chosen["steps"]):
        nodes[f"k{number}"] = {"class_type": "KSampler", "inputs": inputs | {"steps": steps}}
        decoding = {"samples": [f"k{number}", 0], "vae": ["demo", 2]}
        nodes[f"d{number}"] = {"class_type": "VAEDecode", "inputs": decoding}
    both = {"image1": ["d0", 0], "image2": ["d1", 0]}
    nodes["both"] = {"class_type": "ImageBatch", "inputs": both}
    return nodes | {"theirs": {"class_type": "PreviewImage", "inputs": {"images": ["both", 0]}}}


def compared(chosen: dict[str, Any]) -> Prompt:
    """Return a prompt of stock samplers and a comparison of the same."""
    _, inputs = shared(chosen)
    own = {"vae": ["demo", 2], "steps": ", ".join(map(str, chosen["steps"])), "options": ["options", 0]}
    return stock(chosen) | {
        "options": {"class_type": "SweetSpotCompareOptions", "inputs": {"together": "off"}},
        "compare": {"class_type": "SweetSpotCompare", "inputs": inputs | own},
        "ours": {"class_type": "PreviewImage", "inputs": {"images": ["compare", 0]}},
    }


def run(server: Any, prompt: Prompt) -> dict[str, Any]:
    """Run a prompt and return what its nodes show."""
    request = urllib.request.Request(
        f"{server.url}/prompt", json.dumps({"prompt": prompt}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        prompt_id = json.load(answer)["prompt_id"]
    while True:
        with urllib.request.urlopen(f"{server.url}/history/{prompt_id}", timeout=60) as answer:
            history = json.load(answer)
        if prompt_id in history:
            entry = history[prompt_id]
            if entry["status"]["status_str"] != "success":
                raise SystemExit(json.dumps(entry["status"], indent=2))
            return entry["outputs"]
        time.sleep(0.01)


def count_different(left: list[Any], right: list[Any]) -> int:
    """Return how many images differ from their counterparts in any pixel."""
    return sum(not np.array_equal(one, other) for one, other in zip(left, right, strict=True))


def save_lora(file: Path) -> None:
    """Write a LoRA that changes one layer of the demo model."""
    from sweetspot.demo import files

    weights = load_file(files.TRANSFORMER)
    name = next(key for key in weights if key.endswith("double_blocks.0.img_attn.proj.weight"))
    rows, columns = weights[name].shape
    stem = "diffusion_model." + name.removeprefix("model.diffusion_model.").removesuffix(".weight")
    file.parent.mkdir(parents=True, exist_ok=True)
    parts = {"lora_up": np.full((rows, 4), 0.1, np.float32), "lora_down": np.full((4, columns), 0.1, np.float32)}
    save_file({f"{stem}.{part}.weight": values for part, values in parts.items()}, file)


def shown(server: Any, outputs: dict[str, Any], node: str) -> list[Any]:
    """Return the pixels that a node shows."""
    from sweetspot.cli.demo import get_image

    return [np.asarray(Image.open(io.BytesIO(get_image(server, image)))) for image in outputs[node]["images"]]


if __name__ == "__main__":
    main()
