"""Converts a model's noise levels to and from sigma in x = image + sigma * noise, which our estimates use."""

import math
from collections.abc import Callable
from typing import Any

import comfy.model_sampling


def to_noise_ratio(model_sampling: Any) -> Callable[[float], float] | None:
    """Return a function from the model's levels to the ratio of noise to image; None if its levels mean something else.

    A flow-matching model mixes x = (1 - t) image + t s noise, so the ratio is t s / (1 - t). The noise scale s is 1 for
    most models. The levels of image-to-image models aren't noise levels.
    """
    kinds = [getattr(comfy.model_sampling, name, None) for name in ("IMG_TO_IMG", "IMG_TO_IMG_FLOW")]
    if any(kind is not None and isinstance(model_sampling, kind) for kind in kinds):
        return None
    if isinstance(model_sampling, comfy.model_sampling.CONST):
        scale = _noise_scale(model_sampling)
        return lambda t: scale * t / (1 - t) if t < 1 else math.inf
    return lambda sigma: sigma


def from_noise_ratio(model_sampling: Any, ratio: float) -> float:
    """Return the model's level at a ratio of noise to image."""
    if isinstance(model_sampling, comfy.model_sampling.CONST):
        return ratio / (_noise_scale(model_sampling) + ratio)
    return ratio


def _noise_scale(model_sampling: Any) -> float:
    return float(getattr(model_sampling, "noise_scale", 1.0))
