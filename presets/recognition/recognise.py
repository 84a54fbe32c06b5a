"""Which variant a model is, how sure that is, and what it wants. One function for node, shell and browser.

In this order: the user's choice, the user's saved preset, the exact file name in the installed official templates,
LoRAs and file names, the file's metadata, class and geometry, and at last a default that is said to be one.
"""

from dataclasses import dataclass, replace
from typing import Any, Protocol

from ..catalogue import Variant, find_variant
from ..plan import SAFE_DEFAULT, UNKNOWN, StepPlan
from ..qualities import QUALITIES, Preference, Quality, make_plan
from .cautions import cautions_of
from .evidence import Evidence
from .explain import explain
from .finding import CERTAIN, CONFIDENCES, FAMILY_ONLY, LIKELY, Finding, Recognition
from .matching import Match, carries, match_class, match_file, match_lora, match_metadata, stand_in
from .names import accelerator_word, steps_in_name


class Overlay(Protocol):
    """Settings for exactly this file from elsewhere: a saved preset, an official template."""

    def find(self, evidence: Evidence, quality: Quality, known: str = "") -> tuple[dict[str, Any], str] | None:
        """Return the plan's fields that it knows and the words for their source, None where it knows nothing.

        `known` are the words of the catalogue's own template sources for the variant that was found.
        """
        ...


@dataclass(frozen=True)
class Wishes:
    """What the asker wants.

    Attributes:
        quality: draft, balanced or best.
        prefer: whose numbers balanced takes where both are known.
        saved: the user's saved presets.
        templates: the installed official templates.
        min_confidence: the lowest confidence that is accepted; less certain matches get the safe default.
    """

    quality: Quality = "balanced"
    prefer: Preference = "template"
    saved: Overlay | None = None
    templates: Overlay | None = None
    min_confidence: str = UNKNOWN


def recognise(evidence: Evidence, wishes: Wishes | None = None) -> Recognition:
    """Return which variant the evidence points to, how sure that is, and its plan.

    Raises:
        ValueError: the chosen variant is not in the catalogue.
    """
    return _with_plan(_doubted(find(evidence), evidence), evidence, wishes or Wishes())


def recognise_all(evidence: Evidence, wishes: Wishes | None = None) -> dict[Quality, Recognition]:
    """Return the same for each quality, looking for the variant only once.

    Raises:
        ValueError: the chosen variant is not in the catalogue.
    """
    finding, wishes = _doubted(find(evidence), evidence), wishes or Wishes()
    return {quality: _with_plan(finding, evidence, replace(wishes, quality=quality)) for quality in QUALITIES}


def _with_plan(finding: Finding, evidence: Evidence, wishes: Wishes) -> Recognition:
    plan = SAFE_DEFAULT if finding.variant is None else _plan(finding, wishes)
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
    """Return the variant that the evidence tells, by the catalogue alone."""
    if evidence.choice:
        return _chosen(evidence)
    for search in (_by_lora, _by_file, _by_metadata):
        finding = search(evidence)
        if finding is not None:
            return finding
    return _by_class(evidence)


def _chosen(evidence: Evidence) -> Finding:
    variant = find_variant(evidence.choice)
    against = () if carries(evidence, variant, lora=bool(variant.signals.loras)) else (_class_says(evidence),)
    return Finding(variant, CERTAIN, ("chosen by you",), against)


def _by_lora(evidence: Evidence) -> Finding | None:
    for lora in reversed(evidence.active_loras):
        fitting = [match for match in match_lora(lora.name) if carries(evidence, match.variant, lora=True)]
        if fitting:
            signal = f"LoRA {lora.name}"
            return Finding(fitting[0].variant, LIKELY, (signal,), told_steps=steps_in_name(lora.name))
        if accelerator_word(lora.name) and not _named_after_its_base(lora.name):
            found = _nearest_few_step(evidence, lora.name, "LoRA")
            return found or _unknown_accelerator(evidence, lora.name)
    return None


def _named_after_its_base(name: str) -> bool:
    """Return whether a LoRA's few-step word is its base's: `z_image_turbo_my_style` accelerates nothing."""
    bases = [match for match in match_file(name) if match.variant.distilled]
    return bool(bases) and bases[0].says_more and steps_in_name(name) is None


def _unknown_accelerator(evidence: Evidence, name: str) -> Finding:
    """Return what is known without a LoRA that tells few steps and that nobody knows."""
    found = find(replace(evidence, loras=()))
    doubt = f"LoRA {name} looks like a few-step LoRA but isn't in the catalogue; use its author's settings"
    confidence = FAMILY_ONLY if found.variant is not None else UNKNOWN
    return replace(found, confidence=confidence, contradictions=(*found.contradictions, doubt))


def _by_file(evidence: Evidence) -> Finding | None:
    if not evidence.files:
        return None
    found = [_one_file(evidence, name) for name in evidence.files]
    told = [finding for finding in found if finding is not None and finding.variant is not None]
    refused = tuple(text for finding in found if finding for text in finding.contradictions)
    if not told:
        return None if not refused else replace(_by_class(evidence), contradictions=refused, refused=True)
    first = replace(told[0], contradictions=refused)
    others = tuple(dict.fromkeys(f.variant.id for f in told if f.variant and f.variant is not first.variant))
    if not others:
        return first
    several = f"the graph leads to several models: {', '.join(evidence.files)}"
    return replace(first, confidence=FAMILY_ONLY, contradictions=(*refused, several), alternatives=others)


