"""Settings in the model's own file.

They are a plan that `sweetspot stamp` wrote, or a converter's `modelspec.*` or `general.sampling.*` entries.
"""

import json
import re
from typing import Any

from ..qualities import QUALITIES, Quality
from ..recognition.evidence import Evidence
from ..recognition.finding import Finding
from ..recognition.matching import step_loras
from .settings import ALIASES, SettingsError, a1111_sampler, from_record

# The entry of a safetensors file's metadata that holds a stamped plan.
STAMP = "sweetspot.plan"
STAMP_VERSION = 1
_PREFIXES = ("modelspec.", "general.sampling.")
_SIZE = re.compile(r"(\d{2,5})\s*[xX*]\s*(\d{2,5})")
_MOST_CLIP_SKIP = 12


class FileSettings:
    """The settings in the model's file."""

    def find(self, evidence: Evidence, quality: Quality, finding: Finding) -> tuple[dict[str, Any], str] | None:  # noqa: ARG002
        """Return the plan's fields that the file holds, for the model without accelerators."""
        if len(evidence.files) != 1 or step_loras(lora.name for lora in evidence.active_loras):
            return None
        stamped = _of_quality(read_stamp(evidence.metadata), quality)
        if stamped:
            return stamped, "stamped into the file"
        entries = _converter_fields(evidence.metadata) if quality != "draft" else {}
        return (entries, "the file's own metadata") if entries else None


def read_stamp(metadata: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Return the stamped plan's fields by quality; empty if there is none, or if it can't be used."""
    try:
        content = json.loads(metadata.get(STAMP, "{}"))
        qualities = {name: content[name] for name in QUALITIES if isinstance(content.get(name), dict)}
        return {name: from_record(record) for name, record in qualities.items()}
    except (ValueError, RecursionError, AttributeError):
        return {}


def _of_quality(stamped: dict[str, dict[str, Any]], quality: Quality) -> dict[str, Any]:
    """Return the fields for a quality; balanced ones also stand for best, but not for drafts."""
    return stamped.get(quality) or (stamped.get("balanced", {}) if quality == "best" else {})


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
    size = _SIZE.fullmatch(metadata.get("modelspec.resolution", ""))
    layer = metadata.get("modelspec.encoder_layer", "").lstrip("-")
    found: dict[str, Any] = {"resolution": (int(size[1]), int(size[2]))} if size else {}
    if layer.isdigit() and 1 <= int(layer) <= _MOST_CLIP_SKIP:
        found["clip_skip"] = int(layer)
    return found
