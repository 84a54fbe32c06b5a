"""What one model file says about itself: its name, and the class that ComfyUI will load it as, from its header.

The table of classes is `layouts.json`; a test compares it with ComfyUI's own detection, class by class.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from ...graphs.walk import Lora
from .evidence import Evidence
from .headers import Header

# Prefixes that checkpoints and exporters add to the diffusion model's tensor names; the longest match is tried first.
PREFIXES = ("model.diffusion_model.", "diffusion_model.", "model.model.", "net.", "model.", "transformer.", "")
# Marker tensors beside the diffusion model, and the ModelType that ComfyUI infers from them.
_PREDICTIONS = (
    ("edm_vpred.sigma_max", "V_PREDICTION_EDM"),
    ("edm_mean", "EDM"),
    ("v_pred", "V_PREDICTION"),
)
_LORA_KEY = re.compile(r"(^|[._])lora(_|\.|[AB])|\.(lora_down|lora_up|lokr_w1|hada_w1_a)")
# Classes whose prediction depends on a marker tensor alone; without one they are EPS.
_MARKED = ("SD15", "SDXL", "SDXLRefiner", "SDXL_instructpix2pix", "SSD1B")
# GGUF architectures that always load as one class; for others (flux, wan, ...) the file name has to decide.
_GGUF_CLASSES = {
    "sd1": "SD15",
    "sdxl": "SDXL",
    "aura": "AuraFlow",
    "hidream": "HiDream",
    "qwen_image": "QwenImage",
}

Shapes = dict[str, tuple[int, ...]]


def evidence_of_file(name: str, header: Header, loras: tuple[Lora, ...] = ()) -> Evidence:
    """Return the evidence of a file that is a LoRA or a model.

    Args:
        name: the file's name.
        header: what its first bytes hold; if it is empty, only the name counts.
        loras: LoRAs that are applied to it.
    """
    if is_lora(header):
        return Evidence(loras=(*loras, Lora(name)), metadata=header.metadata)
    architecture, geometry, prediction = architecture_of(header)
    return Evidence(architecture, geometry, prediction, (name,), loras, header.metadata)


def architecture_of(header: Header) -> tuple[str, dict[str, Any], str]:
    """Return the name of the class in `comfy.supported_models`, the geometry that identifies it, and its ModelType.

    Each is empty if the header does not show it.
    """
    family = _GGUF_CLASSES.get(header.metadata.get("general.architecture", ""), "")
    for prefix in PREFIXES:
        shapes = _without(prefix, header.shapes)
        for layout in _layouts() if shapes else ():
            if _fits(layout, shapes, header.metadata):
                architecture = layout["architecture"]
                geometry = {name: _read(rule, shapes) for name, rule in layout.get("geometry", {}).items()}
                return architecture, geometry, _prediction(architecture, header.shapes)
    return family, {}, ""


def is_lora(header: Header) -> bool:
    """Return whether a file holds a LoRA (or one of its relatives) rather than a model."""
    first = list(header.shapes)[:20]
    return any(_LORA_KEY.search(name) for name in first)


@cache
def _layouts() -> list[dict[str, Any]]:
    return json.loads((Path(__file__).parent / "layouts.json").read_text("utf-8"))["layouts"]


def _without(prefix: str, shapes: Shapes) -> Shapes:
    """Return the tensors with a prefix removed from their names; names without it stay. Empty if none has it."""
    if not prefix:
        return shapes
    inner = {name.removeprefix(prefix): shape for name, shape in shapes.items() if name.startswith(prefix)}
    return {name: shape for name, shape in shapes.items() if not name.startswith(prefix)} | inner if inner else {}


def _fits(layout: dict[str, Any], shapes: Shapes, metadata: dict[str, str]) -> bool:
    for name, wanted in layout["has"].items():
        shape = shapes.get(name)
        if shape is None or (wanted is not None and not _same(shape, wanted)):
            return False
    if any(name in shapes for name in layout.get("lacks", ())):
        return False
    return all(_look_up(metadata, path) == value for path, value in layout.get("metadata", {}).items())


def _same(shape: tuple[int, ...], wanted: list[int | None]) -> bool:
    return len(shape) == len(wanted) and all(w is None or w == s for s, w in zip(shape, wanted, strict=True))


def _look_up(metadata: dict[str, str], path: str) -> Any:
    """Follow a dotted path: the first part is a metadata entry whose text is JSON."""
    entry, *rest = path.split(".")
    try:
        value = json.loads(metadata.get(entry, "null"))
    except (ValueError, RecursionError):
        return None
    for part in rest:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _read(rule: dict[str, Any], shapes: Shapes) -> Any:
    if "key" in rule:
        shape = shapes.get(rule["key"])
        return shape[rule["axis"]] // rule.get("divide", 1) if shape and len(shape) > rule["axis"] else None
    if "count" in rule:
        start = rule["count"] + "."
        return len({name[len(start) :].split(".", 1)[0] for name in shapes if name.startswith(start)})
    return rule.get("yes", True) if rule["present"] in shapes else rule.get("no", False)


def _prediction(architecture: str, shapes: Shapes) -> str:
    for mark, prediction in _PREDICTIONS:
        if mark in shapes:
            return prediction
    return "EPS" if architecture in _MARKED else ""
