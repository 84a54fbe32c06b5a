"""Warnings for the user before a plan runs on a model."""

from ...graphs.walk import Lora
from ...words import Message
from ..catalogue import Variant
from ..plan import StepPlan
from ..trained import off_trained_steps
from .evidence import Evidence
from .finding import Finding
from .matching import match_file, match_lora

_STRENGTH_SLACK = 0.05


def cautions_of(finding: Finding, plan: StepPlan, evidence: Evidence) -> tuple[str, ...]:
    """Return what to know before running this plan on this model, one sentence each."""
    variant = finding.variant
    if finding.required:
        return (_too_weak(finding),)
    if variant is None:
        return ()
    cautions = [_off_trained_steps(variant, plan), _second_sampler(variant, evidence), _cfg_on_cfg_free(variant, plan)]
    cautions += [_lora_strength(variant, plan, lora) for lora in evidence.active_loras]
    cautions += [_stand_ins(variant)]
    return tuple(text for text in cautions if text)


def _too_weak(finding: Finding) -> str:
    if finding.variant is None:
        weak = "This model was not recognised, but {required} was required: the safe default is used."
        return Message("caution.unknown", weak, {"required": finding.required})
    weak = "This model was recognised as {name} ({confidence}), but {required} was required: the safe default is used."
    values = {"name": finding.variant.name, "confidence": finding.confidence, "required": finding.required}
    return Message("caution.weak", weak, values)


def _off_trained_steps(variant: Variant, plan: StepPlan) -> str:
    off = off_trained_steps(plan)
    return Message("caution.off", "{name} {off}.", {"name": variant.name, "off": off}) if off else ""


def _second_sampler(variant: Variant, evidence: Evidence) -> str:
    # If the variant is a LoRA, its base model decides whether two samplers share the run.
    bases = [match.variant for file in evidence.files for match in match_file(file)[:1]]
    sharing = next((entry.two_samplers for entry in (variant, *bases) if entry.two_samplers), "")
    expected = "A second sampler is expected: {sharing}."
    return Message("caution.second", expected, {"sharing": sharing}) if sharing else ""


def _cfg_on_cfg_free(variant: Variant, plan: StepPlan) -> str:
    values = [entry["value"] for entry in variant.settings.get("cfg", {}).values()]
    if not values or max(values) > 1 or plan.cfg <= 1:
        return ""
    needs_none = "{name} needs no cfg: cfg {cfg} doubles sampling time and over-saturates the image. Set cfg to 1."
    return Message("caution.cfg", needs_none, {"name": variant.name, "cfg": f"{plan.cfg:g}"})


def _lora_strength(variant: Variant, plan: StepPlan, lora: Lora) -> str:
    if plan.lora_strength is None or lora.strength is None or not _is_its_lora(variant, lora):
        return ""
    lowest, highest = plan.lora_strength
    if lowest - _STRENGTH_SLACK <= lora.strength <= highest + _STRENGTH_SLACK:
        return ""
    recipe = f"{lowest:g}" if lowest == highest else f"{lowest:g} to {highest:g}"
    strength = "LoRA {name} has strength {strength}; the recommended strength is {recipe}."
    values = {"name": lora.name, "strength": f"{lora.strength:g}", "recipe": recipe}
    return Message("caution.strength", strength, values)


def _is_its_lora(variant: Variant, lora: Lora) -> bool:
    return any(match.variant is variant for match in match_lora(lora.name))


def _stand_ins(variant: Variant) -> str:
    wanted = [name for name in (variant.wants_sampler, variant.wants_scheduler) if name]
    meant = "{name} is meant for {wanted}, which a KSampler does not offer."
    return Message("caution.meant", meant, {"name": variant.name, "wanted": ", ".join(wanted)}) if wanted else ""
