"""Converts predictions from inside a sampler to LATENT samples, as the guider does with the sampler's result."""

from typing import Any

import comfy.model_management
import comfy.nested_tensor
import comfy.utils
import torch


def as_result(guider: Any, sigma: float, denoised: torch.Tensor) -> torch.Tensor:
    """Return what a sampler would return if it ended with this prediction at this noise level."""
    level = torch.tensor(sigma, dtype=torch.float32, device=denoised.device)
    return guider.inner_model.model_sampling.inverse_noise_scaling(level, denoised)


def as_latent(guider: Any, denoised: torch.Tensor, sigma: float = 0.0) -> Any:
    """Return predictions, or results that end at a noise level, as samples of a LATENT.

    If the model's latents have several parts, so do the samples.
    """
    samples = guider.inner_model.process_latent_out(as_result(guider, sigma, denoised.float()))
    return in_parts(guider, samples.to(comfy.model_management.intermediate_device()))


def in_parts(guider: Any, samples: torch.Tensor) -> Any:
    """Return samples as the parts of the model's latents, or unchanged if those have only one part."""
    shapes = _latent_shapes(guider)
    if shapes is None or len(shapes) < 2:
        return samples
    return comfy.nested_tensor.NestedTensor(comfy.utils.unpack_latents(samples, shapes))


def _latent_shapes(guider: Any) -> Any:
    """Return the shapes of the parts of a latent (e.g. video and audio), which samplers see packed into one."""
    shapes = getattr(guider.inner_model, "latent_shapes", None)
    if shapes is not None:
        return shapes
    # In ComfyUI before 0.28, only the model's own conditions hold them.
    conds = [cond for part in guider.conds.values() for cond in part]
    from_conds = [
        cond["model_conds"]["latent_shapes"].cond for cond in conds if "latent_shapes" in cond.get("model_conds", {})
    ]
    return from_conds[0] if from_conds else None
