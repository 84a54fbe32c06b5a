"""Finds the catalogue entries that a piece of evidence points to.

The class overrides the name: an entry is never chosen if the model's class is not among its classes, whatever the file
is called. Among names the most specific wins: the one whose pattern covers most of the name.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from ..catalogue import Family, Variant, find_variant, load_catalogue
from .evidence import Evidence
from .names import accelerator_word, apart, folder_of, names_a_part, normalise, says_more, steps_in_name

# Names whose matches are remembered.
_REMEMBERED = 4096
# Merges of few-step models rarely want fewer steps.
_USUAL_LEAST = 4
# Metadata that names the model; each value is treated like a file name.
NAMING_METADATA = ("modelspec.title", "general.name", "ss_output_name")
ARCHITECTURE_METADATA = ("modelspec.architecture", "general.architecture", "model_type")


@dataclass(frozen=True)
class Match:
    """A catalogue entry and the name that leads to it.

    Attributes:
        variant: the entry.
        name: the name that matched.
        covered: how many characters of the name its pattern covers.
        says_more: whether the name adds something else, like that of a fine-tune named after its base.
    """

    variant: Variant
    name: str
    covered: int
    says_more: bool = False


def carries(evidence: Evidence, variant: Variant, *, lora: bool = False) -> bool:
    """Return whether class, geometry and prediction allow this entry; unknown values allow everything.

    For an entry that is a LoRA on a model, geometry and prediction depend on the base and are not compared.
    """
    signals = variant.signals
    if not evidence.architecture:
        return True
    if signals.architectures and evidence.architecture not in signals.architectures:
        return False
    if lora:
        return True
    if signals.predictions and evidence.prediction and evidence.prediction not in signals.predictions:
        return False
    return not evidence.unet_config or all(
        evidence.unet_config.get(key, ...) == value for key, value in signals.unet_config.items()
    )


def match_file(name: str) -> list[Match]:
    """Return the entries that a base model's file name points to, the most specific first; empty for a VAE etc."""
    return list(_match_file(name))


@lru_cache(maxsize=_REMEMBERED)
def _match_file(name: str) -> tuple[Match, ...]:
    if names_a_part(normalise(name)):
        return ()
    patterns = ((variant, variant.signals.files) for variant in load_catalogue())
    # Where the file's own name says nothing, people's folders often do: `Illustrious/somebody_v3`.
    return tuple(_matches(name, patterns) or match_folder(name))


def match_folder(name: str) -> list[Match]:
    """Return the entries that the name of a file's folder points to, the most specific first."""
    folder = folder_of(name)
    if not folder or names_a_part(folder):
        return []
    found = (_match(variant, variant.signals.files, name, folder) for variant in load_catalogue())
    return sorted((replace(match, says_more=True) for match in found if match), key=lambda match: -match.covered)


def match_lora(name: str) -> list[Match]:
    """Return the entries that a LoRA's name points to, the most specific first.

    A few-step LoRA must say few steps: in `wan22_lightning_storm`, lightning has another sense.
    """
    return list(_match_lora(name))


@lru_cache(maxsize=_REMEMBERED)
def _match_lora(name: str) -> tuple[Match, ...]:
    matches = _matches(name, ((variant, variant.signals.loras) for variant in load_catalogue()))
    return tuple(match for match in matches if accelerator_word(name) or not match.variant.distilled)


def match_metadata(metadata: dict[str, str]) -> list[Match]:
    """Return the entries that a header points to: those of a specific architecture tag first, then those of its title.

    A tag that says "base" proves nothing: ComfyUI's own CheckpointSave writes it for every SDXL and SD3 model.
    """
    tags = {metadata[key] for key in ARCHITECTURE_METADATA if metadata.get(key)}
    tagged = [
        Match(variant, tag, len(tag))
        for variant in load_catalogue()
        for tag in variant.signals.metadata
        if any(value == tag or value.startswith(f"{tag}/") for value in tags)
    ]
    titled = [match for key in NAMING_METADATA if metadata.get(key) for match in match_file(metadata[key])]
    return tagged + titled


