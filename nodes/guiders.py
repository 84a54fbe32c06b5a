"""What ComfyUI's guiders tell of their guidance: the scale in force, and the halves that a call can have."""

from collections.abc import Sequence
from typing import Any

# CFGGuider and most others keep one scale; DualCFGGuider keeps two, and a `cfg` that it does not read.
_SCALES = ("cfg1", "cfg2"), ("cfg",)


def scale_names(guider: Any) -> tuple[str, ...]:
    """Return the attributes in which a guider keeps its guidance scales, none for one of an unknown kind.

    Some packs keep a list there, one scale a step: that is of an unknown kind.
    """
    return next((names for names in _SCALES if all(_is_number(getattr(guider, name, None)) for name in names)), ())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def scale_in_force(guider: Any, used: Sequence[Any]) -> float | None:
    """Return the guidance scale of a model call, the first of several; None where nothing tells it.

    Args:
        guider: the guider that made the call.
        used: scales that ComfyUI's cfg function was called with meanwhile; some guiders have one for each step there.
    """
    names = scale_names(guider)
    if len(names) < 2 and used and _is_number(used[0]):
        return float(used[0])
    return float(getattr(guider, names[0])) if names else None


def halves_there(guider: Any) -> int:
    """Return for how many halves (positive, negative, ...) the guider has conditioning."""
    return sum(1 for cond in getattr(guider, "conds", {}).values() if cond)
