"""Names the values that a node of a saved workflow stores by position.

Newer ComfyUI versions list the names in the node itself. For older files, `widgets.json` has those of ComfyUI 0.33 and
of packs with samplers and loaders, read from their INPUT_TYPES.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from .model_files import is_model_file

Record = dict[str, Any]

# The browser stores what happens to a seed after each run, without an input of that name, after the seed.
_CONTROLS = frozenset({"fixed", "increment", "decrement", "randomize", "increment-wrap"})


def widget_values(node: Record) -> Record:
    """Return a node's own values by name.

    Values whose names nobody knows are numbered. The node's class tells whether a model file is a LoRA. An object or
    list that holds LoRAs stays whole.
    """
    values = node.get("widgets_values")
    if isinstance(values, dict):
        return {str(name): value for name, value in values.items() if name != "videopreview"}
    if not isinstance(values, list):
        return {}
    own, known = _names_in(node), _known().get(str(node.get("type")))
    for names in (own, known):
        named = _named(names, values) if names else None
        if named is not None:
            return named
    loose = dict(zip(known, _without_controls(known, values), strict=False)) if known else {}
    if loose and _is_plausible(loose):
        return loose
    return _numbered(str(node.get("type", "")), values)


@cache
def _known() -> dict[str, list[str]]:
    return json.loads((Path(__file__).parent / "widgets.json").read_text("utf-8"))


def _names_in(node: Record) -> list[str]:
    entries = [entry.get("widget") for entry in node.get("inputs") or [] if isinstance(entry, dict)]
    return [str(widget["name"]) for widget in entries if isinstance(widget, dict) and widget.get("name")]


def _named(names: list[str], values: list[Any]) -> Record | None:
    """Return the values by name, or None if there are not as many values as names."""
    values = values if len(values) == len(names) else _without_controls(names, values)
    return dict(zip(names, values, strict=True)) if len(values) == len(names) else None


def _without_controls(names: list[str], values: list[Any]) -> list[Any]:
    """Return the values without what follows a seed, unless a name stands for it."""
    kept: list[Any] = []
    for value in values:
        after = names[len(kept) - 1] if 0 < len(kept) <= len(names) else ""
        named = len(kept) < len(names) and "control" in names[len(kept)]
        is_control = isinstance(value, str) and value in _CONTROLS
        # The first versions stored true or false instead of words.
        is_control |= isinstance(value, bool) and "seed" in after and len(values) > len(names)
        follows_number = bool(kept) and isinstance(kept[-1], int | float) and not isinstance(kept[-1], bool)
        if not (is_control and follows_number and not named):
            kept.append(value)
    return kept


def _is_plausible(named: Record) -> bool:
    """Return whether values fit their names: the order of a class's inputs may have been another in older versions."""
    texts = [named[name] for name in ("sampler_name", "scheduler") if name in named]
    numbers = [named[name] for name in ("steps", "cfg", "denoise") if name in named]
    fits = all(isinstance(text, str) for text in texts) and not any(isinstance(each, str | bool) for each in numbers)
    return fits and all(isinstance(each, int | float) for each in numbers) and float(named.get("denoise", 0)) <= 1


def _numbered(kind: str, values: list[Any]) -> Record:
    if len(values) == 1 and isinstance(values[0], int | float | str) and not is_model_file(values[0]):
        return {"value": values[0]}
    stem = "lora" if "lora" in kind.lower() else "model"
    found: Record = {}
    for number, value in enumerate(values):
        if is_model_file(value):
            found[f"{stem}_name_{number}"] = value
        elif isinstance(value, dict) and "lora" in value:
            found[f"lora_{number}"] = value
        elif stem == "lora" and isinstance(value, list) and value:
            found[f"loras_{number}"] = value
        elif isinstance(value, int | float | str):
            found[f"value_{number}"] = value
    return found
