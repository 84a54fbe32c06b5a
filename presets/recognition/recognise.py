"""Recognises a model: its variant, the confidence, and the plan it gets. One function for node, shell and browser.

It goes by, in this order: the user's choice, the user's saved preset for the file, settings in the file, those beside
it, the user's settings for its type, the exact file name in the installed official templates, LoRAs and file names, the
file's metadata, class and geometry. If nothing matches, it uses the safe default and says so.
"""

import re
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ...words import Message
from ..catalogue import Variant, find_variant
from ..plan import FEW_STEPS, FEW_STEPS_CFG, SAFE_DEFAULT, UNKNOWN, StepPlan
from ..qualities import QUALITIES, Preference, Quality, make_plan
from .cautions import cautions_of
from .evidence import Evidence
from .explain import explain
from .finding import CERTAIN, CONFIDENCES, FAMILY_ONLY, LIKELY, Finding, Recognition
from .matching import (
    Match,
    carries,
    match_base_model,
    match_class,
    match_file,
    match_folder,
    match_lora,
    match_metadata,
    stand_in,
)
from .names import MOST_FEW_STEPS, accelerator_word, names_a_part, normalise, steps_in_name

_LORA_WORD = re.compile(r"(?:^|_)(?:loras?\d*|lokr|alpha|rank_?\d+)(?=_|$)")


class Overlay(Protocol):
    """Settings from elsewhere for this file: a saved preset, an official template, the file itself, its sidecar."""

    def find(self, evidence: Evidence, quality: Quality, finding: Finding) -> tuple[dict[str, Any], str] | None:
        """Return the plan's fields that it knows and the words for their source, or None if it knows nothing.

        `finding` is what the catalogue alone says.
        """
        ...


@dataclass(frozen=True)
class Wishes:
    """What the caller asks for.

    Attributes:
        quality: draft, balanced or best.
        prefer: whose numbers balanced uses if both are known.
        saved: the user's saved presets.
        templates: the installed official templates.
        sidecar: settings in a file beside the model.
        in_file: settings in the model's file.
        types: the user's settings for all models of a type.
        min_confidence: the lowest confidence that is accepted; less certain matches get the safe default.
    """

    quality: Quality = "balanced"
    prefer: Preference = "template"
    saved: Overlay | None = None
    templates: Overlay | None = None
    sidecar: Overlay | None = None
    in_file: Overlay | None = None
    types: Overlay | None = None
    min_confidence: str = UNKNOWN


def recognise(evidence: Evidence, wishes: Wishes | None = None) -> Recognition:
    """Return the variant that the evidence points to, the confidence, and the plan.

    Raises:
        ValueError: the chosen variant is not in the catalogue.
    """
    return _with_plan(_doubted(find(evidence), evidence), evidence, wishes or Wishes())


def recognise_all(evidence: Evidence, wishes: Wishes | None = None) -> dict[Quality, Recognition]:
    """Return the recognition for each quality, but look for the variant only once.

    Raises:
        ValueError: the chosen variant is not in the catalogue.
    """
    finding, wishes = _doubted(find(evidence), evidence), wishes or Wishes()
    return {quality: _with_plan(finding, evidence, replace(wishes, quality=quality)) for quality in QUALITIES}


def _with_plan(finding: Finding, evidence: Evidence, wishes: Wishes) -> Recognition:
    plan = _with_split(_plan(finding, wishes), evidence, wishes)
    plan, finding = _overlay(evidence, wishes, plan, finding)
    if CONFIDENCES.index(finding.confidence) < CONFIDENCES.index(wishes.min_confidence):
        plan, finding = SAFE_DEFAULT, replace(finding, required=wishes.min_confidence)
    cautions = cautions_of(finding, plan, evidence)
    plan = replace(plan, quality=wishes.quality, warnings=cautions)
    return Recognition(plan, finding, explain(finding, plan, evidence))


def _doubted(finding: Finding, evidence: Evidence) -> Finding:
    if not evidence.doubts:
        return finding
    confidence = FAMILY_ONLY if finding.confidence in (LIKELY, CERTAIN) and not evidence.choice else finding.confidence
    return replace(finding, confidence=confidence, contradictions=(*finding.contradictions, *evidence.doubts))


def find(evidence: Evidence) -> Finding:
    """Return the variant that the evidence points to, using the catalogue alone."""
    if evidence.choice:
        return _chosen(evidence)
    searches = (_by_lora, _by_file, _by_metadata, _by_class)
    found = next(finding for search in searches if (finding := search(evidence)) is not None)
    found = _with_sidecar(found, evidence)
    return found if found.confidence in (LIKELY, CERTAIN) else _accelerated(found, evidence)


