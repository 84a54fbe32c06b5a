"""Shift and sampling type: a plan's, laid over a MODEL by ComfyUI's own nodes."""

from dataclasses import replace
from typing import Any

import comfy.samplers
import torch
from comfy_extras import nodes_model_advanced as advanced

from ..presets.plan import StepPlan


def apply_sampling(model: Any, plan: StepPlan) -> tuple[Any, str]:
    """Return the model with the plan's shift or sampling type, and what was done, in words.

    A model that the user has patched with a ModelSampling node is handed on as it is. So is one whose class has the
    recommended shift already.
    """
    if plan.shift is None and not plan.sampling:
        return model, ""
    if "model_sampling" in getattr(model, "object_patches", {}):
        return model, "The model's sampling was patched before; it is left as it is."
    if plan.sampling:
        return advanced.ModelSamplingDiscrete().patch(model, plan.sampling, zsnr=False)[0], (
            f"Applied to the model: ModelSamplingDiscrete {plan.sampling}."
        )
    return _apply_shift(model, plan)


def _apply_shift(model: Any, plan: StepPlan) -> tuple[Any, str]:
    shift = plan.shift
    if shift is None or shift.node == "class":
        return model, ""
    patch = _PATCHES.get(shift.node)
    if patch is None:
        return model, f"Not applied: shift {shift.value:g} is set by a node {shift.node} after this one."
    if shift.node != "ModelSamplingFlux" and _present_shift(model) == ("linear", shift.value):
        return model, f"The model's class has the recommended shift {shift.value:g} already."
    return patch(model, shift.value), f"Applied to the model: {shift.node} with shift {shift.value:g}."


def _present_shift(model: Any) -> tuple[str, float | None]:
    sampling = model.get_model_object("model_sampling")
    value = getattr(sampling, "shift", None)
    unit = "mu" if "Flux" in "".join(kind.__name__ for kind in type(sampling).__mro__) else "linear"
    return unit, round(float(value), 3) if value is not None else None


_PATCHES = {
    "ModelSamplingSD3": lambda model, shift: advanced.ModelSamplingSD3().patch(model, shift)[0],
    "ModelSamplingAuraFlow": lambda model, shift: advanced.ModelSamplingAuraFlow().patch_aura(model, shift)[0],
    # The same shift at both ends of its line makes it independent of the image's size.
    "ModelSamplingFlux": lambda model, shift: advanced.ModelSamplingFlux().patch(model, shift, shift, 1024, 1024)[0],
}


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

    A fixed schedule is given exactly; trained timesteps become the model's own noise levels at them; everything else is
    what the stock scheduler makes.
    """
    sampling = model.get_model_object("model_sampling")
    if plan.sigmas:
        sigmas = torch.tensor(plan.sigmas, dtype=torch.float32)
        return sigmas if sigmas[-1] == 0 else torch.cat([sigmas, sigmas.new_zeros(1)])
    if plan.timesteps:
        levels = sampling.sigma(torch.tensor(plan.timesteps, dtype=torch.float32)).float().cpu()
        return torch.cat([levels, levels.new_zeros(1)])
    return comfy.samplers.calculate_sigmas(sampling, plan.scheduler, plan.steps).float().cpu()
