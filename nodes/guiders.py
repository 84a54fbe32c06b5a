"""What ComfyUI's guiders tell of their guidance: the scale in force, and the halves that a call can have."""

from typing import Any

# CFGGuider and most others keep one scale; DualCFGGuider keeps two, and a `cfg` that it does not read.
_SCALES = ("cfg1", "cfg2"), ("cfg",)


def scale_names(guider: Any) -> tuple[str, ...]:
    """Return the attributes in which a guider keeps its guidance scales, none for one of an unknown kind."""
    return next((names for names in _SCALES if all(hasattr(guider, name) for name in names)), ())


def scale_in_force(guider: Any) -> float | None:
    """Return the guidance scale as it is now, the first of several; None where the guider tells none."""
    names = scale_names(guider)
    return float(getattr(guider, names[0])) if names else None


def halves_there(guider: Any) -> int:
    """Return for how many halves (positive, negative, ...) the guider has conditioning."""
    return sum(1 for cond in getattr(guider, "conds", {}).values() if cond)