def _accelerated(finding: Finding, evidence: Evidence) -> Finding:
    """Return the finding with the name that says few steps, where the catalogue has no few-step entry for it."""
    if finding.variant is not None and finding.variant.distilled:
        return finding
    loras = [("LoRA", lora.name) for lora in reversed(evidence.active_loras) if not _named_after_its_base(lora.name)]
    for what, name in loras + [("file", name) for name in evidence.files if not names_a_part(normalise(name))]:
        if word := accelerator_word(name):
            says = _says(what, name, word)
            signals = finding.signals if says in finding.signals else (*finding.signals, says)
            told = finding.told_steps or steps_in_name(name)
            return replace(finding, few_step=says, told_steps=told, signals=signals)
    return finding


def _with_sidecar(finding: Finding, evidence: Evidence) -> Finding:
    """Return what a file beside the model says it is, unless the finding is surer or a few-step model."""
    few = finding.variant is not None and finding.variant.distilled
    if evidence.sidecar is None or few or finding.refused or finding.confidence in (LIKELY, CERTAIN):
        return finding
    variant = match_base_model(evidence.sidecar.base_model)
    if variant is None:
        return finding
    says = _says("", evidence.sidecar.file, evidence.sidecar.base_model)
    if not carries(evidence, variant, lora=bool(variant.signals.loras)):
        against = Message("against.says", "{says}, but {other}", {"says": says, "other": _class_says(evidence)})
        return replace(finding, contradictions=(*finding.contradictions, against))
    by_name = finding.variant if any(signal.startswith("file ") for signal in finding.signals) else None
    other = by_name is not None and by_name is not variant and not by_name.signals.by_class
    against = (_name_says(by_name),) if by_name is not None and other else ()
    contradictions = (*finding.contradictions, *against)
    return Finding(variant, FAMILY_ONLY, (says, *finding.signals), contradictions, finding.alternatives)


def _chosen(evidence: Evidence) -> Finding:
    variant = find_variant(evidence.choice)
    against = () if carries(evidence, variant, lora=bool(variant.signals.loras)) else (_class_says(evidence),)
    return Finding(variant, CERTAIN, (Message("signal.chosen", "chosen by you"),), against)


def _by_lora(evidence: Evidence) -> Finding | None:
    for lora in reversed(evidence.active_loras):
        fitting = [match for match in match_lora(lora.name) if carries(evidence, match.variant, lora=True)]
        # A LoRA of a full-length model whose name says few steps is another one: `animatediff_lcm_lora`.
        if fitting and (fitting[0].variant.distilled or not accelerator_word(lora.name)):
            signal = Message("signal.lora", "LoRA {name}", {"name": lora.name})
            return Finding(fitting[0].variant, LIKELY, (signal,), told_steps=steps_in_name(lora.name))
        if accelerator_word(lora.name) and not _named_after_its_base(lora.name):
            nearest = _nearest_few_step(evidence, lora.name, "LoRA", _base_of(evidence, lora.name))
            return nearest or _unknown_accelerator(evidence, lora.name)
    return None


def _base_of(evidence: Evidence, lora: str) -> Match | None:
    """Return the entry that the base's file name points to, or else the one that the LoRA's name points to."""
    own_name = _LORA_WORD.sub("_", normalise(lora))
    matches = [match for name in (*evidence.files, own_name) for match in match_file(name)[:1]]
    return matches[0] if matches else None


def _named_after_its_base(name: str) -> bool:
    """Return whether a LoRA's few-step word belongs to its base: `z_image_turbo_my_style` accelerates nothing.

    `z_image_turbo_lora` says no more than its base: it makes that of an undistilled one.
    """
    bases = [match for match in match_file(_LORA_WORD.sub("_", normalise(name))) if match.variant.distilled]
    return bool(bases) and bases[0].says_more and steps_in_name(name) is None


def _unknown_accelerator(evidence: Evidence, name: str) -> Finding:
    """Return what is found without a few-step LoRA that is not in the catalogue."""
    finding = find(replace(evidence, loras=()))
    looks = "LoRA {name} looks like a few-step LoRA but isn't in the catalogue; use its author's settings"
    doubt = Message("against.accelerator", looks, {"name": name})
    confidence = FAMILY_ONLY if finding.variant is not None else UNKNOWN
    return replace(finding, confidence=confidence, contradictions=(*finding.contradictions, doubt))


