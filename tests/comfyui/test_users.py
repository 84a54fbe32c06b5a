"""The file of a user's own presets: with --multi-user, whose it is, and what a scheduler's numbers in it do."""

import io
import json
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sweetspot.cli.comfyui import Server, running
from sweetspot.cli.demo import get_image


def post(server: Server, path: str, body: dict[str, Any], user: str = "") -> Any:
    headers = {"Content-Type": "application/json"} | ({"Comfy-User": user} if user else {})
    request = urllib.request.Request(server.url + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_each_user_has_presets_of_their_own(installation, graph, tmp_path: Path):
    with running(installation, tmp_path, "--multi-user") as server:
        client = graph.Client(server)
        one, other = (post(server, "/users", {"username": name}) for name in ("one", "other"))

        def run(prompt: dict[str, Any], user: str) -> dict[str, Any]:
            return client.wait(post(server, "/prompt", {"prompt": prompt}, user)["prompt_id"])["outputs"]

        model = {"model": {"class_type": "SweetSpotDemoModel", "inputs": {}}}
        settings = {"steps": 13, "cfg": 1.0, "sampler_name": "euler", "scheduler": "simple", "quality": "balanced"}
        saving = {"class_type": "SweetSpotSavePreset", "inputs": {"model": ["model", 0], **settings}}
        run(model | {"saved": saving}, one)
        files = [file.relative_to(tmp_path / "user").parts[0] for file in tmp_path.rglob("step_presets.json")]
        assert files == [one]

        asking = {"class_type": "SweetSpotPreset", "inputs": {"model": ["model", 0]}}
        shown = {"class_type": "PreviewAny", "inputs": {"source": ["preset", 2]}}
        prompt = model | {"preset": asking, "shown": shown}
        steps = [run(prompt, user)["shown"]["text"][0] for user in (one, other, one)]
        assert (steps[0], steps[2]) == ("13", "13")
        assert steps[1] != "13"

        question = {"graph": model | {"preset": asking}, "node": "preset"}
        plans = [post(server, "/sweetspot/recognise", question, user)["qualities"]["balanced"] for user in (one, other)]
        assert [plan["steps"] == 13 for plan in plans] == [True, False]


def test_the_numbers_of_a_scheduler_are_those_of_the_stock_node_at_every_step_count(
    installation, graph, tmp_path: Path
):
    settings = {"steps": 4, "cfg": 2.0, "sampler_name": "dpmpp_2m", "scheduler": "beta"}
    demo = graph.demo(size=64)
    saving = {"class_type": "SweetSpotSavePreset", "inputs": {"model": ["model", 0], "quality": "balanced", **settings}}
    with running(installation, tmp_path) as server:
        client = graph.Client(server)
        client.run({"model": demo["model"], "saved": saving})
        (file,) = tmp_path.rglob("step_presets.json")
        saved = json.loads(file.read_text("utf-8"))
        (preset,) = saved["presets"].values()
        preset["balanced"]["scheduler_options"] = {"alpha": 0.9, "beta": 0.4}
        file.write_text(json.dumps(saved), "utf-8")
        prompt = demo | {
            "preset": {"class_type": "SweetSpotPreset", "inputs": {"model": ["model", 0]}},
            "compare": graph.compare(steps="3, 5", plan=["preset", 1], model=["model", 0], together="off", seed=11),
            "ours": {"class_type": "PreviewImage", "inputs": {"images": ["compare", 0]}},
        }
        for steps in (3, 5):
            prompt |= stock_beta(steps)
        outputs = client.run(prompt)

        def shown(node: str) -> list[np.ndarray]:
            return [np.array(Image.open(io.BytesIO(get_image(server, image)))) for image in outputs[node]["images"]]

        for ours, stock in zip(shown("ours"), shown("stock 3") + shown("stock 5"), strict=True):
            assert np.array_equal(ours, stock)


def stock_beta(steps: int) -> dict[str, Any]:
    """Return ComfyUI's own nodes for dpmpp_2m on beta with these numbers."""
    levels = {"model": ["model", 0], "steps": steps, "alpha": 0.9, "beta": 0.4}
    sampling = {
        "model": ["model", 0],
        "add_noise": True,
        "noise_seed": 11,
        "cfg": 2.0,
        "positive": ["positive", 0],
        "negative": ["negative", 0],
        "sampler": ["solver", 0],
        "sigmas": [f"levels {steps}", 0],
        "latent_image": ["latent", 0],
    }
    decoding = {"samples": [f"sampled {steps}", 0], "vae": ["model", 2]}
    return {
        "solver": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "dpmpp_2m"}},
        f"levels {steps}": {"class_type": "BetaSamplingScheduler", "inputs": levels},
        f"sampled {steps}": {"class_type": "SamplerCustom", "inputs": sampling},
        f"decoded {steps}": {"class_type": "VAEDecode", "inputs": decoding},
        f"stock {steps}": {"class_type": "PreviewImage", "inputs": {"images": [f"decoded {steps}", 0]}},
    }