def match_base_model(words: str) -> Variant | None:
    """Return the entry for Civitai's words for a base model, e.g. `Flux.1 D`; None if nobody knows them."""
    variant_id = _base_models().get(re.sub(r"[^a-z0-9]", "", words.lower()))
    return find_variant(variant_id) if variant_id else None


@cache
def _base_models() -> dict[str, str]:
    words = json.loads((Path(__file__).parent / "base_models.json").read_text("utf-8"))
    return {re.sub(r"[^a-z0-9]", "", name.lower()): variant_id for name, variant_id in words.items()}


def match_class(evidence: Evidence) -> list[Variant]:
    """Return the entries that class and geometry alone allow, the best one first.

    The entry with the most conditions is the closest description; without a geometry, the catalogue's first one is the
    usual one. Entries that need a name come last.
    """
    if not evidence.architecture:
        return []
    fitting = [v for v in load_catalogue() if v.signals.architectures and carries(evidence, v)]
    return sorted(fitting, key=lambda v: -_asked(v, evidence) if v.signals.by_class else 1)


def stand_in(
    variants: Iterable[Variant], name: str, family: Family | None = None, *, lora: bool = False
) -> Variant | None:
    """Return the few-step entry nearest to a name that says few steps, or None if there is none.

    One of the base's family is nearest, then one with the step count in the name, then one with the name's accelerator
    word, then the one with the most steps.

    Args:
        variants: the entries to choose from.
        name: the name.
        family: the base's family; None if it is not known.
        lora: whether it is a LoRA's name.
    """
    word, count = accelerator_word(name), steps_in_name(name)
    few = [variant for variant in variants if variant.distilled and _may_stand_in(variant, word if lora else "")]
    if not few or not word:
        return None

    def distance(variant: Variant) -> tuple[Any, ...]:
        steps = {entry["value"] for entry in variant.settings.get("steps", {}).values()} or {0}
        named = word in normalise(variant.name + " " + variant.id)
        other_family = family not in (None, variant.family)
        # Without a count, a merge is taken for none of the models that run one or two steps; and among equals, too many
        # steps are merely slow.
        extreme = max(steps) < _USUAL_LEAST if count is None else count not in steps
        return other_family, extreme, not named, -max(steps)

    return min(few, key=distance)


def _may_stand_in(variant: Variant, sampling: str) -> bool:
    """Return whether an entry's settings may be used for another model, which may need this kind of sampling.

    Not if it needs another kind (x0, lcm), nor if only others say how it is run, as for most merges.
    """
    samplings = {entry["value"] for entry in variant.settings.get("sampling", {}).values()}
    return samplings <= {sampling} and set(variant.settings.get("steps", {})) != {"third_party"}


def step_loras(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of those LoRAs that change the step count."""
    return tuple(name for name in names if accelerator_word(name) or match_lora(name))


def _matches(name: str, patterns: Iterable[tuple[Variant, tuple[re.Pattern[str], ...]]]) -> list[Match]:
    patterns = list(patterns)
    text = normalise(name)
    matches = [match for variant, choices in patterns if (match := _match(variant, choices, name, text))]
    if not matches and (text := apart(name)) != normalise(name):
        matches = [match for variant, choices in patterns if (match := _match(variant, choices, name, text))]
    return sorted(matches, key=lambda match: -match.covered)


def _match(variant: Variant, patterns: tuple[re.Pattern[str], ...], name: str, text: str) -> Match | None:
    spans = [hit.span() for hit in (pattern.search(text) for pattern in patterns) if hit]
    if not spans:
        return None
    start, end = max(spans, key=lambda span: span[1] - span[0])
    return Match(variant, name, end - start, says_more(text, start, end))


def _asked(variant: Variant, evidence: Evidence) -> int:
    prediction = evidence.prediction and evidence.prediction in variant.signals.predictions
    return (len(variant.signals.unet_config) if evidence.unet_config else 0) + bool(prediction)