def _by_file(evidence: Evidence) -> Finding | None:
    if not evidence.files:
        return None
    findings = [_one_file(evidence, name) for name in evidence.files]
    named = [finding for finding in findings if finding is not None and finding.variant is not None]
    refused = tuple(text for finding in findings if finding for text in finding.contradictions)
    if not named:
        return None if not refused else replace(_by_class(evidence), contradictions=refused, refused=True)
    first = replace(named[0], contradictions=refused)
    others = tuple(dict.fromkeys(f.variant.id for f in named if f.variant and f.variant is not first.variant))
    if not others:
        return first
    leads = "the graph leads to several models: {files}"
    several = Message("against.several", leads, {"files": ", ".join(evidence.files)})
    return replace(first, confidence=FAMILY_ONLY, contradictions=(*refused, several), alternatives=others)


def _one_file(evidence: Evidence, name: str) -> Finding | None:
    matches = match_file(name)
    fitting = [match for match in matches if carries(evidence, match.variant)]
    best = fitting[0] if fitting else None
    # A few-step word also counts in the name of a merge, of which the catalogue knows only the base.
    # If the class rules out a published name, that name stays ruled out.
    merge = not best.variant.distilled if best else not matches or matches[0].says_more
    if accelerator_word(name) and merge:
        nearest = _nearest_few_step(evidence, name, "file", best)
        if nearest is not None:
            return nearest
    if best is None:
        called = "the file is called {name}, but {other}"
        against = Message("against.called", called, {"name": name, "other": _class_says(evidence)})
        return Finding(contradictions=(against,)) if matches else None
    signals = (Message("signal.file", "file {name}", {"name": name}), *_class_signals(evidence))
    if best.says_more and not best.variant.distilled and (in_folder := _few_step_folder(evidence, name, best)):
        return Finding(in_folder, FAMILY_ONLY, signals, told_steps=steps_in_name(name))
    if best.says_more and not best.variant.distilled:
        # A community model named after the family's base: the name shows the family only.
        others = tuple(v.id for v in _siblings(evidence, best) if v is not best.variant)
        return Finding(best.variant, FAMILY_ONLY, signals, alternatives=others)
    # If the class alone leaves only this entry, name and class agree.
    alone = [variant.id for variant in match_class(evidence)] == [best.variant.id]
    # A distilled model whose name says more may be another one: a merge, or distilled once more.
    sure = FAMILY_ONLY if best.says_more else CERTAIN if alone else LIKELY
    return Finding(best.variant, sure, signals, told_steps=steps_in_name(name))


def _few_step_folder(evidence: Evidence, name: str, best: Match) -> Variant | None:
    """Return the few-step entry of the same family that a file's folder names: `Krea2Turbo/moodyKrea2Mix`."""
    matches = (match.variant for match in match_folder(name) if match.variant.distilled)
    family = best.variant.family
    return next((v for v in matches if v.family == family and carries(evidence, v)), None)


def _nearest_few_step(evidence: Evidence, name: str, what: str, base: Match | None = None) -> Finding | None:
    """Return the nearest few-step entry for a name that says few steps but has no catalogue entry of its own."""
    siblings = _siblings(evidence, base)
    family = base.variant.family if base else next((v.family for v in siblings if v.signals.by_class), None)
    variant = stand_in(siblings, name, family, lora=what == "LoRA")
    if variant is None:
        return None
    signals = (_says(what, name, accelerator_word(name)), *_class_signals(evidence))
    others = tuple(sibling.id for sibling in siblings if sibling.distilled and sibling is not variant)
    return Finding(variant, FAMILY_ONLY, signals, alternatives=others, told_steps=steps_in_name(name))


def _siblings(evidence: Evidence, base: Match | None) -> list[Variant]:
    """Return the entries of the model's class, or, if that is unknown, of the class that a name points to."""
    if evidence.architecture:
        return match_class(evidence)
    classes = base.variant.signals.architectures if base else ()
    return match_class(Evidence(classes[0], base.variant.signals.unet_config)) if base and classes else []


def _by_metadata(evidence: Evidence) -> Finding | None:
    fitting = [match for match in match_metadata(evidence.metadata) if carries(evidence, match.variant)]
    if not fitting:
        return None
    best = fitting[0]
    metadata = "the file's metadata says {text}"
    signals = (Message("signal.metadata", metadata, {"text": repr(best.name[:80])}), *_class_signals(evidence))
    if best.says_more:
        others = tuple(v.id for v in _siblings(evidence, best) if v is not best.variant)
        return Finding(best.variant, FAMILY_ONLY, signals, alternatives=others)
    return Finding(best.variant, LIKELY, signals)


