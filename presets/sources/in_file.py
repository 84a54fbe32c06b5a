"""Settings in the model's own file.

They are a plan that `sweetspot stamp` wrote, or a converter's `modelspec.*` or `general.sampling.*` entries.
"""

import json
import re
from typing import Any

from ..qualities import QUALITIES, Quality, for_quality
from ..recognition.evidence import Evidence
from ..recognition.finding import Finding
from ..recognition.matching import step_loras
from .settings import ALIASES, MOST_CLIP_SKIP, SettingsError, a1111_sampler, from_record

# The entry of a safetensors file's metadata that holds a stamped plan.
STAMP = "sweetspot.plan"
STAMP_VERSION = 1
_PREFIXES = ("modelspec.", "general.sampling.")
_SIZE = re.compile(r"([0-9]{2,5}) ?[xX*] ?([0-9]{2,5})")
_LARGEST_SIDE = 16_384


class FileSettings:
    """The settings in the model's file."""

    def find(self, evidence: Evidence, quality: Quality, finding: Finding) -> tuple[dict[str, Any], str] | None:
        """Return the plan's fields that the file holds, for the model without accelerators."""
        if len(evidence.files) != 1 or step_loras(lora.name for lora in evidence.active_loras):
            return None
        stamped = read_stamp(evidence.metadata)
        if quality in stamped:
            return stamped[quality], "stamped into the file"
        entries, source = stamped.get("balanced"), "stamped into the file"
        if not entries:
            entries, source = _converter_fields(evidence.metadata), "the file's own metadata"
        is_few = finding.variant is not None and finding.variant.distilled
        return (for_quality(entries, quality, few_step=is_few), source) if entries else None


def read_stamp(metadata: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Return the stamped plan's fields by quality; empty if there is none, or if it can't be used."""
    try:
        content = json.loads(metadata.get(STAMP, "{}"))
        if content.get("version", STAMP_VERSION) > STAMP_VERSION:
            return {}
        qualities = {name: content[name] for name in QUALITIES if isinstance(content.get(name), dict)}
        return {name: from_record(record) for name, record in qualities.items()}
    except (ValueError, RecursionError, AttributeError, TypeError):
        return {}


def _converter_fields(metadata: dict[str, str]) -> dict[str, Any]:
    names = {name for group in ALIASES for name in group}
    record: dict[str, Any] = {
        key.removeprefix(prefix): value
        for prefix in _PREFIXES
        for key, value in metadata.items()
        if key.startswith(prefix) and key.removeprefix(prefix) in names
    }
    if "sampler" in record or "sampler_name" in record:
        record |= _sampler_of(str(record.pop("sampler", record.pop("sampler_name", ""))))
    try:
        fields = from_record(record) if record else {}
    except SettingsError:
        fields = {}
    return fields | _more_fields(metadata)


def _sampler_of(words: str) -> dict[str, str]:
    """Return a sampler's fields, in ComfyUI's words or A1111's."""
    sampler, scheduler = a1111_sampler(words, "")
    named = sampler or (words if re.fullmatch(r"[a-z0-9_]{1,60}", words) else "")
    return {"sampler_name": named} | ({"scheduler": scheduler} if scheduler else {}) if named else {}


def _more_fields(metadata: dict[str, str]) -> dict[str, Any]:
    """Return size and clip skip as the ModelSpec standard names them."""
    size = _SIZE.fullmatch(metadata.get("modelspec.resolution", "")[:20])
    layer = re.fullmatch(r"-?([0-9]{1,2})", metadata.get("modelspec.encoder_layer", "")[:20])
    found: dict[str, Any] = {}
    if size and max(int(size[1]), int(size[2])) <= _LARGEST_SIDE:
        found["resolution"] = (int(size[1]), int(size[2]))
    if layer and 1 <= int(layer[1]) <= MOST_CLIP_SKIP:
        found["clip_skip"] = int(layer[1])
    return found
