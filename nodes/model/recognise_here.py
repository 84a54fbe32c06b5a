"""Recognition that also uses this ComfyUI's installed templates and the user's own presets."""

from dataclasses import replace
from functools import cache

from ...presets.plan import UNKNOWN, StepPlan
from ...presets.qualities import Quality
from ...presets.recognition.evidence import Evidence
from ...presets.recognition.finding import Recognition
from ...presets.recognition.recognise import Wishes, recognise, recognise_all
from ...presets.sources.in_file import FileSettings
from ...presets.sources.sidecars import SidecarSettings
from ...presets.sources.templates import TemplateIndex, load_index
from ...presets.sources.user import UserPresets, read_user_presets
from ...words import Message
from .user_folder import presets_file
from .user_settings import preferred


@cache
def _templates() -> TemplateIndex:
    return load_index()


def recognise_here(evidence: Evidence, quality: Quality, min_confidence: str = UNKNOWN) -> Recognition:
    """Return which variant the evidence points to, and its plan for a quality."""
    saved = read_user_presets(presets_file())
    recognition = recognise(evidence, replace(_wishes(saved, min_confidence), quality=quality))
    return (
        replace(recognition, text=f"{recognition.text}\nYour presets: {saved.problem}.")
        if saved.problem
        else recognition
    )


def recognise_all_here(evidence: Evidence, min_confidence: str = UNKNOWN) -> dict[Quality, Recognition]:
    """Return the same for each quality."""
    return recognise_all(evidence, _wishes(read_user_presets(presets_file()), min_confidence))


def problem_with_presets() -> str:
    """Return what is wrong with the user's presets; empty if nothing is."""
    problem = read_user_presets(presets_file()).problem
    return Message("against.presets", "your presets: {problem}", {"problem": problem}) if problem else ""


def _wishes(saved: UserPresets, min_confidence: str) -> Wishes:
    return Wishes(
        prefer=preferred(saved.prefer),
        saved=saved,
        templates=_templates(),
        sidecar=SidecarSettings(),
        in_file=FileSettings(),
        types=saved.of_types(),
        min_confidence=min_confidence,
    )


def counts_of_qualities(evidence: Evidence, plan: StepPlan | None) -> tuple[StepPlan, dict[str, int]]:
    """Return the balanced plan, and the step counts that draft, balanced and best stand for.

    For a linked plan's own quality, the count is that of the plan.

    Raises:
        ValueError: if the model is not recognised, so that these words have no meaning.
    """
    plans = {quality: recognition.plan for quality, recognition in recognise_all_here(evidence).items()}
    if any(each.variant == UNKNOWN for each in plans.values()):
        raise ValueError(
            "steps: expected numbers, because this model isn't recognised; got draft, balanced or best. Write numbers, "
            "or save a preset for this model's file with Save Step Preset"
        )
    counts: dict[str, int] = {quality: each.steps for quality, each in plans.items()}
    return plans["balanced"], counts | ({plan.quality: plan.steps} if plan else {})