def _by_class(evidence: Evidence) -> Finding:
    fitting = match_class(evidence)
    if not fitting or not fitting[0].signals.by_class:
        return Finding(signals=_class_signals(evidence))
    first, others = fitting[0], fitting[1:]
    # A name that doesn't name the distilled model of its class may be one that was made undistilled again.
    renamed = first.distilled and bool(evidence.files)
    confidence = FAMILY_ONLY if others or renamed else CERTAIN
    return Finding(first, confidence, _class_signals(evidence), alternatives=tuple(variant.id for variant in others))


def _plan(finding: Finding, wishes: Wishes) -> StepPlan:
    variant, named_steps = finding.variant, finding.told_steps
    is_few = named_steps is not None and named_steps <= MOST_FEW_STEPS
    plan = make_plan(variant, wishes.quality, wishes.prefer, named_steps) if variant else SAFE_DEFAULT
    if finding.few_step:
        return _few_steps(plan, finding.few_step, named_steps if is_few else None)
    # A few-step merge that is recognised only by its name gets the step count in its name, and so does a LoRA whose
    # name gives one that its entry was not trained for.
    low, high = plan.trained_steps or (1, 0)
    is_new = finding.confidence == FAMILY_ONLY or not low <= (named_steps or 0) <= high
    if plan.distilled and is_few and is_new and named_steps != plan.steps:
        plan = plan.overlaid({"steps": named_steps}, "its file name")
    return plan


def _with_split(plan: StepPlan, evidence: Evidence, wishes: Wishes) -> StepPlan:
    """Return the plan with the split of the model's file, if an accelerator LoRA over it has none of its own."""
    bases = [match.variant for name in evidence.files for match in match_file(name)[:1]]
    if plan.split is not None or not evidence.active_loras or not bases or bases[0].id == plan.variant:
        return plan
    base = make_plan(bases[0], wishes.quality, wishes.prefer)
    return plan if base.split is None else plan.overlaid({"split": base.split}, base.sources["split"])


def _few_steps(plan: StepPlan, says: str, named_steps: int | None) -> StepPlan:
    """Return the plan of a full-length model with few steps and no cfg, because a name says so."""
    steps = named_steps or FEW_STEPS
    why = "" if named_steps else f"; {FEW_STEPS} is the commonest count of few-step models"
    few = plan.overlaid({"steps": steps, "cfg": FEW_STEPS_CFG}, f"{says}{why}")
    return replace(few, distilled=True, steps_min=None, steps_max=None, draft_steps=None)


def _overlay(evidence: Evidence, wishes: Wishes, plan: StepPlan, finding: Finding) -> tuple[StepPlan, Finding]:
    """Overlay the plan with settings from elsewhere, from the least to the most specific."""
    if evidence.choice:
        return plan, finding
    template = wishes.templates if _takes_template(wishes, finding) else None
    by_catalogue = finding
    for layer in (template, wishes.types, wishes.sidecar, wishes.in_file, wishes.saved):
        overlay = layer.find(evidence, wishes.quality, by_catalogue) if layer is not None else None
        if overlay is not None:
            fields, source = overlay
            plan = plan.overlaid(fields, source)
            # Settings for a type or from a download page, or none but a size, don't show what the file is.
            unsure = bool(evidence.doubts) or layer in (wishes.sidecar, wishes.types) or "steps" not in fields
            confidence = finding.confidence if unsure else CERTAIN
            finding = replace(finding, confidence=confidence, signals=(*finding.signals, source))
    return plan, finding


def _takes_template(wishes: Wishes, finding: Finding) -> bool:
    if finding.refused:
        return False
    if finding.variant is None:
        return True
    return wishes.prefer == "template" and (wishes.quality == "balanced" or finding.variant.distilled)


def _class_signals(evidence: Evidence) -> tuple[str, ...]:
    values = {"name": evidence.architecture}
    return (Message("signal.class", "model class {name}", values),) if evidence.architecture else ()


def _class_says(evidence: Evidence) -> str:
    other = "the loaded model's class ({name}), dimensions or prediction type do not match"
    return Message("against.class", other, {"name": evidence.architecture})


def _says(what: str, name: str, word: str) -> Message:
    """Return what a name says; `what` is "file", "LoRA" or empty, if the name itself shows it."""
    values = {"name": f"{what} {name}".strip(), "word": repr(word)}
    return Message("signal.says", "{name} says {word}", values)


def _name_says(variant: Variant) -> Message:
    return Message("against.name", "its name says {name}", {"name": variant.name})
