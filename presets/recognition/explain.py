"""Puts a recognition into words: the model, the signals, the confidence, and the source of each number."""

from ..catalogue import find_variant
from ..control_characters import escaped
from ..plan import StepPlan
from ..splits import split_step
from .evidence import Evidence
from .finding import CERTAIN, FAMILY_ONLY, Finding

_ALWAYS_SHOWN = ("steps", "cfg", "sampler_name", "scheduler")
_MOST_ALTERNATIVES = 6


def explain(finding: Finding, plan: StepPlan, evidence: Evidence) -> str:
    """Return the text that Model Step Preset shows and outputs."""
    lines = [_what(finding, evidence), *_settings(plan)]
    lines += [f"Conflicting evidence: {text}." for text in finding.contradictions]
    if finding.alternatives:
        lines.append(f"Could also be: {_names(finding.alternatives)}.")
    if finding.variant is not None and finding.variant.note:
        lines.append(f"Note: {finding.variant.note}.")
    lines += [f"Warning: {text}" for text in plan.warnings]
    # Names and metadata in a line must not end it, or steer a terminal.
    return "\n".join(map(escaped, lines))


def _what(finding: Finding, evidence: Evidence) -> str:
    by = ", ".join(finding.signals)
    if finding.variant is None:
        what = by or (f"model class {evidence.architecture}" if evidence.architecture else "no model class")
        outcome = (
            "This model isn't in the catalogue, but its settings are known"
            if finding.confidence == CERTAIN
            else "This model was not recognised"
        )
        return f"{outcome} ({what})."
    if finding.confidence == FAMILY_ONLY:
        return f"Recognised: only the family of {finding.variant.name} ({by})."
    return f"Recognised: {finding.variant.name}, {finding.confidence} ({by})."


def _settings(plan: StepPlan) -> list[str]:
    lines = [f"{name}: {getattr(plan, name)} (source: {plan.sources[name]})" for name in _ALWAYS_SHOWN]
    if plan.guidance is not None:
        lines.append(f"guidance: {plan.guidance:g} (source: {plan.sources['guidance']})")
    if plan.shift is not None:
        lines.append(f"shift: {plan.shift.value:g} {plan.shift.unit} (source: {plan.sources['shift']})")
    if plan.scheduler_options:
        numbers = ", ".join(f"{name} {value:g}" for name, value in plan.scheduler_options.items())
        source = plan.sources["scheduler_options"]
        lines.append(f"{plan.scheduler} with {numbers}, which a stock KSampler can't set (source: {source})")
    if plan.sampling:
        lines.append(f"sampling: {plan.sampling} (source: {plan.sources['sampling']})")
    if plan.sigmas or plan.timesteps:
        what = "sigmas" if plan.sigmas else "timesteps"
        values = ", ".join(f"{value:g}" for value in plan.sigmas or plan.timesteps)
        lines.append(f"{what}: {values} (source: {plan.sources[what]})")
    if step := split_step(plan):
        lines.append(f"the second model takes over at step {step} (source: {plan.sources['split']})")
    if plan.resolution:
        width, height = plan.resolution
        lines.append(f"resolution: {width} x {height} (source: {plan.sources['resolution']})")
    if plan.clip_skip:
        lines.append(f"clip skip: {plan.clip_skip} (source: {plan.sources['clip_skip']})")
    return lines


def _names(ids: tuple[str, ...]) -> str:
    shown = [find_variant(variant_id).name for variant_id in ids[:_MOST_ALTERNATIVES]]
    more = len(ids) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
