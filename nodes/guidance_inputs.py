"""The inputs that choose a guidance window, and the window built from them."""

from typing import Any

from comfy_api.latest import io

from ..presets.guidance_windows import find_window, load_windows
from ..samplers.guidance_window import GuidanceWindow
from .model.noise_levels import from_noise_ratio
from .running.guidance_saver import GuidanceSaver
from .schema import expert

ALWAYS, BY_FRACTIONS, BY_SIGMAS = "always", "by fractions", "by sigmas"
CHOICES = (ALWAYS, *(window.name for window in load_windows()), BY_FRACTIONS, BY_SIGMAS)


def window_inputs() -> list[io.Input]:
    """Return the inputs guidance_window, window_start and window_end."""
    return [
        io.Combo.Input(
            "guidance_window",
            options=list(CHOICES),
            default=ALWAYS,
            optional=True,
            tooltip="The steps in which cfg applies. Elsewhere cfg is 1 and the unconditional half isn't computed: "
            '"first half" saves a quarter of the computing. "adaptive" turns cfg off once both halves agree. '
            '"always" is the stock behaviour.',
        ),
        io.Float.Input(
            "window_start",
            default=0.0,
            min=0.0,
            max=1000.0,
            step=0.01,
            optional=True,
            tooltip='"by fractions": the share of the steps after which guidance starts, 0 to 1. '
            '"by sigmas": the highest noise level with guidance.',
            **expert(),
        ),
        io.Float.Input(
            "window_end",
            default=1.0,
            min=0.0,
            max=1000.0,
            step=0.01,
            optional=True,
            tooltip='"by fractions": the share of the steps after which guidance stops, 0 to 1. '
            '"by sigmas": the noise level at which guidance stops; that level itself gets none.',
            **expert(),
        ),
    ]


def chosen_saver(choice: str, start: float, end: float, model: Any) -> GuidanceSaver | None:
    """Return what adds the chosen window to a model or guider, or None for guidance in every step.

    Args:
        choice: the value of guidance_window.
        start: the value of window_start.
        end: the value of window_end.
        model: ModelPatcher; a recommended interval is converted to its kind of noise levels.

    Raises:
        ValueError: names the input, the allowed values and the value that was given.
    """
    if choice not in CHOICES:
        raise ValueError(f"guidance_window: expected one of {', '.join(CHOICES)}; got {choice!r}")
    if choice == ALWAYS:
        return None
    if choice == BY_FRACTIONS:
        return GuidanceSaver(GuidanceWindow(start, end), description=f"from {start:g} to {end:g} of the steps")
    if choice == BY_SIGMAS:
        return GuidanceSaver(GuidanceWindow(start, end, "sigma"), description=f"from sigma {start:g} to {end:g}")
    named = find_window(choice)
    first, last = named.start, named.end
    if named.unit == "sigma":
        sampling = model.get_model_object("model_sampling")
        first, last = (from_noise_ratio(sampling, level) for level in (first, last))
    return GuidanceSaver(GuidanceWindow(first, last, named.unit), named.agreed, f"{named.name}; source: {named.source}")
