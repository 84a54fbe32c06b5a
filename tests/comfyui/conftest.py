"""One ComfyUI for the whole run, with the pack in it, and a client that talks to it as any API user would."""

import json
import re
import shutil
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import websocket
from safetensors.torch import load_file, save_file
from sweetspot.cli.comfyui import Installation, Server, find_comfyui, prepare, running
from sweetspot.cli.demo import get_json
from sweetspot.demo import files
from torch import Tensor

Prompt = dict[str, dict[str, Any]]
SUPPORT = Path(__file__).parent / "support"
OPTIONS = {
    "check",
    "threshold",
    "clip_vision",
    "together",
    "cache_megabytes",
    "kept_as",
    "frames",
    "price",
    "price_unit",
}


class PromptRefused(Exception):
    """ComfyUI did not take the prompt; `errors` is its answer by node."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(json.dumps(answer, indent=2))
        self.errors = answer.get("node_errors") or {}


class PromptFailed(Exception):
    """A node raised; `node_type` and `message` tell which and what."""

    def __init__(self, details: dict[str, Any]) -> None:
        super().__init__(f"{details.get('node_type')}: {details.get('exception_message')}")
        self.node_type: str = details.get("node_type", "")
        self.message: str = details.get("exception_message", "")
        self.exception_type: str = details.get("exception_type", "")


@dataclass
class Client:
    server: Server

    def queue(self, prompt: Prompt, client_id: str = "tests") -> str:
        return self.post(prompt, client_id)["prompt_id"]

    def post(self, prompt: Prompt, client_id: str = "tests") -> dict[str, Any]:
        """Queue a prompt and return the answer; its `node_errors` are those of outputs that are left out."""
        body = json.dumps({"prompt": spelled_out(prompt), "client_id": client_id}).encode()
        request = urllib.request.Request(f"{self.server.url}/prompt", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise PromptRefused(json.load(error)) from None

    def wait(self, prompt_id: str) -> dict[str, Any]:
        """Return the finished prompt's entry of the history. A busy machine may take as long as it likes."""
        while True:
            waiting = get_json(self.server, "/queue")
            history = get_json(self.server, f"/history/{prompt_id}")
            if prompt_id in history:
                return history[prompt_id]
            queued = [entry[1] for entry in (*waiting["queue_running"], *waiting["queue_pending"])]
            assert prompt_id in queued, f"prompt {prompt_id} is neither queued nor finished"
            time.sleep(0.03)

    def wait_until_sampling(self, socket: websocket.WebSocket, prompt_id: str) -> None:
        """Return once the first step of a prompt has been reported on a websocket from `listen`."""
        while True:
            message = socket.recv()
            if isinstance(message, str):
                content = json.loads(message)
                if content["type"] == "progress" and content["data"]["prompt_id"] == prompt_id:
                    return

    def run(self, prompt: Prompt) -> dict[str, dict[str, Any]]:
        """Run a prompt and return what its nodes show, by node id."""
        entry = self.wait(self.queue(prompt))
        if entry["status"]["status_str"] != "success":
            failed = [message for kind, message in entry["status"]["messages"] if kind == "execution_error"]
            raise PromptFailed(failed[0] if failed else entry["status"])
        return entry["outputs"]

    def latent(self, outputs: dict[str, dict[str, Any]], node: str) -> Tensor:
        """Return the tensor that a SaveLatent node wrote."""
        saved = outputs[node]["latents"][0]
        return load_file(self.server.base / "output" / saved["subfolder"] / saved["filename"])["latent_tensor"]

    def interrupt(self) -> None:
        request = urllib.request.Request(f"{self.server.url}/interrupt", b"{}", {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30):
            pass

    def listen(self) -> tuple[websocket.WebSocket, str]:
        """Open the websocket that a browser would, and return it with its client id."""
        client_id = uuid.uuid4().hex
        address = f"ws://{self.server.host}:{self.server.port}/ws?clientId={client_id}"
        return websocket.create_connection(address, timeout=60), client_id


@pytest.fixture(scope="session")
def installation() -> Installation:
    folder = find_comfyui()
    assert folder is not None
    return prepare(folder)


@pytest.fixture(scope="session")
def version(installation: Installation) -> tuple[int, ...]:
    """ComfyUI's version, such as (0, 33, 0)."""
    text = (installation.folder / "comfyui_version.py").read_text("utf-8")
    return tuple(map(int, re.search(r'"([0-9.]+)"', text)[1].split(".")))


@pytest.fixture(scope="session")
def comfyui(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    base = tmp_path_factory.mktemp("comfyui")
    for folder, file in (("diffusion_models", files.TRANSFORMER), ("vae", files.AUTOENCODER)):
        (base / "models" / folder).mkdir(parents=True)
        shutil.copy(file, base / "models" / folder)
    shutil.copytree(SUPPORT, base / "custom_nodes" / SUPPORT.name)
    with running(installation, base, "--preview-method", "latent2rgb") as server:
        yield Client(server)


def demo_graph(prompt: str = "a red circle left of a blue square on green", batch: int = 1, size: int = 64) -> Prompt:
    """Return the nodes that every test's graph begins with."""
    return {
        "model": {"class_type": "SweetSpotDemoModel", "inputs": {}},
        "positive": {"class_type": "CLIPTextEncode", "inputs": {"text": prompt, "clip": ["model", 1]}},
        "negative": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["model", 1]}},
        "latent": {
            "class_type": "EmptyLatentImage",
            "inputs": {"width": size, "height": size, "batch_size": batch},
        },
    }


