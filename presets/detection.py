"""Which variant a model is, judged by what it carries."""

from dataclasses import dataclass
from typing import Any

from .catalogue import SETTINGS, Variant, load_catalogue
from .plan import StepPlan

UNKNOWN = "unknown"

_DEFAULT_SOURCE = "stock KSampler's default, not a recommendation for this model"
_DEFAULT = StepPlan(
    variant=UNKNOWN,
    steps=25,
    cfg=8.0,
    sampler_name="euler",
    scheduler="simple",
    sources={
        "steps": "safe default for a model that is not known",
        "cfg": _DEFAULT_SOURCE,
        "sampler_name": _DEFAULT_SOURCE,
        "scheduler": _DEFAULT_SOURCE,
    },
)


@dataclass(frozen=True)
class Evidence:
    """What a loaded model says of itself.

    Attributes:
        architecture: name of its class in `comfy.supported_models`, empty where it has none.
        unet_config: its geometry.
    """

    architecture: str
    unet_config: dict[str, Any]


@dataclass(frozen=True)
class Recognition:
    """The answer to "which model is this?".

    Attributes:
        plan: recommended settings; those of an unknown model where nothing matched.
        text: for people: what was recognised, from which signals, which source each number has.
    """

    plan: StepPlan
    text: str


def recognise(evidence: Evidence) -> Recognition:
    """Return the catalogue's variant whose signals the evidence carries, or the safe default of 25 steps."""
    matches = [variant for variant in load_catalogue() if _carries(evidence, variant)]
    if not matches:
        return Recognition(_DEFAULT, _explain_unknown(evidence))
    # The variant that asks for the most is the closest description.
    best = max(matches, key=lambda variant: len(variant.unet_config))
    return Recognition(best.plan, _explain(best))


def _carries(evidence: Evidence, variant: Variant) -> bool:
    return evidence.architecture == variant.architecture and all(
        key in evidence.unet_config and evidence.unet_config[key] == value for key, value in variant.unet_config.items()
    )


def _explain(variant: Variant) -> str:
    signals = [f"model class {variant.architecture}"]
    signals += [f"{key} {value}" for key, value in variant.unet_config.items()]
    lines = [f"Recognised: {variant.name} ({', '.join(signals)})", *_settings(variant.plan)]
    if variant.same_shapes:
        lines.append(f"Not told apart by their shapes: {variant.same_shapes}.")
    return "\n".join(lines)


def _explain_unknown(evidence: Evidence) -> str:
    what = f"model class {evidence.architecture}" if evidence.architecture else "no model class"
    return "\n".join([f"This model is not known ({what}).", *_settings(_DEFAULT)])


def _settings(plan: StepPlan) -> list[str]:
    return [f"{setting}: {getattr(plan, setting)} (source: {plan.sources[setting]})" for setting in SETTINGS]
