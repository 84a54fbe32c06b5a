"""The user's own presets: one readable file, version 1.

    {"version": 1, "prefer": "template", "presets": {"<file name>": {"balanced": {"steps": 18, ...}}}}

Accelerator LoRAs follow the model's name: `flux1-dev + flux.1-turbo-alpha`. New presets are merged by name and quality,
and the file is written atomically. A file that cannot be read is renamed, never overwritten; a file of a newer version
is left unchanged.
"""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...graphs.model_files import MODEL_ENDINGS
from ..qualities import PREFERENCES, QUALITIES, Preference, Quality
from ..recognition.evidence import Evidence
from ..recognition.matching import step_loras
from ..recognition.names import normalise
from ..recognition.recognise import find
from .files import write_atomically
from .settings import Convention, from_record

VERSION = 1
_FILE = Path("default", "sweetspot", "step_presets.json")
Presets = dict[str, dict[str, dict[str, Any]]]


class UserPresetsError(ValueError):
    """The file of presets, or what should be saved in it, cannot be used; the message says why."""


@dataclass(frozen=True)
class UserPresets:
    """The contents of the file.

    Attributes:
        prefer: whose numbers balanced uses if both are known.
        presets: settings by the model's name and quality.
        problem: what was wrong with the file, and where it is now; empty if nothing was.
    """

    prefer: Preference = "template"
    presets: Presets = field(default_factory=dict)
    problem: str = ""

    def find(self, evidence: Evidence, quality: Quality, sources: str = "") -> tuple[dict[str, Any], str] | None:  # noqa: ARG002
        """Return the plan's fields that the user saved for exactly this file, and the words for their source."""
        if len(evidence.files) != 1:
            return None
        name = evidence.files[0]
        saved = self.presets.get(key_of(name, (lora.name for lora in evidence.active_loras)), {}).get(quality)
        if saved is None:
            return None
        when = f" of {saved['saved']}" if "saved" in saved else ""
        return from_record(saved, convention=_convention(name)), f"your saved preset{when}"


def key_of(file: str, loras: Iterable[str] = ()) -> str:
    """Return the key of a model's presets: its name, and the names of LoRAs that change the step count.

    Names are in lower case, without folder and extension, because images record them like that and a GGUF of the same
    name is the same model. Only a name that many files share, e.g. `diffusion_pytorch_model`, keeps its folder.
    """
    return " + ".join([_stem(file), *sorted(map(_stem, step_loras(loras)))])


def presets_file(user_folder: Path) -> Path:
    """Return the path of the presets in ComfyUI's user folder; the file may not exist yet."""
    return user_folder / _FILE


def load_user_presets(file: Path) -> UserPresets:
    """Return the user's presets; empty if there is no file.

    A broken file is renamed, and `problem` gives its new name.

    Raises:
        UserPresetsError: the file was written by a newer version of the pack.
        OSError: the file cannot be read or renamed.
    """
    try:
        return _check(json.loads(file.read_text("utf-8-sig")))
    except FileNotFoundError:
        return UserPresets()
    except UserPresetsError:
        raise
    except (ValueError, TypeError, RecursionError) as error:
        aside = _free_name(file)
        file.replace(aside)
        return UserPresets(problem=f"{file.name} could not be read ({error}); it was renamed to {aside}")


def read_user_presets(file: Path) -> UserPresets:
    """Return the user's presets for reading only: errors are not raised but reported in `problem`."""
    try:
        return load_user_presets(file)
    except (UserPresetsError, OSError) as error:
        return UserPresets(problem=f"{file.name} was not used ({error})")


