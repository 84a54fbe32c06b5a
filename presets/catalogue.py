"""The catalogue: one entry a model variant, kept in the JSON files of `catalogue/` under `catalogue.schema.json`."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .plan import StepPlan

SETTINGS = ("steps", "cfg", "sampler_name", "scheduler")

_FOLDER = Path(__file__).parent / "catalogue"


@dataclass(frozen=True)
class Variant:
    """One entry of the catalogue.

    Attributes:
        plan: its recommended settings with their sources.
        name: its name for people.
        architecture: name of the class in `comfy.supported_models` that loads it.
        unet_config: entries that the model's `unet_config` has.
        same_shapes: what else carries the same signals, for people; empty where nothing is known to.
    """

    plan: StepPlan
    name: str
    architecture: str
    unet_config: dict[str, Any]
    same_shapes: str


@cache
def load_catalogue() -> tuple[Variant, ...]:
    """Return all variants, in the order of the files' names."""
    files = sorted(_FOLDER.glob("*.json"))
    return tuple(_to_variant(entry) for file in files for entry in json.loads(file.read_text("utf-8"))["variants"])


def _to_variant(entry: dict[str, Any]) -> Variant:
    plan = StepPlan(
        variant=entry["variant"],
        **{setting: entry[setting]["value"] for setting in SETTINGS},
        sources={setting: entry[setting]["source"] for setting in SETTINGS},
    )
    signals = entry["signals"]
    return Variant(plan, entry["name"], signals["architecture"], signals["unet_config"], entry.get("same_shapes", ""))
