"""Reads from a diffusers scheduler's configuration what the model predicts and which noise levels it was trained on."""

import math
from collections.abc import Mapping
from typing import Any

from ..samplers.noise_levels import NoiseLevels, diffusion_levels, flow_levels
from .step_scheduler import EPSILON, FLOW, V

_FLOW_CLASSES = ("FlowMatchEulerDiscreteScheduler", "FlowMatchHeunDiscreteScheduler", "FlowMatchLCMScheduler")
# The numbers of tokens and the mu between which diffusers interpolates, unless the configuration says otherwise.
_TOKENS, _MU = (256, 4096), (0.5, 1.15)


def prediction_of(config: Mapping[str, Any]) -> str:
    """Return what the model predicts: `flow_prediction`, `epsilon` or `v_prediction`.

    Raises:
        ValueError: if it predicts something else, or the levels can't be told from the configuration.
    """
    name = str(config.get("_class_name", ""))
    if name in _FLOW_CLASSES or config.get("prediction_type") == FLOW or config.get("use_flow_sigmas"):
        return FLOW
    if name.startswith("EDM") or config.get("rescale_betas_zero_snr") or config.get("trained_betas"):
        what = "rescale_betas_zero_snr" if config.get("rescale_betas_zero_snr") else "trained_betas"
        what = f"the class {name}" if name.startswith("EDM") else what
        raise ValueError(f"scheduler: expected a flow-matching model or one with regular betas, got {what}")
    predicted = str(config.get("prediction_type", EPSILON))
    if predicted not in (EPSILON, V):
        raise ValueError(f"scheduler: expected prediction_type {EPSILON}, {V} or {FLOW}, got {predicted!r}")
    return predicted


def shift_of(config: Mapping[str, Any], tokens: int) -> float:
    """Return the linear shift of a flow-matching model.

    Args:
        config: the scheduler's configuration.
        tokens: how many tokens the model sees of an image; some models are shifted further for larger ones.
    """
    if not config.get("use_dynamic_shifting"):
        return float(config.get("flow_shift") or config.get("shift") or 1.0)
    fewest, most = config.get("base_image_seq_len", _TOKENS[0]), config.get("max_image_seq_len", _TOKENS[1])
    low, high = config.get("base_shift", _MU[0]), config.get("max_shift", _MU[1])
    mu = low + (high - low) * (tokens - fewest) / (most - fewest)
    return mu if config.get("time_shift_type") == "linear" else math.exp(mu)


def levels_of(config: Mapping[str, Any], shift: float, trained_levels: int) -> NoiseLevels:
    """Return the model's noise levels, as ComfyUI has them.

    Args:
        config: the scheduler's configuration.
        shift: the linear shift; only for a flow-matching model.
        trained_levels: how many levels the table of a flow-matching model has.

    Raises:
        ValueError: if the betas are not spaced in a known way.
    """
    if prediction_of(config) == FLOW:
        return flow_levels(shift, levels=trained_levels)
    spacing = config.get("beta_schedule", "linear")
    first, last = config.get("beta_start", 0.0001), config.get("beta_end", 0.02)
    return diffusion_levels(first, last, config.get("num_train_timesteps", 1000), spacing)
