"""The comparison's helpers inside ComfyUI: fingerprints, and whether runs may share model calls."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from sweetspot.nodes.comparing.fingerprints import fingerprint
from sweetspot.nodes.comparing.may_share import why_not_share
from sweetspot.nodes.comparing.shared_calls import AUTO, ON, SharedCalls
from torch import Tensor, nn


class Thing:
    """An object of another pack."""


def test_equal_content_has_equal_fingerprints():
    def content() -> list[Any]:
        return [1, 2.5, "a", None, {"b": torch.arange(6.0), "a": (1, 2)}, torch.float16, nn.Linear(2, 2).weight.shape]

    assert fingerprint(*content()) == fingerprint(*content())


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, 1.0),
        ([1, 2], [2, 1]),
        ({"a": 1}, {"a": 2}),
        (torch.zeros(3), torch.zeros(3, dtype=torch.float16)),
        (torch.zeros(2, 3), torch.zeros(3, 2)),
        (torch.zeros(3), torch.tensor([0.0, 0.0, 1e-30])),
        (Thing(), Thing()),
        (lambda: 1, lambda: 1),
    ],
)
def test_other_content_has_another_fingerprint(left: Any, right: Any):
    assert fingerprint(left) != fingerprint(right)
    assert fingerprint(left) == fingerprint(left)


def model(**changes: Any) -> SimpleNamespace:
    inner = SimpleNamespace(diffusion_model=nn.Identity())
    plain = {"model_options": {"transformer_options": {}}, "object_patches": {}, "wrappers": {}, "model": inner}
    return SimpleNamespace(**plain | changes)


CONDITION = [[torch.zeros(1, 4, 8), {"pooled_output": torch.zeros(1, 8)}]]
LATENT = {"samples": torch.zeros(2, 4, 8, 8)}


def why(patched: Any = None, sampler: str = "euler", positive: Any = CONDITION, **latent: Any) -> str:
    return why_not_share(patched or model(), sampler, positive, CONDITION, LATENT | latent)


def test_a_plain_model_may_share_its_calls():
    assert why() == ""
    assert why(model(object_patches={"model_sampling": object()})) == ""


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"sampler": "deis"}, "deis"),
        ({"noise_mask": torch.zeros(1)}, "noise mask"),
        ({"patched": model(wrappers={"x": [print]})}, "wrappers"),
        ({"patched": model(object_patches={"diffusion_model": object()})}, "diffusion_model"),
        ({"patched": model(model_options={"sampler_cfg_function": print})}, "sampler_cfg_function"),
        ({"positive": [[torch.zeros(1, 4, 8), {"control": object()}]]}, "control"),
        ({"positive": [[torch.zeros(1, 4, 8), {"start_percent": 0.5}]]}, "part of the schedule"),
        ({"positive": [[torch.zeros(3, 4, 8), {}]]}, "batch"),
    ],
)
def test_what_may_read_one_noise_level_for_all_is_found(changes: dict[str, Any], fact: str):
    assert fact in why(**changes)


class Guider:
    """Denoises, and takes `seconds` of a made-up clock for each call, whatever its size times `per_sample`."""

    def __init__(self, level_of_first: bool = False) -> None:
        self.level_of_first = level_of_first
        self.inner_model = SimpleNamespace(memory_required=lambda _shape: 1)

    def __call__(self, x: Tensor, sigmas: Tensor, **_: Any) -> Tensor:
        if self.level_of_first:
            sigmas = sigmas[:1].expand(len(x))
        return x / (1 + sigmas.view(-1, *[1] * (x.ndim - 1)))


def share(guider: Guider, mode: str = ON) -> SharedCalls:
    shared = SharedCalls(mode)
    sample = torch.ones(1, 4, 2, 2)
    denoise = shared.of(guider, {}, (sample, torch.tensor(1.0)))
    denoise(sample[None], torch.tensor([9.0]))
    denoise(torch.stack([sample, sample]), torch.tensor([9.0, 1.0]))
    return shared


def test_a_model_that_takes_a_level_for_each_sample_shares():
    shared = share(Guider())
    assert (shared.shared, shared.note) == (True, "")
    assert shared.batching.most > 1


@pytest.mark.parametrize("mode", [AUTO, ON])
def test_a_model_that_reads_the_first_level_for_all_is_found_out(mode: str):
    shared = share(Guider(level_of_first=True), mode)
    assert not shared.shared
    assert shared.batching.most == 1
    assert shared.note