def _one_file(evidence: Evidence, name: str) -> Finding | None:
    matches = match_file(name)
    fitting = [match for match in matches if carries(evidence, match.variant)]
    best = fitting[0] if fitting else None
    # A name that tells few steps does so of a merge, too, whose base is all that the catalogue knows.
    # A published name that the class refuses stays refused.
    merge = not best.variant.distilled if best else not matches or matches[0].says_more
    if accelerator_word(name) and merge:
        found = _nearest_few_step(evidence, name, "file", best)
        if found is not None:
            return found
    if best is None:
        return Finding(contradictions=(f"the file is called {name}, but {_class_says(evidence)}",)) if matches else None
    signals = (f"file {name}", *_class_signals(evidence))
    if best.says_more and not best.variant.distilled:
        # Named after the family's base, and yet somebody's own model: the name tells the family, no more.
        others = tuple(v.id for v in _siblings(evidence, best) if v is not best.variant)
        return Finding(best.variant, FAMILY_ONLY, signals, alternatives=others)
    # Where the class alone leaves one entry, name and class say the same.
    alone = [variant.id for variant in match_class(evidence)] == [best.variant.id]
    return Finding(best.variant, CERTAIN if alone else LIKELY, signals, told_steps=steps_in_name(name))


def _nearest_few_step(evidence: Evidence, name: str, what: str, base: Match | None = None) -> Finding | None:
    """Return a few-step finding for a name that says so, though no catalogue entry has that name."""
    known = _siblings(evidence, base)
    variant = stand_in(known, name)
    if variant is None:
        return None
    signals = (f"{what} {name} says {accelerator_word(name)!r}", *_class_signals(evidence))
    others = tuple(other.id for other in known if other.distilled and other is not variant)
    return Finding(variant, FAMILY_ONLY, signals, alternatives=others, told_steps=steps_in_name(name))


def _siblings(evidence: Evidence, base: Match | None) -> list[Variant]:
    """Return the entries of the model's class, or, where that is not known, of the class that a name points to."""
    if evidence.architecture:
        return match_class(evidence)
    classes = base.variant.signals.architectures if base else ()
    return match_class(Evidence(classes[0], base.variant.signals.unet_config)) if base and classes else []


def _by_metadata(evidence: Evidence) -> Finding | None:
    fitting = [match for match in match_metadata(evidence.metadata) if carries(evidence, match.variant)]
    if not fitting:
        return None
    best = fitting[0]
    signals = (f"the file's metadata say {best.name[:80]!r}", *_class_signals(evidence))
    if best.says_more:
        others = tuple(v.id for v in _siblings(evidence, best) if v is not best.variant)
        return Finding(best.variant, FAMILY_ONLY, signals, alternatives=others)
    return Finding(best.variant, LIKELY, signals)


def _by_class(evidence: Evidence) -> Finding:
    fitting = match_class(evidence)
    if not fitting or not fitting[0].signals.by_class:
        return Finding(signals=_class_signals(evidence))
    first, others = fitting[0], fitting[1:]
    confidence = FAMILY_ONLY if others else CERTAIN
    return Finding(first, confidence, _class_signals(evidence), alternatives=tuple(other.id for other in others))


def _plan(finding: Finding, wishes: Wishes) -> StepPlan:
    variant = finding.variant
    if variant is None:
        raise ValueError("finding: expected one with a variant")
    plan = make_plan(variant, wishes.quality, wishes.prefer, finding.told_steps)
    told = finding.told_steps
    # A few-step merge that only its name tells is set to the count that the name tells.
    if finding.confidence == FAMILY_ONLY and variant.distilled and told and told != plan.steps:
        plan = plan.overlaid({"steps": told}, "its file name")
    return plan


def _overlay(evidence: Evidence, wishes: Wishes, plan: StepPlan, finding: Finding) -> tuple[StepPlan, Finding]:
    """Lay the installed template's and then the user's own settings for this very file over the plan."""
    if evidence.choice:
        return plan, finding
    layers = []
    if wishes.templates is not None and _takes_template(wishes, finding):
        layers.append(wishes.templates)
    if wishes.saved is not None:
        layers.append(wishes.saved)
    known = _template_words(finding)
    for layer in layers:
        found = layer.find(evidence, wishes.quality, known)
        if found is not None:
            fields, source = found
            plan = plan.overlaid(fields, source)
            confidence = finding.confidence if evidence.doubts else CERTAIN
            finding = replace(finding, confidence=confidence, signals=(*finding.signals, source))
    return plan, finding


def _template_words(finding: Finding) -> str:
    if finding.variant is None:
        return ""
    values = finding.variant.settings.values()
    return " ".join(dict.fromkeys(by["template"]["source"] for by in values if "template" in by))


def _takes_template(wishes: Wishes, finding: Finding) -> bool:
    if finding.refused:
        return False
    if finding.variant is None:
        return True
    return wishes.prefer == "template" and (wishes.quality == "balanced" or finding.variant.distilled)


def _class_signals(evidence: Evidence) -> tuple[str, ...]:
    return (f"model class {evidence.architecture}",) if evidence.architecture else ()


def _class_says(evidence: Evidence) -> str:
    return f"the loaded model is a {evidence.architecture} with different dimensions or prediction type"
