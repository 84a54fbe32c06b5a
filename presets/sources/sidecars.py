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
from itertools import islice
from pathlib import Path
from typing import Any

from ..qualities import Quality, for_quality
from ..recognition.evidence import Evidence, Sidecar
from ..recognition.finding import Finding
from ..recognition.matching import step_loras
from ..regular_files import read_bytes
from .settings import MOST_CLIP_SKIP, SettingsError, a1111_sampler, from_record

LARGEST_SIDECAR = 8 << 20
_LONGEST_TEXT = 20_000
_LONGEST_BASE_MODEL = 60
_MOST_RECORDS = 20
_MOST_IMAGES = 200
_MOST_STEPS = 150
_BASE_MODEL = ("baseModel", "base_model", "sd version")
_TEXTS = ("description", "modelDescription", "notes", "usage_tips")
# Texts are searched with single spaces, so that no pattern can look at the same spaces twice.
_NUMBER = r"(?<![\d.])(\d{1,3}(?:\.\d{1,2})?)(?![\d.])"
_RANGE = rf"{_NUMBER}(?: ?(?:-|–|~|to) ?{_NUMBER})?"
_STEPS = re.compile(rf"\bsteps ?[:=] ?{_RANGE}", re.IGNORECASE)
_STEPS_IN_WORDS = re.compile(rf"{_RANGE} (?:sampling )?steps\b|\bsteps (?:of |around |about )?{_RANGE}", re.IGNORECASE)
_CFG = re.compile(rf"\bcfg(?: scale)? ?[:=]? ?{_RANGE}", re.IGNORECASE)
_CLIP_SKIP = re.compile(r"\bclip ?skip ?[:=]? ?-?(\d{1,2})\b", re.IGNORECASE)
_SAMPLER = re.compile(r"\bsampl(?:er|ing method)s? ?[:=] ?([A-Za-z0-9+ ]{2,40})", re.IGNORECASE)
# How near a word about training makes a count one of training steps.
_NEAR = 25


class SidecarSettings:
    """The settings in the file beside the model."""

    def find(self, evidence: Evidence, quality: Quality, finding: Finding) -> tuple[dict[str, Any], str] | None:
        """Return the fields that a sidecar recommends for the model without accelerators."""
        side = evidence.sidecar
        accelerated = step_loras(lora.name for lora in evidence.active_loras)
        if side is None or not side.settings or accelerated or len(evidence.files) != 1:
            return None
        is_few = finding.variant is not None and finding.variant.distilled
        return for_quality(side.settings, quality, few_step=is_few), f"{side.file}: {side.source}"


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
        # A link could lead out of the folders that may be read.
        content = None if file.is_symlink() else json.loads(read_bytes(file, LARGEST_SIDECAR).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    records = list(islice(_records(content), _MOST_RECORDS))
    named = (record[name] for record in records for name in _BASE_MODEL if isinstance(record.get(name), str))
    base = next((name for name in named if 0 < len(name) <= _LONGEST_BASE_MODEL), "")
    images = [meta for record in records for meta in _image_settings(record)][:_MOST_IMAGES]
    for settings, source in ((_from_text(_text(records)), "its author's words"), (_from_images(images), _made(images))):
        if settings:
            return Sidecar(file.name, base, settings, source)
    return Sidecar(file.name, base) if base else None


def _records(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the objects in which tools keep what Civitai answered, the outermost first."""
    waiting = [content]
    while waiting:
        record = waiting.pop(0)
        yield record
        raw = record.get("raw")
        inner = (record.get("civitai"), record.get("model"), raw.get("civitai") if isinstance(raw, dict) else None)
        waiting += [each for each in inner if isinstance(each, dict)]


def _text(records: list[dict[str, Any]]) -> str:
    texts = [record[name] for record in records for name in _TEXTS if isinstance(record.get(name), str)]
    plain = (html.unescape(re.sub(r"<[^<>]{0,200}>", " ", text[:_LONGEST_TEXT])) for text in texts)
    return " ".join(" ".join(plain).split())[:_LONGEST_TEXT]


def _image_settings(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    images = record.get("images")
    for image in images[:_MOST_IMAGES] if isinstance(images, list) else ():
        if isinstance(image, dict):
            meta = image.get("meta")
            meta = meta if isinstance(meta, dict) else image
            if isinstance(meta.get("steps"), int) and not isinstance(meta["steps"], bool):
                yield meta


def _from_text(text: str) -> dict[str, Any]:
    steps = _steps_in(text)
    if steps is None:
        return {}
    found: dict[str, Any] = {"steps": steps}
    found |= {
        name: float(hit[1])
        for name, pattern in (("cfg", _CFG), ("clip_skip", _CLIP_SKIP))
        if (hit := pattern.search(text))
    }
    sampler = _SAMPLER.search(text)
    return _checked(found, _known_start(sampler[1]) if sampler else "")


def _steps_in(text: str) -> float | None:
    """Return the step count that a text recommends; None if it names none, or several."""
    for pattern in (_STEPS, _STEPS_IN_WORDS):
        hits = [
            hit for hit in pattern.finditer(text) if not re.search("train|epoch", _around(text, hit), re.IGNORECASE)
        ]
        counts = {float(next(filter(None, hit.groups()))) for hit in hits}
        if counts:
            return counts.pop() if len(counts) == 1 and 1 <= min(counts) <= _MOST_STEPS else None
    return None


def _around(text: str, hit: re.Match[str]) -> str:
    return text[max(0, hit.start() - _NEAR) : hit.end() + _NEAR]


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
        numbers = Counter(float(value) for value in values if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,2})?", value))
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
    if clip_skip is not None and 1 <= clip_skip <= MOST_CLIP_SKIP:
        fields["clip_skip"] = int(clip_skip)
    return fields
