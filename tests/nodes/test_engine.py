"""The engine inside ComfyUI: how often model and VAE take each other's place, and what is kept if a run fails."""

from collections.abc import Callable
from dataclasses import replace
from itertools import groupby
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from sweetspot.comparison.runs import Sampling, Task
from sweetspot.nodes.comparing import engine as engine_module
from sweetspot.nodes.comparing.decoding import fits_beside_model
from sweetspot.nodes.comparing.engine import ComfyEngine, Subject
from sweetspot.nodes.comparing.kept_runs import KEPT
from sweetspot.nodes.demo_model import load_demo_transformer, load_demo_vae

BASE = Sampling(3, 1.5, "euler", "simple", 1.0)
COUNTS = (1, 2, 3, 4)


class Silent:
    def __getattr__(self, _name: str) -> Callable[..., Any]:
        return lambda *_, **__: lambda *_, **__: None


class Broken(RuntimeError):
    pass


class Watched:
    """A small demo model whose sampling and decoding are recorded, one letter each: m for the model, v for the VAE."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, fits: bool) -> None:
        with torch.inference_mode():
            self.model, self.vae = load_demo_transformer(), load_demo_vae()
            network = self.model.model.diffusion_model
            network.double_blocks, network.single_blocks = network.double_blocks[:1], network.single_blocks[:1]
            # Older versions of ComfyUI need the pooled vector.
            pooled = torch.zeros(1, network.vector_in.in_layer.in_features)
            positive = [[torch.zeros(1, 8, network.txt_in.in_features), {"pooled_output": pooled}]]
            latent = {"samples": torch.zeros(1, self.model.model.latent_format.latent_channels, 4, 4)}
        self.subject = Subject((self.model,), (positive, positive), positive, latent, self.vae)
        self.uses = ""
        self.breaks_at = 0
        monkeypatch.setattr(engine_module, "fits_beside_model", lambda *_: fits)
        self._watch(monkeypatch, "sample_traced", "m")
        self._watch(monkeypatch, "decode", "v")

    def _watch(self, monkeypatch: pytest.MonkeyPatch, name: str, letter: str) -> None:
        real = getattr(engine_module, name)

        def watched(*arguments: Any, **options: Any) -> Any:
            if letter == "m" and arguments[1] == self.breaks_at:
                raise Broken("out of order")
            self.uses += letter
            return real(*arguments, **options)

        monkeypatch.setattr(engine_module, name, watched)

    def run(self, tasks: list[Task], megabytes: int = 0, together: str = "off") -> list[Any]:
        with torch.inference_mode():
            return ComfyEngine(self.subject, Silent(), megabytes << 20, together).run(tasks)

    @property
    def loads(self) -> str:
        """Which of them are loaded, one after the other, on a device that holds only one."""
        return "".join(letter for letter, _ in groupby(self.uses))


def tasks(seeds: int = 2, prompts: int = 2) -> list[Task]:
    cases = [replace(BASE.with_seed(seed), prompt=prompt) for seed in range(seeds) for prompt in range(prompts)]
    return [Task(case, count) for case in cases for count in COUNTS]


@pytest.mark.parametrize("together", ["off", "on"])
def test_where_only_one_fits_model_and_vae_are_loaded_once_each(monkeypatch: pytest.MonkeyPatch, together: str):
    world = Watched(monkeypatch, fits=False)
    runs = world.run(tasks(), together=together)
    assert [run.steps for run in runs] == [*COUNTS] * 4
    assert world.loads == "mv"


def test_where_both_fit_each_image_is_decoded_at_once(monkeypatch: pytest.MonkeyPatch):
    world = Watched(monkeypatch, fits=True)
    world.run(tasks(seeds=1, prompts=1))
    # The first letter is the run that warms up.
    assert world.uses == "m" + "mv" * len(COUNTS)


def test_the_images_are_the_same_either_way(monkeypatch: pytest.MonkeyPatch):
    alone, together = (Watched(monkeypatch, fits=fits).run(tasks()) for fits in (True, False))
    for one, other in zip(alone, together, strict=True):
        assert (one.images == other.images).all()


def test_what_is_sampled_before_an_error_is_decoded_and_kept(monkeypatch: pytest.MonkeyPatch):
    world = Watched(monkeypatch, fits=False)
    KEPT.limit(0)
    world.breaks_at = 3
    with pytest.raises(Broken, match="3 steps: out of order"):
        world.run(tasks(seeds=1, prompts=1), megabytes=64)
    assert world.uses == "mmmvv"
    world.breaks_at, world.uses = 0, ""
    runs = world.run(tasks(seeds=1, prompts=1), megabytes=64)
    assert [run.reused for run in runs] == [True, True, False, False]
    assert world.uses == "mmmvv"
    KEPT.limit(0)


def test_on_the_cpu_both_always_fit():
    vae = SimpleNamespace(device=torch.device("cpu"))
    assert fits_beside_model(vae, torch.zeros(1, 4, 8, 8))


@pytest.mark.parametrize(("free", "fits"), [(500, False), (2000, False), (20_000, True)])
def test_on_a_gpu_the_free_memory_decides(monkeypatch: pytest.MonkeyPatch, free: int, fits: bool):
    import comfy.model_management as memory

    monkeypatch.setattr(memory, "get_free_memory", lambda _device: free)
    monkeypatch.setattr(memory, "minimum_inference_memory", lambda: 1000)
    monkeypatch.setattr(memory, "extra_reserved_memory", lambda: 100)
    patcher = SimpleNamespace(model_size=lambda: 5000, loaded_size=lambda: 1000)
    vae = SimpleNamespace(
        device=torch.device("cuda"), vae_dtype=torch.float16, memory_used_decode=lambda *_: 700, patcher=patcher
    )
    assert fits_beside_model(vae, torch.zeros(1, 4, 8, 8)) == fits


def test_a_vae_of_which_nothing_is_known_waits():
    assert not fits_beside_model(SimpleNamespace(device=torch.device("cuda")), torch.zeros(1, 4, 8, 8))
