"""The catalogue: one entry per model variant, in the JSON files of `catalogue/`, checked by `catalogue.schema.json`."""

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

# The kinds of source that a number can have, and how they are shown to people.
SOURCE_KINDS = {
    "publisher": "publisher",
    "template": "official template",
    "diffusers": "diffusers",
    "third_party": "third party",
}
# Settings that the catalogue stores by kind of source.
SOURCED = (
    "steps",
    "cfg",
    "guidance",
    "sampler_name",
    "scheduler",
    "shift",
    "sampling",
    "sigmas",
    "timesteps",
    "spacing",
    "lora_strength",
    "split",
)

# The choice that lets recognition choose.
AUTO = "auto"

_FOLDER = Path(__file__).parent / "catalogue"


# What a publisher's `guidance_scale` means, see `presets/sources/settings.py`.
Convention = Literal["unconditional", "conditional", "distilled"]


@dataclass(frozen=True)
class Family:
    """What the variants of one catalogue file have in common.

    Attributes:
        name: the family's display name.
        guidance_scale: what its publisher's `guidance_scale` means.
        few_step_words: patterns in its file names, in normal form, that mean few steps are enough.
        full_length_words: patterns in its file names that sound like few steps but don't mean it.
    """

    name: str
    guidance_scale: Convention = "unconditional"
    few_step_words: tuple[str, ...] = ()
    full_length_words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Signals:
    """What identifies a variant.

    Attributes:
        architectures: names of the classes in `comfy.supported_models` that load it; empty if ComfyUI has none yet.
        unet_config: entries that the model's `unet_config` must have.
        predictions: names of ComfyUI's `ModelType` that it may have; empty if any will do.
        files: patterns of base file names in normal form (`presets/recognition/names.py`).
        loras: likewise for LoRA names.
        metadata: values of `modelspec.architecture` that identify it.
        by_class: whether it may be chosen if only class and geometry are known.
    """

    architectures: tuple[str, ...] = ()
    unet_config: dict[str, Any] = field(default_factory=dict)
    predictions: tuple[str, ...] = ()
    files: tuple[re.Pattern[str], ...] = ()
    loras: tuple[re.Pattern[str], ...] = ()
    metadata: tuple[str, ...] = ()
    by_class: bool = False


@dataclass(frozen=True)
class Variant:
    """One entry of the catalogue.

    Attributes:
        id: its permanent id.
        name: its display name.
        family: its family.
        kind: image, video, audio or 3d.
        signals: what identifies it.
        settings: setting -> kind of source -> value with its source, as in the file.
        distilled: whether it was trained for few steps.
        steps_in_name: the step counts of which a file's name gives one, with their source; empty for other variants.
        steps_range: lowest and highest step count among the sources.
        wants_sampler: a sampler that the stock KSampler does not have.
        wants_scheduler: a node that makes the schedule; the KSampler's list does not offer it.
        shift_node: the stock node that sets the shift, `class` if the model's class already has it.
        resolution: recommended width and height in pixels, with their source; empty if nobody recommends any.
        clip_skip: recommended layer of the text encoder, counted from the end, with its source; likewise.
        two_samplers: how two samplers share the run; empty if one does it all.
        note: anything else the user needs to know.
    """

    id: str
    name: str
    family: Family
    kind: str
    signals: Signals
    settings: dict[str, dict[str, dict[str, Any]]]
    distilled: bool = False
    steps_in_name: dict[str, Any] = field(default_factory=dict)
    steps_range: tuple[int, int] | None = None
    wants_sampler: str = ""
    wants_scheduler: str = ""
    shift_node: str = "class"
    resolution: dict[str, Any] = field(default_factory=dict)
    clip_skip: dict[str, Any] = field(default_factory=dict)
    two_samplers: str = ""
    note: str = ""

    @property
    def guidance_scale(self) -> Convention:
        """What its publisher's `guidance_scale` means."""
        is_distilled = "guidance" in self.settings and self.family.guidance_scale == "unconditional"
        return "distilled" if is_distilled else self.family.guidance_scale


@cache
def load_catalogue() -> tuple[Variant, ...]:
    """Return all variants, in the order of the files' names."""
    return tuple(_to_variant(_to_family(file), entry) for file in _read_files() for entry in file["variants"])


@cache
def load_families() -> tuple[Family, ...]:
    """Return all families, in the order of the files' names."""
    return tuple(map(_to_family, _read_files()))


@cache
def _read_files() -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(file.read_text("utf-8")) for file in sorted(_FOLDER.glob("*.json")))


@cache
def _by_id() -> dict[str, Variant]:
    return {variant.id: variant for variant in load_catalogue()}


def is_variant(variant_id: str) -> bool:
    """Return whether the catalogue has an entry of this id."""
    return variant_id in _by_id()


def chosen_variant(choice: str) -> str:
    """Return the id that a choice of variant stands for; empty for `auto`, which lets recognition choose.

    Raises:
        ValueError: names what is allowed and what came.
    """
    if choice == AUTO:
        return ""
    return find_variant(choice).id


def find_variant(variant_id: str) -> Variant:
    """Return the variant of this id.

    Raises:
        ValueError: the catalogue has no such id.
    """
    variant = _by_id().get(variant_id)
    if variant is None:
        raise ValueError(
            f"variant: expected the id of one of the catalogue's {len(_by_id())} entries, got {variant_id!r}"
        )
    return variant


def _to_family(file: dict[str, Any]) -> Family:
    words = {name: tuple(file.get(name, ())) for name in ("few_step_words", "full_length_words")}
    return Family(file["family"], file.get("guidance_scale", "unconditional"), **words)


def _to_variant(family: Family, entry: dict[str, Any]) -> Variant:
    span = entry.get("range")
    optional = (
        "wants_sampler", "wants_scheduler", "shift_node", "resolution", "clip_skip", "two_samplers", "note",
        "steps_in_name",
    )  # fmt: skip
    return Variant(
        id=entry["variant"],
        name=entry["name"],
        family=family,
        kind=entry["kind"],
        signals=_to_signals(entry["signals"]),
        settings={setting: entry[setting] for setting in SOURCED if setting in entry},
        distilled=entry.get("distilled", False),
        steps_range=(span["min"], span["max"]) if span else None,
        **{name: entry[name] for name in optional if name in entry},
    )


def _to_signals(entry: dict[str, Any]) -> Signals:
    return Signals(
        architectures=tuple(entry["architectures"]),
        unet_config=entry.get("unet_config", {}),
        predictions=tuple(entry.get("predictions", ())),
        files=tuple(map(re.compile, entry.get("files", ()))),
        loras=tuple(map(re.compile, entry.get("loras", ()))),
        metadata=tuple(entry.get("metadata", ())),
        by_class=entry.get("by_class", False),
    )
