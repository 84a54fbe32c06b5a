"""What a MODEL socket's value tells of the model behind it. Private attributes of ComfyUI are read with a guard."""

from pathlib import Path
from typing import Any

from ..presets.detection import Evidence


def gather_evidence(model: Any) -> Evidence:
    """Return the class and geometry of a ModelPatcher's model; empty where it does not say."""
    config = getattr(getattr(model, "model", None), "model_config", None)
    if config is None:
        return Evidence("", {})
    return Evidence(type(config).__name__, dict(getattr(config, "unet_config", None) or {}))


def file_name(model: Any) -> str:
    """Return the name of the file that a ModelPatcher was loaded from, `not known` where it does not say."""
    try:
        return Path(model.cached_patcher_init[1][0]).name
    except (AttributeError, IndexError, KeyError, TypeError):
        return "not known"
