"""Applies a plan's shift or sampling type to a MODEL, using ComfyUI's own nodes."""

import math
from dataclasses import replace
from typing import Any

import comfy.samplers
import torch
from comfy.k_diffusion.sampling import get_sigmas_karras

from ...presets.plan import ANY_NODE, Shift, StepPlan
from ...presets.trained import fixed_schedule
from ...words import Message


def apply_sampling(model: Any, plan: StepPlan) -> tuple[Any, str]:
    """Return the model with the plan's shift or sampling type, and a text that says what was done.

    The model is returned unchanged if the user has patched it with a ModelSampling node, if its class already has the
    recommended shift, or if this ComfyUI has moved the nodes that would patch it.
    """
    wanted = plan.sampling or (plan.shift is not None and plan.shift.node != "class")
    if not wanted:
        return model, ""
    if "model_sampling" in getattr(model, "object_patches", {}):
        return model, "An earlier node already patched the model's sampling, so it was left unchanged."
    try:
        return _apply_type(model, plan.sampling) if plan.sampling else _apply_shift(model, plan)
    except (ImportError, AttributeError, TypeError) as error:
        return model, f"Warning: the model's sampling was not patched: this ComfyUI's nodes for it differ ({error})."


def _apply_type(model: Any, sampling: str) -> tuple[Any, str]:
    from comfy_extras.nodes_model_advanced import ModelSamplingDiscrete

    patched = ModelSamplingDiscrete().patch(model, sampling, zsnr=False)[0]
    return patched, f"Applied to the model: ModelSamplingDiscrete {sampling}."


def _apply_shift(model: Any, plan: StepPlan) -> tuple[Any, str]:
    from comfy_extras import nodes_model_advanced as advanced

    if plan.shift is None:
        return model, ""
    if plan.shift.node == ANY_NODE and not hasattr(model.get_model_object("model_sampling"), "shift"):
        return model, f"Not applied: shift {plan.shift.value:g}, because this model has none."
    shift = _for_model(plan.shift, model)
    if shift.node in ("ModelSamplingSD3", "ModelSamplingAuraFlow") and _present_shift(model) == ("linear", shift.value):
        return model, f"The model's class already has the recommended shift {shift.value:g}."
    if shift.node == "ModelSamplingSD3":
        patched = advanced.ModelSamplingSD3().patch(model, shift.value)[0]
    elif shift.node == "ModelSamplingAuraFlow":
        patched = advanced.ModelSamplingAuraFlow().patch_aura(model, shift.value)[0]
    elif shift.node == "ModelSamplingFlux":
        # The shift is interpolated by image size; the same value at both ends makes it independent of size.
        patched = advanced.ModelSamplingFlux().patch(model, shift.value, shift.value, 1024, 1024)[0]
    else:
        return model, f"Not applied: shift {shift.value:g}. Add a {shift.node} node after this one to set it."
    return patched, f"Applied to the model: {shift.node} with shift {shift.value:g}."


def _for_model(shift: Shift, model: Any) -> Shift:
    """Return a shift with the node, and in the unit, of the model's class."""
    if shift.node != ANY_NODE:
        return shift
    sampling = model.get_model_object("model_sampling")
    if _present_shift(model)[0] == "mu":
        return Shift(math.log(shift.value), "mu", "ModelSamplingFlux")
    is_unit = getattr(sampling, "multiplier", 1000) == 1
    return Shift(shift.value, "linear", "ModelSamplingAuraFlow" if is_unit else "ModelSamplingSD3")


def _present_shift(model: Any) -> tuple[str, float | None]:
    sampling = model.get_model_object("model_sampling")
    value = getattr(sampling, "shift", None)
    unit = "mu" if "Flux" in "".join(kind.__name__ for kind in type(sampling).__mro__) else "linear"
    return unit, round(float(value), 3) if value is not None else None


def known_names(plan: StepPlan) -> tuple[StepPlan, list[str]]:
    """Return the plan with names that this ComfyUI has, and what was replaced, one sentence each.

    A sampler or scheduler may be newer than this ComfyUI, or a hand-written preset may contain a typo.
    """
    warnings = []
    for name, available, instead in (
        ("sampler_name", comfy.samplers.KSampler.SAMPLERS, "euler"),
        ("scheduler", comfy.samplers.KSampler.SCHEDULERS, "simple"),
    ):
        wanted = getattr(plan, name)
        if wanted not in available:
            plan = replace(plan, **{name: instead})
            lacks = "{name}: this ComfyUI has no {wanted}, so {instead} is used instead."
            values = {"name": name, "wanted": repr(wanted), "instead": instead}
            warnings.append(Message("caution.lacks", lacks, values))
    return plan, warnings


def plan_sigmas(model: Any, plan: StepPlan) -> torch.Tensor:
    """Return the plan's schedule for this model, shape (steps + 1,).

    A fixed schedule is used exactly; otherwise, the stock scheduler makes the schedule.
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
    """Return the plan's own schedule, shape (steps + 1,), or None if the stock scheduler makes it.

    Fixed noise levels are returned as they are; trained timesteps are converted to the model's noise levels. A
    scheduler with numbers of its own works with every step count.
    """
    sampling = model.get_model_object("model_sampling")
    if not fixed_schedule(plan):
        return _with_options(sampling, plan) if plan.scheduler_options else None
    if plan.sigmas:
        return torch.tensor(plan.sigmas, dtype=torch.float32)
    levels = sampling.sigma(torch.tensor(plan.timesteps, dtype=torch.float32)).float().cpu()
    return torch.cat([levels, levels.new_zeros(1)])


def _with_options(sampling: Any, plan: StepPlan) -> torch.Tensor | None:
    """Return the levels of a stock scheduler with a plan's numbers, as the stock nodes make them."""
    options = plan.scheduler_options
    if plan.scheduler == "karras":
        ends = float(sampling.sigma_min), float(sampling.sigma_max)
        return get_sigmas_karras(plan.steps, *ends, rho=options["rho"]).float().cpu()
    if plan.scheduler == "beta":
        return comfy.samplers.beta_scheduler(sampling, plan.steps, options["alpha"], options["beta"]).float().cpu()
    return None
