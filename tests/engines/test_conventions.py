"""Each pipeline class's row, against what the pipeline itself computes."""

from typing import Any

import pytest
import torch
from sweetspot.comparison.runs import Sampling
from sweetspot.engines.conventions import CONVENTIONS, packed
from sweetspot.engines.diffusers import Scene

from .tiny import FAMILIES, model_of

pytestmark = pytest.mark.xdist_group("diffusers")

LEVELS = {"flow_prediction": (1.0, 0.0)}
ONE_STEP = Sampling(3, 1.0, "euler", "simple")


def scene_of(family: str, positive: str = "cond", negative: str = "uncond") -> Scene:
    call = FAMILIES[family].call
    negative = negative if CONVENTIONS[type(model_of(family).pipeline).__name__].negative else ""
    return Scene((positive,), negative, (call["width"], call["height"]), call.get("num_frames", 1))


def one_step(family: str, cfg: float, scene: Scene) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the noisy start and the clean latent after one step."""
    model, seen = model_of(family), []
    scheduler = model.pipeline.scheduler
    step = scheduler.step

    def watched(output: torch.Tensor, time: Any, sample: torch.Tensor, *rest: Any, **named: Any) -> Any:
        result = step(output, time, sample, *rest, **named)
        seen.append((sample, result[0] if isinstance(result, tuple) else result.prev_sample))
        return result

    scheduler.step = watched
    levels = LEVELS.get(model.prediction, (float(model.levels(scene).table[-1]), 0.0))
    try:
        model.run(scene, Sampling(3, cfg, "euler", "simple"), levels)
    finally:
        del scheduler.step
    (only,) = seen
    return only


@pytest.mark.parametrize("family", FAMILIES)
def test_the_noise_is_what_the_pipeline_would_draw_from_the_same_seed(family: str):
    scene, model = scene_of(family), model_of(family)
    start, _ = one_step(family, 1.0, scene)
    drawn = []
    step = model.pipeline.scheduler.step
    model.pipeline.scheduler.step = lambda output, time, sample, *rest, **named: (
        drawn.append(sample),
        step(output, time, sample, *rest, **named),
    )[1]
    try:
        generator = torch.Generator().manual_seed(3)
        given = model._arguments(scene, ONE_STEP, None)
        model.pipeline(**given, generator=generator, num_inference_steps=1, output_type="latent")
    finally:
        del model.pipeline.scheduler.step
    assert torch.allclose(start, drawn[0], atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_cfg_means_what_it_means_in_comfyui(family: str):
    """The guided prediction is uncond + cfg (cond - uncond), and 1 is the conditional one alone."""
    if not model_of(family).has_cfg:
        pytest.skip("it has no classifier-free guidance")
    _, conditional = one_step(family, 1.0, scene_of(family))
    start, guided = one_step(family, 3.0, scene_of(family))
    # As the unconditional prompt, a class without a negative prompt takes an empty one.
    negative = scene_of(family).negative
    _, unconditional = one_step(family, 1.0, scene_of(family, positive=negative))
    assert not torch.allclose(conditional, unconditional, atol=1e-4)
    expected = unconditional + 3 * (conditional - unconditional)
    if family == "Qwen-Image":
        # It rescales the prediction, the noise minus the clean latent, to the conditional one's length per token.
        predicted, length = start - expected, (start - conditional).norm(dim=-1, keepdim=True)
        expected = start - predicted * length / predicted.norm(dim=-1, keepdim=True)
        assert model_of(family).notes
    assert torch.allclose(guided, expected, atol=2e-4 * float(start.abs().max()))


def test_packing_follows_the_original_token_order():
    tokens = packed(torch.arange(2 * 4 * 4).reshape(1, 2, 4, 4).float())
    # The second token holds columns 2 and 3 of rows 0 and 1, channel by channel.
    assert tokens[0, 1].tolist() == [2, 3, 6, 7, 18, 19, 22, 23]


def test_classes_of_comfyui():
    known = {family: (model := model_of(family)).convention.architecture(model.pipeline) for family in FAMILIES}
    # The tiny Flux has no distilled guidance, as FLUX.1 schnell.
    assert (known["Flux"], known["SD1.5"], known["Wan"], known["Z-Image"]) == (
        "FluxSchnell",
        "SD15",
        "WAN21_T2V",
        "ZImage",
    )


def test_every_class_has_a_tiny_pipeline():
    assert {type(model_of(family).pipeline).__name__ for family in FAMILIES} == set(CONVENTIONS)
