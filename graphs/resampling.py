"""Makes a fixed list of noise levels with more or fewer levels."""

import math
import re


def levels_in(text: str) -> list[float]:
    """Return the noise levels in a text such as `1.0, 0.85, 0.42, 0.0`, as ComfyUI's ManualSigmas reads them."""
    return [float(level) for level in re.findall(r"[-+]?[0-9]*\.?[0-9]+", text)]


def resampled(text: str, steps: int) -> str:
    """Return a list of `steps` + 1 levels along the same curve, interpolated in the logarithm of the level.

    The first and last level stay. A last level of 0 has no logarithm and is reached from the level before it.

    Raises:
        ValueError: if the text has fewer than 2 levels above 0.
    """
    levels = levels_in(text)
    ends_at_zero = bool(levels) and levels[-1] == 0
    above_zero = levels[:-1] if ends_at_zero else levels
    if len(above_zero) < 2 or min(above_zero) <= 0:
        raise ValueError(f"fixed_sigmas: expected at least 2 levels above 0 to resample, got {text[:60]!r}")
    logs = [math.log(level) for level in above_zero]
    points = steps if ends_at_zero else steps + 1
    curve = [_at(logs, number / max(points - 1, 1)) for number in range(points)]
    return ", ".join(map(_text, [*map(math.exp, curve), *([0.0] if ends_at_zero else [])]))


def _text(level: float) -> str:
    # Without an exponent, which ManualSigmas can't read.
    return f"{level:.12f}".rstrip("0").rstrip(".")


def _at(values: list[float], share: float) -> float:
    place = share * (len(values) - 1)
    left = min(int(place), len(values) - 2)
    return values[left] + (place - left) * (values[left + 1] - values[left])
