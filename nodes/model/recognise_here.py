"""Recognition with all that this ComfyUI knows: its installed templates and the user's own presets."""

from dataclasses import replace
from functools import cache
from typing import Any

from ...presets.plan import StepPlan
from ...presets.qualities import QUALITIES
from ...presets.recognition.recognise import CONFIDENCES, Recognition, Wishes, recognise
from ...presets.sources.templates import TemplateIndex, load_index
from .user_folder import user_presets

UNKNOWN = "unknown"


@cache
def _templates() -> TemplateIndex:
    return load_index()


def recognise_here(evidence: Any, quality: str, confidence: str = CONFIDENCES[0]) -> Recognition:
    """Return which variant the evidence tells, and its plan of a quality."""
    saved = user_presets()
    wishes = Wishes(
        quality=quality,  # pyright: ignore[reportArgumentType] - one of the combo's
        prefer=saved.prefer,
        saved=saved,
        templates=_templates(),
        confidence=confidence,
    )
    found = recognise(evidence, wishes)
    return replace(found, text=f"{found.text}\nYour presets: {saved.problem}.") if saved.problem else found


def counts_of_qualities(evidence: Any, plan: StepPlan | None) -> dict[str, int]:
    """Return the step counts that draft, balanced and best stand for: the linked plan's own quality as it says.

    Raises:
        ValueError: if the model is not recognised, so that there is nothing they could stand for.
    """
    found = {quality: recognise_here(evidence, quality).plan for quality in QUALITIES}
    if any(one.variant == UNKNOWN for one in found.values()):
        raise ValueError(
            "steps: draft, balanced and best need a model that is recognised; write numbers, or save a preset for this "
            "model's file with Save Step Preset"
        )
    counts = {quality: one.steps for quality, one in found.items()}
    return counts | ({plan.quality: plan.steps} if plan else {})
