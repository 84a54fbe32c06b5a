"""What the nodes' schemas share: sockets, the stock KSampler's inputs, and a Schema that older ComfyUI take too."""

from collections.abc import Sequence
from dataclasses import fields
from inspect import signature
from typing import Any

import comfy.samplers
from comfy_api.latest import io

from ..comparison.runs import LARGEST_SEED
from ..presets.plan import SAFE_DEFAULT
from ..samplers.schedules import MAX_STEPS

CATEGORY = "sampling/Sweet Spot"

Plan = io.Custom("STEP_PLAN")
Trace = io.Custom("STEP_TRACE")

_KNOWN_FIELDS = frozenset(field.name for field in fields(io.Schema))


def make_schema(**description: Any) -> io.Schema:
    """Return an `io.Schema`, leaving out search aliases where ComfyUI does not know them yet (before 0.9)."""
    if "search_aliases" not in _KNOWN_FIELDS:
        description.pop("search_aliases", None)
    return io.Schema(category=CATEGORY, **description)


def expert() -> dict[str, bool]:
    """Return what folds an input away among the advanced ones; nothing where ComfyUI cannot do that yet (0.8)."""
    return {"advanced": True} if "advanced" in signature(io.Combo.Input.__init__).parameters else {}


def sampler_names() -> list[str]:
    """Return this ComfyUI's names of samplers."""
    return comfy.samplers.KSampler.SAMPLERS


def scheduler_names() -> list[str]:
    """Return this ComfyUI's names of schedulers."""
    return comfy.samplers.KSampler.SCHEDULERS


def check_choice(name: str, value: str, allowed: Sequence[str]) -> None:
    """Refuse a word that came through a link and is none of the input's.

    Raises:
        ValueError: names the input, what is allowed and what came.
    """
    if value not in allowed:
        raise ValueError(f"{name}: expected one of {', '.join(allowed)}; got {value!r}")


def check_number(name: str, value: float, lowest: float, highest: float) -> None:
    """Refuse a number that came through a link and is out of the input's range.

    Raises:
        ValueError: names the input, what is allowed and what came.
    """
    if not lowest <= value <= highest:
        raise ValueError(f"{name}: expected {lowest:g} to {highest:g}, got {value:g}")


def model_input() -> io.Input:
    """Return the input for the diffusion model."""
    return io.Model.Input("model", tooltip="The model that denoises the latent.")


def seed_input() -> io.Input:
    """Return the input for the seed of the starting noise."""
    return io.Int.Input(
        "seed",
        default=0,
        min=0,
        max=LARGEST_SEED,
        control_after_generate=True,
        tooltip="Seed of the noise that sampling starts from.",
    )


def steps_input() -> io.Input:
    """Return the input for one step count."""
    return io.Int.Input(
        "steps",
        default=SAFE_DEFAULT.steps,
        min=1,
        max=MAX_STEPS,
        tooltip="Number of denoising steps. 25 is a safe default; distilled models want 1 to 8.",
    )


def sampler_inputs() -> list[io.Input]:
    """Return the inputs cfg, sampler_name and scheduler."""
    return [
        io.Float.Input(
            "cfg",
            default=8.0,
            min=0.0,
            max=100.0,
            step=0.1,
            round=0.01,
            tooltip="Guidance scale. Higher follows the prompt more closely; 1 switches guidance off.",
        ),
        io.Combo.Input("sampler_name", options=sampler_names(), tooltip="The method that takes the steps."),
        io.Combo.Input(
            "scheduler",
            options=scheduler_names(),
            tooltip="How the noise levels are spread over the steps.",
        ),
    ]


def conditioning_inputs() -> list[io.Input]:
    """Return the inputs positive, negative and latent_image."""
    return [
        io.Conditioning.Input("positive", tooltip="What the image should show."),
        io.Conditioning.Input("negative", tooltip="What the image should not show; unused where cfg is 1."),
        io.Latent.Input("latent_image", tooltip="The latent to denoise; an empty one gives an image from noise alone."),
    ]


def denoise_input() -> io.Input:
    """Return the input for the share of the noise that is applied."""
    return io.Float.Input(
        "denoise",
        default=1.0,
        min=0.0,
        max=1.0,
        step=0.01,
        tooltip="Share of the noise that is applied: 1 starts from pure noise, less keeps more of the latent.",
    )


def plan_input() -> io.Input:
    """Return the optional input for a plan, which wins over the widgets."""
    return Plan.Input(
        "plan",
        optional=True,
        tooltip="A plan, as from Model Step Preset. Where it is linked, its settings win over this node's own.",
    )


def keep_steps_input() -> io.Input:
    """Return the input for the steps whose predicted clean latent is kept."""
    return io.String.Input(
        "keep_steps",
        default="",
        optional=True,
        tooltip="Steps whose predicted clean latent is kept: 4, 8, -1. Counted from 1, or from the end as -1. They "
        "show one run as it goes; to compare step counts use Multi-Step Compare.",
    )


def settled_input() -> io.Input:
    """Return the input that stops a run when nothing that is left could be seen."""
    return io.Float.Input(
        "stop_when_settled",
        default=0.0,
        min=0.0,
        max=1.0,
        step=0.005,
        round=0.001,
        optional=True,
        tooltip="Stop when the remaining steps could change the image by at most this share of its contrast; 0 is off. "
        "0.1 is hard to see. Only for samplers that inject no noise.",
    )


def is_linked(prompt: Any, node_id: Any, slot: int) -> bool:
    """Return whether an output of a node is linked to anything in the running prompt."""
    nodes = prompt.values() if isinstance(prompt, dict) else ()
    return any([str(node_id), slot] == value for node in nodes for value in node.get("inputs", {}).values())
