"""Settings in a file beside the model, as download tools and model managers write it. Nothing is fetched.

Read are `NAME.civitai.info` (Civitai Helper), `NAME.metadata.json` (LoRA Manager), `NAME.safetensors.rgthree-info.json`
(rgthree) and `NAME.json` (A1111). They name the base model; steps, cfg, sampler and clip skip come from the author's
text, or else from the settings of the author's example images.
"""

import html
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..qualities import Quality
from ..recognition.evidence import Evidence, Sidecar
from ..recognition.finding import Finding
from ..recognition.matching import step_loras
from ..regular_files import read_bytes
from .settings import SettingsError, a1111_sampler, from_record

LARGEST_SIDECAR = 8 << 20
_LONGEST_TEXT = 20_000
_MOST_IMAGES = 200
_MOST_CLIP_SKIP = 12
_BASE_MODEL = ("baseModel", "base_model", "sd version")
_TEXTS = ("description", "modelDescription", "notes", "usage_tips")
_NUMBER = r"(\d{1,3}(?:\.\d{1,2})?)"
_RANGE = rf"{_NUMBER}(?:\s*(?:-|–|~|to)\s*{_NUMBER})?"
_IN_TEXT = {
    "steps": (rf"\bsteps?\s*[:=]?\s*{_RANGE}", rf"{_RANGE}\s*(?:sampling\s*)?steps\b"),
    "cfg": (rf"\bcfg(?:\s*scale)?\s*[:=]?\s*{_RANGE}",),
    "clip_skip": (r"\bclip\s*skip\s*[:=]?\s*-?(\d{1,2})()",),
}
_SAMPLER = re.compile(r"\bsampl(?:er|ing method)s?\s*[:=]\s*([A-Za-z0-9+ ]{2,40})", re.IGNORECASE)


class SidecarSettings:
    """The settings in the file beside the model."""

    def find(self, evidence: Evidence, quality: Quality, finding: Finding) -> tuple[dict[str, Any], str] | None:  # noqa: ARG002
        """Return the fields that a sidecar recommends for the model without accelerators."""
        side = evidence.sidecar
        accelerated = step_loras(lora.name for lora in evidence.active_loras)
        if side is None or not side.settings or accelerated or quality == "draft":
            return None
        return side.settings, f"{side.file}: {side.source}"


def read_sidecar(model: Path) -> Sidecar | None:
    """Return what the files beside a model say about it; None if there are none. Broken ones count as absent."""
    found = [side for file in _candidates(model) if (side := _read(file)) is not None]
    if not found:
        return None
    told = next((side for side in found if side.settings), found[0])
    base = next((side.base_model for side in found if side.base_model), "")
    return Sidecar(told.file, base, told.settings, told.source)


def _candidates(model: Path) -> tuple[Path, ...]:
    stem = model.stem
    names = (f"{stem}.civitai.info", f"{stem}.metadata.json", f"{model.name}.rgthree-info.json", f"{stem}.json")
    return tuple(model.with_name(name) for name in names)


def _read(file: Path) -> Sidecar | None:
    try:
        content = json.loads(read_bytes(file, LARGEST_SIDECAR).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    records = list(_records(content))
    base = next((r[name] for r in records for name in _BASE_MODEL if isinstance(r.get(name), str)), "")
    text = "\n".join(_texts(records))
    images = [meta for record in records for meta in _image_settings(record)]
    for settings, source in ((_from_text(text), "its author's words"), (_from_images(images), _made(images))):
        if settings:
            return Sidecar(file.name, base, settings, source)
    return Sidecar(file.name, base) if base else None


def _records(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the objects in which tools keep what Civitai answered, the outermost first."""
    yield content
    raw = content.get("raw")
    for inner in (content.get("civitai"), content.get("model"), raw.get("civitai") if isinstance(raw, dict) else None):
        if isinstance(inner, dict):
            yield from _records(inner)


def _texts(records: list[dict[str, Any]]) -> Iterator[str]:
    for record in records:
        for name in _TEXTS:
            if isinstance(record.get(name), str):
                yield html.unescape(re.sub(r"<[^>]{0,200}>", " ", record[name][:_LONGEST_TEXT]))


def _image_settings(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    images = record.get("images")
    for image in images[:_MOST_IMAGES] if isinstance(images, list) else ():
        if isinstance(image, dict):
            meta = image.get("meta")
            meta = meta if isinstance(meta, dict) else image
            if isinstance(meta.get("steps"), int) and not isinstance(meta["steps"], bool):
                yield meta


def _from_text(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, patterns in _IN_TEXT.items():
        hit = next((hit for pattern in patterns if (hit := re.search(pattern, text, re.IGNORECASE))), None)
        if hit:
            found[name] = float(hit[1])
    sampler = _SAMPLER.search(text)
    return _checked(found, _known_start(sampler[1]) if sampler else "") if "steps" in found else {}


def _known_start(words: str) -> str:
    """Return the longest start of a text that names a sampler: `Euler a or DPM++` gives `Euler a`."""
    parts = words.split()
    starts = (" ".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((start for start in starts if a1111_sampler(start, "")[0]), "")


def _from_images(images: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the commonest step count of images, and the commonest other settings among those that have it."""
    if not images:
        return {}
    steps = Counter(image["steps"] for image in images).most_common(1)[0][0]
    alike = [image for image in images if image["steps"] == steps]
    found: dict[str, Any] = {"steps": steps}
    for ours, names in (("cfg", ("cfgScale", "cfg")), ("clip_skip", ("clipSkip", "Clip skip"))):
        values = [str(image[name]) for image in alike for name in names if image.get(name) is not None]
        numbers = Counter(float(value) for value in values if re.fullmatch(_NUMBER, value))
        if numbers:
            found[ours] = numbers.most_common(1)[0][0]
    samplers = Counter(image["sampler"] for image in alike if isinstance(image.get("sampler"), str))
    return _checked(found, samplers.most_common(1)[0][0] if samplers else "")


def _made(images: list[dict[str, Any]]) -> str:
    return f"the settings of its {len(images)} example image{'s' if len(images) > 1 else ''}"


def _checked(found: dict[str, Any], sampler_words: str) -> dict[str, Any]:
    """Return a plan's fields; none if a value is out of range."""
    clip_skip = found.pop("clip_skip", None)
    sampler, scheduler = a1111_sampler(sampler_words, "")
    record = {**found, "sampler_name": sampler or None, "scheduler": scheduler or None}
    try:
        fields = from_record(record)
    except SettingsError:
        return {}
    if clip_skip is not None and 1 <= clip_skip <= _MOST_CLIP_SKIP:
        fields["clip_skip"] = int(clip_skip)
    return fields
