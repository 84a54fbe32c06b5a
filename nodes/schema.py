"""What the nodes' schemas share: sockets, the stock KSampler's inputs, and a Schema that works in older ComfyUI too."""

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
Comparison = io.Custom("COMPARISON")
CompareOptions = io.Custom("COMPARE_OPTIONS")
ContenderSocket = io.Custom("CONTENDER")

# What people call the number of steps, and what they search for if they wonder which one to set.
STEP_WORDS = ["steps", "how many steps", "step count", "num_inference_steps", "inference_steps", "sample_steps"]
COMPARE_WORDS = [*STEP_WORDS, "steps comparison", "convergence", "benchmark", "grid", "xy plot"]

# Keeps the seed after a run. ComfyUI before 0.9 can't say so, and changes it.
FIXED_SEED = getattr(getattr(io, "ControlAfterGenerate", None), "fixed", True)

# Fields that older ComfyUI doesn't have: search aliases came with 0.9, the others later.
_NEWER_FIELDS = {"search_aliases", "has_intermediate_output", "is_dev_only"} - {
    field.name for field in fields(io.Schema)
}


def make_schema(**description: Any) -> io.Schema:
    """Return an `io.Schema`, without the fields that this ComfyUI does not support."""
    return io.Schema(
        category=CATEGORY, **{name: value for name, value in description.items() if name not in _NEWER_FIELDS}
    )


def expert() -> dict[str, bool]:
    """Return the option that marks an input as advanced; empty if this ComfyUI does not support it (0.8)."""
    return {"advanced": True} if "advanced" in signature(io.Combo.Input.__init__).parameters else {}


def sampler_names() -> list[str]:
    """Return the sampler names of this ComfyUI."""
    return comfy.samplers.KSampler.SAMPLERS


def scheduler_names() -> list[str]:
    """Return the scheduler names of this ComfyUI."""
    return comfy.samplers.KSampler.SCHEDULERS


def check_choice(name: str, value: str, allowed: Sequence[str]) -> None:
    """Refuse a linked value that is not one of the input's options.

    Raises:
        ValueError: names the input, the allowed values and the value that was given.
    """
    if value not in allowed:
        raise ValueError(f"{name}: expected one of {', '.join(allowed)}; got {value!r}")


def check_number(name: str, value: float, lowest: float, highest: float) -> None:
    """Refuse a linked number that is outside the input's range.

    Raises:
        ValueError: names the input, the allowed values and the value that was given.
    """
    if not lowest <= value <= highest:
        raise ValueError(f"{name}: expected {lowest:g} to {highest:g}, got {value:g}")


def model_input() -> io.Input:
    """Return the input for the diffusion model."""
    return io.Model.Input("model", tooltip="The model that denoises the latent.")


def seed_input(*, control: Any = True) -> io.Input:
    """Return the input for the seed of the starting noise.

    Args:
        control: what happens to the seed after each run: `FIXED_SEED`, or True for ComfyUI's default.
    """
    return io.Int.Input(
        "seed",
        default=0,
        min=0,
        max=LARGEST_SEED,
        control_after_generate=control,
        tooltip="Seed of the starting noise.",
    )


def steps_input() -> io.Input:
    """Return the input for one step count."""
    return io.Int.Input(
        "steps",
        default=SAFE_DEFAULT.steps,
        min=1,
        max=MAX_STEPS,
        tooltip="Number of denoising steps. 25 is a safe default; distilled models need 1 to 8.",
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
            tooltip="Guidance scale. Higher values follow the prompt more closely; 1 turns guidance off.",
        ),
        io.Combo.Input("sampler_name", options=sampler_names(), tooltip="The sampling algorithm."),
        io.Combo.Input(
            "scheduler",
            options=scheduler_names(),
            tooltip="How the noise levels are spread across the steps.",
        ),
    ]


def conditioning_inputs() -> list[io.Input]:
    """Return the inputs positive, negative and latent_image."""
    return [
        io.Conditioning.Input("positive", tooltip="What the image should show."),
        io.Conditioning.Input("negative", tooltip="What the image should not show. Not used if cfg is 1."),
        io.Latent.Input(
            "latent_image", tooltip="The latent to denoise. An empty latent gives an image made from noise alone."
        ),
    ]


def denoise_input() -> io.Input:
    """Return the input for how much noise is applied."""
    return io.Float.Input(
        "denoise",
        default=1.0,
        min=0.0,
        max=1.0,
        step=0.01,
        tooltip="How much noise is applied, 0 to 1. 1 starts from pure noise; lower values keep more of the latent.",
    )


def plan_input() -> io.Input:
    """Return the optional input for a plan, which overrides the widgets."""
    return Plan.Input(
        "plan",
        optional=True,
        tooltip="A plan, e.g. from Model Step Preset. Its settings override this node's own.",
    )


def keep_steps_input() -> io.Input:
    """Return the input for the steps whose predicted clean latent is kept."""
    return io.String.Input(
        "keep_steps",
        default="",
        optional=True,
        tooltip="Steps whose predicted clean latent is kept, e.g. 4, 8, -1. Counted from 1; -1 is the last step. This "
        "shows the progress of one run; to compare step counts, use Multi-Step Compare.",
    )


def settled_input() -> io.Input:
    """Return the input that stops a run once the remaining steps would make no visible change."""
    return io.Float.Input(
        "stop_when_settled",
        default=0.0,
        min=0.0,
        max=1.0,
        step=0.005,
        round=0.001,
        optional=True,
        tooltip="Stops once the remaining steps can change at most this share of the image's contrast; 0 is off. At "
        "0.1 the difference is hard to see. Only for samplers that inject no noise.",
    )


def is_linked(prompt: Any, node_id: Any, slot: int) -> bool:
    """Return whether an output of a node is linked to anything in the running prompt."""
    nodes = prompt.values() if isinstance(prompt, dict) else ()
    return any([str(node_id), slot] == value for node in nodes for value in node.get("inputs", {}).values())