def save_preset(
    file: Path,
    model_file: str,
    settings: dict[str, Any],
    quality: Quality = "balanced",
    loras: Iterable[str] = (),
) -> UserPresets:
    """Save settings for a model file; those of other files and qualities stay.

    Args:
        file: where the user's presets are.
        model_file: name of the model's file.
        settings: settings under any of the names people use, see `presets/sources/settings.py`.
        quality: the quality that they are meant for.
        loras: names of the LoRAs on the model; those that change the step count become part of the key.

    Raises:
        ValueError: the name or a setting is not allowed.
        UserPresetsError: the file was written by a newer version of the pack.
        OSError: it cannot be written; the old file is unchanged.
    """
    if not _stem(model_file) or len(model_file) > 255:
        raise UserPresetsError(f"model: expected a file name of 1 to 255 characters, got {model_file[:80]!r}")
    if quality not in QUALITIES:
        raise UserPresetsError(f"quality: expected one of {', '.join(QUALITIES)}, got {quality!r}")
    record = {**from_record(settings, convention=_convention(model_file)), "saved": time.strftime("%Y-%m-%d")}
    current = load_user_presets(file)
    key = key_of(model_file, loras)
    kept = current.presets.get(key, {})
    entry = {**kept, quality: {**kept.get(quality, {}), **record}}
    return _write(file, UserPresets(current.prefer, {**current.presets, key: entry}, current.problem))


def save_preference(file: Path, prefer: Preference) -> UserPresets:
    """Save whose numbers balanced uses: `template` or `publisher`.

    Raises:
        ValueError: `prefer` is neither.
        OSError: the file cannot be written.
    """
    if prefer not in PREFERENCES:
        raise UserPresetsError(f"prefer: expected one of {', '.join(PREFERENCES)}, got {prefer!r}")
    current = load_user_presets(file)
    return _write(file, UserPresets(prefer, current.presets, current.problem))


def _stem(file: str) -> str:
    base = file.replace("\\", "/").rsplit("/", 1)[-1].lower()
    stem = next((base.removesuffix(ending) for ending in MODEL_ENDINGS if base.endswith(ending)), base)
    shared = normalise(file) != normalise(stem)  # `normalise` puts the folder before a shared name
    return normalise(file) if shared else stem


def _convention(model_file: str) -> Convention:
    variant = find(Evidence(files=(model_file,))).variant
    return variant.guidance_scale if variant is not None else "unconditional"


def _free_name(file: Path) -> Path:
    """Return an unused file name next to the file."""
    stamp, number = time.strftime("%Y%m%d-%H%M%S"), 0
    while True:
        aside = file.with_name(f"{file.stem}.broken-{stamp}{f'-{number}' if number else ''}{file.suffix}")
        if not aside.exists():
            return aside
        number += 1


def _write(file: Path, presets: UserPresets) -> UserPresets:
    content = {"version": VERSION, "prefer": presets.prefer, "presets": presets.presets}
    write_atomically(file, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return presets


def _check(content: Any) -> UserPresets:
    if not isinstance(content, dict) or not isinstance(content.get("version"), int):
        raise TypeError("expected an object with a whole number `version`")
    if content["version"] > VERSION:
        raise UserPresetsError(
            f"version: expected {VERSION} or less, got {content['version']}: the file is from a newer Sweet Spot"
        )
    prefer = content.get("prefer", "template")
    if prefer not in PREFERENCES:
        raise ValueError(f"prefer: expected one of {', '.join(PREFERENCES)}, got {prefer!r}")
    presets = content.get("presets", {})
    if not isinstance(presets, dict):
        raise TypeError("presets: expected an object")
    for name, by_quality in presets.items():
        _check_entry(name, by_quality)
    return UserPresets(prefer, presets)


def _check_entry(name: str, by_quality: Any) -> None:
    if not isinstance(by_quality, dict) or not all(isinstance(settings, dict) for settings in by_quality.values()):
        raise TypeError(f"presets: expected {name[:80]!r} to be an object of settings by quality")
    for quality, settings in by_quality.items():
        if quality not in QUALITIES:
            raise ValueError(
                f"presets: expected one of {', '.join(QUALITIES)} as a quality of {name[:80]!r}, got {quality[:20]!r}"
            )
        from_record(settings)
