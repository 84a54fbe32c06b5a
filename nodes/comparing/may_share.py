"""Whether step counts may share model calls: not if anything assumes one noise level for the whole batch."""

from collections.abc import Mapping
from typing import Any

import torch

from ...samplers.solvers import SOLVERS
from ...words import Message

# Entries with which ComfyUI limits a condition to part of the schedule, with the values that mean no limit.
_PARTIAL = {"start_percent": 0.0, "clip_start_percent": 0.0, "end_percent": 1.0, "clip_end_percent": 1.0}
_COMPILED = "torch_compile_kwargs"
_PLAIN = (bool, int, float, str, bytes, torch.dtype, torch.Tensor, type(None))


def why_not_share(model: Any, sampler_name: str, positive: Any, negative: Any, latent: dict[str, Any]) -> str:
    """Return why step counts cannot share model calls; empty if they can.

    This is strict: it allows only what is known not to read the noise level. Differential diffusion, EasyCache, context
    windows, skip-layer guidance and the like add functions or wrappers to the model, which reveal them.
    """
    if sampler_name not in SOLVERS:
        values = {"solvers": ", ".join(SOLVERS), "sampler": sampler_name}
        return Message("alone.solver", "only {solvers} can be batched, not {sampler}", values)
    if getattr(latent["samples"], "is_nested", False):
        return Message("alone.parts", "the latent has several parts")
    if "noise_mask" in latent:
        return Message("alone.mask", "the latent has a noise mask")
    batch = latent["samples"].shape[0]
    return _of_model(model) or _of_conditions(positive, batch) or _of_conditions(negative, batch)


def _of_model(model: Any) -> str:
    options = dict(model.model_options)
    if _COMPILED in options:
        return Message("alone.compiled", "the model is compiled, and would be compiled again for each batch size")
    transformer = options.pop("transformer_options", {})
    patches = [name for name, value in (*options.items(), *transformer.items()) if _holds_something(value)]
    patches += [
        name for name in ("wrappers", "injections", "hook_patches") if _holds_something(getattr(model, name, None))
    ]
    patches += [name for name in getattr(model, "object_patches", {}) if name != "model_sampling"]
    if patches:
        patch = "a model patch may assume one noise level for the whole batch ({patches})"
        return Message("alone.patch", patch, {"patches": ", ".join(sorted(set(patches)))})
    network = getattr(model.model, "diffusion_model", None)
    if getattr(getattr(network, "params", None), "meanflow", False):
        return Message("alone.schedule", "this model reads its schedule")
    return ""


def _holds_something(value: Any) -> bool:
    """Return whether nested containers hold anything."""
    if isinstance(value, Mapping):
        return any(_holds_something(entry) for entry in value.values())
    return bool(value) if isinstance(value, list | tuple | set) else value is not None


def _of_conditions(conditioning: Any, batch: int) -> str:
    for embedding, values in conditioning:
        if not all(_divides(tensor, batch) for tensor in _tensors([embedding, values])):
            return Message("alone.batch", "the batch size of a condition does not divide the latent's")
        for name, value in values.items():
            if name in _PARTIAL and value not in (None, _PARTIAL[name]):
                return Message("alone.part", "a condition applies only to part of the schedule")
            if name == "mask" or not _is_plain(value):
                return f"a condition has {name!r}, which can't be batched safely"
    return ""


def _divides(tensor: torch.Tensor, batch: int) -> bool:
    """Return whether each run's images get the same conditions when ComfyUI repeats the condition's batch."""
    return tensor.ndim == 0 or (tensor.shape[0] > 0 and batch % tensor.shape[0] == 0)


def _tensors(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    entries = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return [tensor for entry in entries for tensor in _tensors(entry)]


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(_is_plain(entry) for entry in value.values())
    if isinstance(value, list | tuple):
        return all(_is_plain(entry) for entry in value)
    return isinstance(value, _PLAIN)
