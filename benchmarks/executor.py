"""Runs prompts through ComfyUI's own executor in this process, without a server."""

import asyncio
import itertools
import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, ClassVar

from shapes import Built

SUBJECT, SINK = "BenchmarkSubject", "BenchmarkSink"


class FailedError(RuntimeError):
    """A prompt failed; the message is ComfyUI's."""


class Executor:
    """ComfyUI's executor, with the pack's nodes and one that gives a model with random weights."""

    def __init__(self) -> None:
        """Register the nodes."""
        import comfy.utils  # pyright: ignore[reportMissingImports]
        import execution  # pyright: ignore[reportMissingImports]
        import nodes  # pyright: ignore[reportMissingImports]
        import sweetspot
        from server import PromptServer  # pyright: ignore[reportMissingImports]

        extension = asyncio.run(sweetspot.comfy_entrypoint())
        for node in asyncio.run(extension.get_node_list()):
            nodes.NODE_CLASS_MAPPINGS[node.define_schema().node_id] = node  # pyright: ignore[reportAttributeAccessIssue]
        nodes.NODE_CLASS_MAPPINGS[SUBJECT] = _Subject  # pyright: ignore[reportAttributeAccessIssue]
        nodes.NODE_CLASS_MAPPINGS[SINK] = _Sink  # pyright: ignore[reportAttributeAccessIssue]
        comfy.utils.PROGRESS_BAR_ENABLED = False
        # What the executor and the nodes ask of a server; nobody listens.
        self._server = SimpleNamespace(
            client_id=None,
            last_node_id=None,
            last_prompt_id=None,
            send_sync=lambda *_, **__: None,
            prompt_queue=SimpleNamespace(currently_running={}),
        )
        PromptServer.instance = self._server
        self._executor = execution.PromptExecutor(
            self._server, execution.CacheType.CLASSIC, {"lru": 0, "ram": 0, "ram_inactive": 0}
        )
        self._numbers = itertools.count()

    def run(self, prompt: Mapping[str, Any]) -> tuple[float, dict[str, Any]]:
        """Run a prompt; return its seconds, until the device is done, and what its output nodes show.

        Raises:
            FailedError: a node failed.
        """
        import nodes  # pyright: ignore[reportMissingImports]
        import torch

        prompt_id, graph = f"benchmark {next(self._numbers)}", dict(prompt)
        classes = nodes.NODE_CLASS_MAPPINGS  # pyright: ignore[reportAttributeAccessIssue]
        outputs = [name for name, node in graph.items() if getattr(classes[node["class_type"]], "OUTPUT_NODE", False)]
        running = {0: (0, prompt_id, graph, {}, outputs, {})}
        self._server.prompt_queue.currently_running, self._server.last_prompt_id = running, prompt_id
        start = time.perf_counter()
        self._executor.execute(graph, prompt_id, {}, outputs)
        if on_gpu():
            torch.cuda.synchronize()
        seconds = time.perf_counter() - start
        if not self._executor.success:
            raise FailedError(str(self._executor.status_messages[-1])[:2000])
        return seconds, self._executor.history_result["outputs"]


def on_gpu() -> bool:
    """Return whether ComfyUI runs on an NVIDIA or AMD GPU."""
    import comfy.model_management as management  # pyright: ignore[reportMissingImports]

    return management.get_torch_device().type == "cuda"


class _Subject:
    """Gives a model with random weights, two prompts, an empty latent and the VAE."""

    known: ClassVar[dict[str, Built]] = {}

    CATEGORY, FUNCTION = "benchmarks", "give"
    RETURN_TYPES = ("MODEL", "CONDITIONING", "CONDITIONING", "LATENT", "VAE")

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        return {"required": {"name": ("STRING", {}), "side": ("INT", {})}}

    def give(self, name: str, side: int) -> tuple[Any, ...]:
        built = self.known[name]
        return built.model, built.prompt(1), built.prompt(2), built.empty(side), built.vae


class _Sink:
    """Takes a latent, so that a sampler runs."""

    CATEGORY, FUNCTION, OUTPUT_NODE = "benchmarks", "take", True
    RETURN_TYPES = ()

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        return {"required": {"latent": ("LATENT",)}}

    def take(self, latent: dict[str, Any]) -> dict[str, Any]:
        return {"ui": {"shape": list(latent["samples"].shape)}}


def register(built: Built) -> None:
    """Let the prompts have this model, by its shape's name; the one before it is let go."""
    _Subject.known.clear()
    _Subject.known[built.shape.name] = built