def sampler_node(class_type: str, **inputs: Any) -> dict[str, Any]:
    """Return a KSampler or Step-Aware Sampler on `demo_graph`, which name their inputs alike."""
    defaults = {
        "model": ["model", 0],
        "seed": 11,
        "steps": 3,
        "cfg": 2.0,
        "sampler_name": "euler",
        "scheduler": "simple",
        "positive": ["positive", 0],
        "negative": ["negative", 0],
        "latent_image": ["latent", 0],
        "denoise": 1.0,
    }
    return {"class_type": class_type, "inputs": defaults | inputs}


def compare_node(**inputs: Any) -> dict[str, Any]:
    """Return a Multi-Step Compare on `demo_graph`, without the check, so that tests count only what they ask for.

    Inputs of Compare Options, and Contender nodes in `contenders`, are put into nodes of their own by `spelled_out`.
    """
    own = {"vae": ["model", 2], "steps": "2, 4, 6"}
    return sampler_node("SweetSpotCompare", **(own | with_options(inputs)))


def with_options(inputs: dict[str, Any]) -> dict[str, Any]:
    """Return a comparison's inputs with those of Compare Options under `options`, and without the check."""
    rare = {name: value for name, value in inputs.items() if name in OPTIONS}
    return {name: value for name, value in inputs.items() if name not in OPTIONS} | {"options": {"check": "off"} | rare}


def spelled_out(prompt: Prompt) -> Prompt:
    """Return a prompt whose comparisons have their options and contenders in nodes of their own, behind them."""
    nodes = {}
    for node_id, node in prompt.items():
        inputs = dict(node["inputs"])
        if isinstance(inputs.get("options"), dict):
            nodes[f"{node_id}_options"] = {"class_type": "SweetSpotCompareOptions", "inputs": inputs["options"]}
            inputs["options"] = [f"{node_id}_options", 0]
        for number, changes in enumerate(inputs.pop("contenders", [])):
            nodes[f"{node_id}_contender{number}"] = {"class_type": "SweetSpotContender", "inputs": changes}
            inputs[f"contenders.contender{number}"] = [f"{node_id}_contender{number}", 0]
        nodes[node_id] = {**node, "inputs": inputs}
    return nodes


def save_latent(source: str, slot: int = 0) -> dict[str, Any]:
    return {"class_type": "SaveLatent", "inputs": {"samples": [source, slot], "filename_prefix": "tests/latent"}}


def equal(left: str, right: str) -> dict[str, Any]:
    """Return a node of the tests that tells whether two latents are the same, bit for bit."""
    return {"class_type": "TestsEqualLatents", "inputs": {"left": [left, 0], "right": [right, 0]}}


def faulty(kind: str, at_call: int = 3, model: str = "model") -> dict[str, Any]:
    """Return a MODEL of the tests that fails in some way at its n-th call."""
    return {"class_type": "TestsFaultyModel", "inputs": {"model": [model, 0], "kind": kind, "at_call": at_call}}


def tell(model: str, after: str | None = None) -> dict[str, Any]:
    """Return a node of the tests that tells what is laid on a MODEL, once a latent has been made."""
    return {"class_type": "TestsTellModel", "inputs": {"model": [model, 0]} | ({"after": [after, 0]} if after else {})}


def save_lora(file: Path) -> None:
    """Write a LoRA that changes one layer of the demo model."""
    weights = load_file(files.TRANSFORMER)
    name = next(key for key in weights if key.endswith("double_blocks.0.img_attn.proj.weight"))
    rows, columns = weights[name].shape
    stem = "diffusion_model." + name.removeprefix("model.diffusion_model.").removesuffix(".weight")
    file.parent.mkdir(parents=True, exist_ok=True)
    parts = {"lora_up": torch.full((rows, 4), 0.1), "lora_down": torch.full((4, columns), 0.1)}
    save_file({f"{stem}.{part}.weight": weight for part, weight in parts.items()}, file)


def save_other_model(file: Path, factor: float) -> None:
    """Write a model like the demo model, but with other weights in one layer."""
    weights = load_file(files.TRANSFORMER)
    name = next(key for key in weights if key.endswith("double_blocks.0.img_attn.proj.weight"))
    weights[name] = weights[name] * factor
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(weights, file)


def show(source: str, slot: int) -> dict[str, Any]:
    """Return a stock node that puts any value into the history as text."""
    return {"class_type": "PreviewAny", "inputs": {"source": [source, slot]}}


@pytest.fixture(scope="session")
def graph() -> Any:
    """The helpers above, for tests that cannot import this file."""
    return Graph


def without_stamps(prompt: Prompt) -> Prompt:
    """Return a prompt from a picture's metadata without what ComfyUI notes in it about changed inputs."""
    return {name: {key: value for key, value in node.items() if key != "is_changed"} for name, node in prompt.items()}


class Graph:
    demo = staticmethod(demo_graph)
    sampler = staticmethod(sampler_node)
    compare = staticmethod(compare_node)
    with_options = staticmethod(with_options)
    spelled_out = staticmethod(spelled_out)
    without_stamps = staticmethod(without_stamps)
    save_latent = staticmethod(save_latent)
    show = staticmethod(show)
    save_lora = staticmethod(save_lora)
    save_other_model = staticmethod(save_other_model)
    equal = staticmethod(equal)
    faulty = staticmethod(faulty)
    tell = staticmethod(tell)
    Client = Client
    Refused = PromptRefused
    Failed = PromptFailed
