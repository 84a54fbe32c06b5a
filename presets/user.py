"""The user's own presets: one readable file, version 1.

    {"version": 1, "prefer": "template", "presets": {"<file name>": {"steps": 18, "quality": "balanced", ...}}}

It is merged by key and written atomically. A file that cannot be read is put aside under another name, never
overwritten; a file of a newer version is left as it is.
"""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .caches import write_atomically
from .detection import find
from .evidence import Evidence
from .names import MODEL_ENDINGS
from .qualities import PREFERENCES, QUALITIES, Preference, Quality
from .settings import from_record

VERSION = 1
FILE_NAME = "step_presets.json"
# Families whose publishers' guidance_scale is the cond + g (cond - uncond) kind, see `presets/settings.py`.
CONDITIONAL_ANCHOR = ("Z-Image", "Krea 2", "Cosmos 1", "Cosmos-Predict2")


class UserPresetsError(ValueError):
    """The file of presets cannot be used; the message says where it is and what is wrong with it."""


@dataclass(frozen=True)
class UserPresets:
    """What the file holds.

    Attributes:
        prefer: whose numbers balanced takes where both are known, "once, for good".
        presets: settings by the model's file name and quality.
        problem: what was wrong with the file, and where it is now; empty where nothing was.
    """

    prefer: Preference = "template"
    presets: dict[str, dict[str, Any]] = field(default_factory=dict)
    problem: str = ""

    def find(self, evidence: Evidence, quality: Quality) -> tuple[dict[str, Any], str] | None:
        """Return the plan's fields that the user saved for exactly this file, and the words for their source."""
        if len(evidence.files) != 1:
            return None
        saved = self.presets.get(key_of(evidence.files[0]))
        if saved is None or saved.get("quality", "balanced") != quality:
            return None
        when = f" of {saved['saved']}" if "saved" in saved else ""
        return from_record(saved), f"your saved preset{when}"


def key_of(file: str) -> str:
    """Return the key under which a model file's preset is kept: its base name without ending, lower case.

    Images tell a model's name without its ending, and a GGUF of the same name is the same model.
    """
    base = file.replace("\\", "/").rsplit("/", 1)[-1].lower()
    return next((base.removesuffix(ending) for ending in MODEL_ENDINGS if base.endswith(ending)), base)


def load_user_presets(file: Path) -> UserPresets:
    """Return the user's presets; none where there is no file.

    A broken file is put aside, and `problem` says where.

    Raises:
        UserPresetsError: the file was written by a newer version of the pack.
        OSError: it cannot be read or put aside.
    """
    try:
        content = json.loads(file.read_text("utf-8"))
        presets = _check(content)
    except FileNotFoundError:
        return UserPresets()
    except UserPresetsError:
        raise
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        aside = file.with_name(f"{file.stem}.broken-{time.strftime('%Y%m%d-%H%M%S')}{file.suffix}")
        file.replace(aside)
        return UserPresets(problem=f"{file.name} could not be read ({error}); it is kept as {aside}")
    return presets


def save_preset(file: Path, model_file: str, settings: dict[str, Any], quality: Quality = "balanced") -> UserPresets:
    """Keep settings for a model file, beside what is kept for others and for the rest of this one.

    Args:
        file: where the user's presets are.
        model_file: name of the model's file.
        settings: under any of the names people use, see `presets/settings.py`.
        quality: the quality that they are meant for.

    Raises:
        ValueError: the name or a setting is not allowed.
        UserPresetsError: the file was written by a newer version of the pack.
        OSError: it cannot be written; the old file still stands.
    """
    key = key_of(model_file)
    if not key or len(key) > 255:
        raise UserPresetsError(f"model: expected a file name of 1 to 255 characters, got {model_file[:80]!r}")
    if quality not in QUALITIES:
        raise UserPresetsError(f"quality: expected one of {', '.join(QUALITIES)}, got {quality!r}")
    anchored = "guidance_scale" in settings and _is_anchored(model_file)
    record = {
        **from_record(settings, conditional_anchor=anchored),
        "quality": quality,
        "saved": time.strftime("%Y-%m-%d"),
    }
    current = load_user_presets(file)
    merged = {**current.presets, key: {**current.presets.get(key, {}), **record}}
    return _write(file, UserPresets(current.prefer, merged, current.problem))


def save_preference(file: Path, prefer: Preference) -> UserPresets:
    """Keep whose numbers balanced takes: `template` or `publisher`.

    Raises:
        ValueError: it is neither.
        OSError: the file cannot be written.
    """
    if prefer not in PREFERENCES:
        raise UserPresetsError(f"prefer: expected one of {', '.join(PREFERENCES)}, got {prefer!r}")
    current = load_user_presets(file)
    return _write(file, UserPresets(prefer, current.presets, current.problem))


def _is_anchored(model_file: str) -> bool:
    variant = find(Evidence(files=(model_file,))).variant
    return variant is not None and variant.family in CONDITIONAL_ANCHOR


def _write(file: Path, presets: UserPresets) -> UserPresets:
    content = {"version": VERSION, "prefer": presets.prefer, "presets": presets.presets}
    write_atomically(file, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return presets


def _check(content: Any) -> UserPresets:
    if not isinstance(content, dict) or not isinstance(content.get("version"), int):
        raise TypeError("expected an object with a version")
    if content["version"] > VERSION:
        raise UserPresetsError(
            f"version: expected {VERSION} or less, got {content['version']}: it is from a newer Sweet Spot"
        )
    presets = content.get("presets", {})
    if not isinstance(presets, dict) or not all(isinstance(preset, dict) for preset in presets.values()):
        raise TypeError("presets: expected an object of objects")
    for preset in presets.values():
        from_record(preset)
    prefer = content.get("prefer", "template")
    if prefer not in PREFERENCES:
        raise ValueError(f"prefer: expected one of {', '.join(PREFERENCES)}, got {prefer!r}")
    return UserPresets(prefer, presets)
