"""Shift and sampling type: a plan's, laid over a MODEL by ComfyUI's own nodes."""

from dataclasses import replace
from typing import Any

import comfy.samplers
import torch

from ...presets.plan import StepPlan
from ...presets.trained import fixed_schedule


def apply_sampling(model: Any, plan: StepPlan) -> tuple[Any, str]:
    """Return the model with the plan's shift or sampling type, and what was done, in words.

    A model that the user has patched with a ModelSampling node is handed on as it is. So is one whose class has the
    recommended shift already, and one whose ComfyUI has moved the nodes that would patch it.
    """
    wanted = plan.sampling or (plan.shift is not None and plan.shift.node != "class")
    if not wanted:
        return model, ""
    if "model_sampling" in getattr(model, "object_patches", {}):
        return model, "The model's sampling was patched before; it is left as it is."
    try:
        return _apply_type(model, plan.sampling) if plan.sampling else _apply_shift(model, plan)
    except (ImportError, AttributeError, TypeError) as error:
        return model, f"Warning: the model's sampling was not patched: this ComfyUI has other nodes for it ({error})."


def _apply_type(model: Any, sampling: str) -> tuple[Any, str]:
    from comfy_extras.nodes_model_advanced import ModelSamplingDiscrete

    patched = ModelSamplingDiscrete().patch(model, sampling, zsnr=False)[0]
    return patched, f"Applied to the model: ModelSamplingDiscrete {sampling}."


def _apply_shift(model: Any, plan: StepPlan) -> tuple[Any, str]:
    from comfy_extras import nodes_model_advanced as advanced

    shift = plan.shift
    if shift is None:
        return model, ""
    if shift.node in ("ModelSamplingSD3", "ModelSamplingAuraFlow") and _present_shift(model) == ("linear", shift.value):
        return model, f"The model's class has the recommended shift {shift.value:g} already."
    if shift.node == "ModelSamplingSD3":
        patched = advanced.ModelSamplingSD3().patch(model, shift.value)[0]
    elif shift.node == "ModelSamplingAuraFlow":
        patched = advanced.ModelSamplingAuraFlow().patch_aura(model, shift.value)[0]
    elif shift.node == "ModelSamplingFlux":
        # The same shift at both ends of its line makes it independent of the image's size.
        patched = advanced.ModelSamplingFlux().patch(model, shift.value, shift.value, 1024, 1024)[0]
    else:
        return model, f"Not applied: shift {shift.value:g} is set by a node {shift.node} after this one."
    return patched, f"Applied to the model: {shift.node} with shift {shift.value:g}."


def _present_shift(model: Any) -> tuple[str, float | None]:
    sampling = model.get_model_object("model_sampling")
    value = getattr(sampling, "shift", None)
    unit = "mu" if "Flux" in "".join(kind.__name__ for kind in type(sampling).__mro__) else "linear"
    return unit, round(float(value), 3) if value is not None else None


def known_names(plan: StepPlan) -> tuple[StepPlan, str]:
    """Return the plan with names that this ComfyUI has, and what was replaced, in words.

    A sampler or scheduler may be newer than this ComfyUI, or a hand-written preset may have a slip.
    """
    told = []
    for name, known, instead in (
        ("sampler_name", comfy.samplers.KSampler.SAMPLERS, "euler"),
        ("scheduler", comfy.samplers.KSampler.SCHEDULERS, "simple"),
    ):
        wanted = getattr(plan, name)
        if wanted not in known:
            plan = replace(plan, **{name: instead})
            told.append(f"Warning: {name}: this ComfyUI has no {wanted!r}; {instead} is given in its place.")
    return plan, "\n".join(told)


def plan_sigmas(model: Any, plan: StepPlan) -> torch.Tensor:
    """Return the plan's schedule for this model, shape (steps + 1,).

    A fixed schedule is given exactly; everything else is what the stock scheduler makes.
    """
    exact = exact_sigmas(model, plan)
    if exact is not None:
        return exact
    return (
        comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), plan.scheduler, plan.steps)
        .float()
        .cpu()
    )


def exact_sigmas(model: Any, plan: StepPlan) -> torch.Tensor | None:
    """Return the schedule that the plan fixes, shape (steps + 1,), None where it fixes none for its step count.

    Fixed noise levels are given as they are; trained timesteps become the model's own noise levels at them.
    """
    if not fixed_schedule(plan):
        return None
    if plan.sigmas:
        return torch.tensor(plan.sigmas, dtype=torch.float32)
    sampling = model.get_model_object("model_sampling")
    levels = sampling.sigma(torch.tensor(plan.timesteps, dtype=torch.float32)).float().cpu()
    return torch.cat([levels, levels.new_zeros(1)])
