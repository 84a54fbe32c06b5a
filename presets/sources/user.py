"""The user's own presets: one readable file, version 1.

    {"version": 1, "prefer": "template", "presets": {"<file name>": {"balanced": {"steps": 18, ...}}}}

Accelerator LoRAs follow the model's name: `flux1-dev + flux.1-turbo-alpha`. The name of a class, a family or a variant
instead of a file's stands for all such models: `type:sdxl`. Saving changes one entry and leaves every
other character of the file as it is, also while several programs save at once. An entry that can't be used is skipped
and reported. Reading changes nothing. Only a file that is no JSON object is renamed when something is saved, and never
overwritten; a file of a newer version is left unchanged.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from ...graphs.model_files import MODEL_ENDINGS
from ..catalogue import load_catalogue
from ..qualities import PREFERENCES, QUALITIES, Preference, Quality
from ..recognition.evidence import Evidence
from ..recognition.finding import Finding
from ..recognition.matching import step_loras
from ..recognition.names import normalise
from ..recognition.recognise import find
from ..regular_files import read_bytes
from .files import sweep_unfinished, write_atomically
from .json_edit import with_value
from .lock import locked
from .settings import ALIASES, Convention, SettingsError, from_record

VERSION = 1
LARGEST_FILE = 16 << 20
_FILE = Path("sweetspot", "step_presets.json")
# A longer whole number is no setting; Python would refuse to read it, and the whole file with it.
_LONGEST_NUMBER = 30
_MOST_SHOWN = 3
_LONGEST_SOURCE = 120
# What begins the key of settings for all models of a type. No file's name contains a colon.
_TYPE = "type:"
_EMPTY = f'{{\n  "version": {VERSION},\n  "prefer": "template",\n  "presets": {{}}\n}}\n'
Presets = dict[str, dict[str, dict[str, Any]]]
Found = tuple[dict[str, Any], str] | None


class UserPresetsError(ValueError):
    """The file of presets, or what should be saved in it, cannot be used; the message says why."""


class _BrokenError(UserPresetsError):
    """The file is no JSON object."""


@dataclass(frozen=True)
class UserPresets:
    """The contents of the file.

    Attributes:
        prefer: whose numbers balanced uses if both are known.
        presets: settings by the model's name and quality.
        problem: what was wrong with the file, which entries were skipped, and where a renamed file is now; empty if
            nothing was wrong.
    """

    prefer: Preference = "template"
    presets: Presets = field(default_factory=dict)
    problem: str = ""

    def find(self, evidence: Evidence, quality: Quality, finding: Finding | None = None) -> Found:  # noqa: ARG002
        """Return the plan's fields that the user saved for exactly this file, and the words for their source."""
        if len(evidence.files) != 1:
            return None
        name = evidence.files[0]
        key = key_of(name, (lora.name for lora in evidence.active_loras))
        saved = None if key.startswith(_TYPE) else self.presets.get(key, {}).get(quality)
        if saved is None:
            return None
        when = f" of {saved['saved']}" if "saved" in saved else ""
        source = saved.get("source")
        about = f": {source[:_LONGEST_SOURCE]}" if isinstance(source, str) and source else ""
        return from_record(saved, convention=_convention(name)), f"your saved preset{when}{about}"

    def of_types(self) -> "TypePresets":
        """Return what is saved for all models of a class, a family or a variant."""
        return TypePresets({key: saved for key, saved in self.presets.items() if key.startswith(_TYPE)})


@dataclass(frozen=True)
class TypePresets:
    """Settings for all models of a type. Few-step models get them only if they were saved for exactly that variant.

    Attributes:
        presets: settings by the type's key and quality.
    """

    presets: Presets

    def find(self, evidence: Evidence, quality: Quality, finding: Finding) -> Found:
        """Return the plan's fields for the narrowest type that the model belongs to, and the words for their source."""
        loras = [lora.name for lora in evidence.active_loras]
        variant = finding.variant
        is_few = bool(finding.few_step) or (variant is not None and variant.distilled)
        for name in _types_of(evidence, finding):
            saved = self.presets.get(key_of(name, loras), {}).get(quality)
            meant = (
                not is_few
                or bool(step_loras(loras))
                or (variant is not None and name in (variant.id, variant.name) and variant.distilled)
            )
            if saved is not None and meant:
                return from_record(saved), f"your saved preset for all {name}"
        return None


def _types_of(evidence: Evidence, finding: Finding) -> Iterator[str]:
    """Yield the types that a model belongs to, the narrowest first."""
    variant = finding.variant
    if variant is not None:
        yield variant.id
        yield variant.name
        yield variant.family.name
    classes = (evidence.architecture,) if evidence.architecture else ()
    yield from classes or (variant.signals.architectures[:1] if variant is not None else ())


@cache
def _known_types() -> dict[str, str]:
    """Return the names of all types by their keys."""
    names = [name for v in load_catalogue() for name in (*v.signals.architectures, v.name, v.family.name, v.id)]
    return {name.lower(): name for name in names}


def key_of(file: str, loras: Iterable[str] = ()) -> str:
    """Return the key of a model's presets: its name, and the names of LoRAs that change the step count.

    Names are in lower case, without folder and extension, because images record them like that and a GGUF of the same
    name is the same model. Only a name that many files share, e.g. `diffusion_pytorch_model`, keeps its folder.
    """
    kind = file.strip().lower()
    model = f"{_TYPE}{kind}" if kind in _known_types() else _stem(file)
    return " + ".join([model, *sorted(map(_stem, step_loras(loras)))])


def presets_file(user_folder: Path, user: str = "default") -> Path:
    """Return the path of a user's presets in ComfyUI's user folder; the file may not exist yet."""
    return user_folder / user / _FILE


def load_user_presets(file: Path) -> UserPresets:
    """Return the user's presets; empty if there is no file. What can't be used is named in `problem`.

    Raises:
        UserPresetsError: the file was written by a newer version of the pack.
        OSError: the file cannot be read.
    """
    try:
        return _checked(_parsed(file, _text_of(file)))
    except FileNotFoundError:
        return UserPresets()
    except _BrokenError as error:
        return UserPresets(problem=f"not used: {error}")


def read_user_presets(file: Path) -> UserPresets:
    """Return the user's presets for reading only: errors are not raised but reported in `problem`."""
    try:
        return load_user_presets(file)
    except (UserPresetsError, OSError) as error:
        return UserPresets(problem=f"not used: {error}")


def save_preset(
    file: Path,
    model_file: str,
    settings: dict[str, Any],
    quality: Quality = "balanced",
    loras: Iterable[str] = (),
    source: str = "",
) -> UserPresets:
    """Save settings for a model file; those of other files and qualities stay.

    Args:
        file: where the user's presets are.
        model_file: name of the model's file.
        settings: settings under any of the names people use, see `presets/sources/settings.py`.
        quality: the quality that they are meant for.
        loras: names of the LoRAs on the model; those that change the step count become part of the key.
        source: where the settings come from, in words; empty if the user has written them.

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
    record |= {"source": source} if source else {}
    key = key_of(model_file, loras)

    def merged(content: dict[str, Any]) -> tuple[list[str], Any]:
        by_quality = content.get("presets", {}).get(key)
        if not isinstance(by_quality, dict):
            return ["presets", key], {quality: record}
        return ["presets", key, quality], _overlaid(by_quality.get(quality), record)

    return _change(file, merged)


def save_preference(file: Path, prefer: Preference) -> UserPresets:
    """Save whose numbers balanced uses: `template` or `publisher`.

    Raises:
        ValueError: `prefer` is neither.
        OSError: the file cannot be written.
    """
    if prefer not in PREFERENCES:
        raise UserPresetsError(f"prefer: expected one of {', '.join(PREFERENCES)}, got {prefer!r}")
    return _change(file, lambda _: (["prefer"], prefer))


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


def _change(file: Path, change: Callable[[dict[str, Any]], tuple[list[str], Any]]) -> UserPresets:
    """Change one value of the file, which no other program changes meanwhile, and return what the file then holds.

    Args:
        file: the file; it may not exist yet.
        change: returns the path of the value and the new value, given the file's content.
    """
    with locked(file.resolve().parent):
        sweep_unfinished(file, older_than=0)
        text, problem = _text_to_change(file)
        path, value = change(_parsed(file, text))
        text = with_value(text, path, value)
        write_atomically(file, text)
    saved = _checked(_parsed(file, text))
    return replace(saved, problem="; ".join(part for part in (problem, saved.problem) if part))


def _text_to_change(file: Path) -> tuple[str, str]:
    """Return the file's text, or that of a new file, and what happened to a broken one."""
    try:
        text = _text_of(file)
        content = _parsed(file, text)
    except FileNotFoundError:
        return _EMPTY, ""
    except _BrokenError as error:
        aside = _free_name(file.resolve())
        file.resolve().replace(aside)
        return _EMPTY, f"{error}; it was renamed to {aside}"
    _check_version(content)
    if not isinstance(content.get("presets", {}), dict):
        raise UserPresetsError(f"{file.name}: expected `presets` to be an object; correct it before saving")
    return (text if isinstance(content.get("version"), int) else with_value(text, ["version"], VERSION)), ""


def _text_of(file: Path) -> str:
    """Return the file's text with its own line ends and byte order mark."""
    content = read_bytes(file, LARGEST_FILE)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _BrokenError(f"{file.name} is not UTF-8 text ({error.reason} at byte {error.start})") from None


def _parsed(file: Path, text: str) -> dict[str, Any]:
    try:
        content = json.loads(text.removeprefix("\ufeff"), parse_int=_whole_number)
    except (ValueError, RecursionError) as error:
        raise _BrokenError(f"{file.name} is not valid JSON ({error})") from None
    if not isinstance(content, dict):
        raise _BrokenError(f"{file.name} holds no JSON object")
    return content


def _whole_number(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else float(digits)


def _overlaid(saved: Any, record: dict[str, Any]) -> dict[str, Any]:
    """Return saved settings with new ones over them; what we don't know stays."""
    others = {name for names in ALIASES for name in names if any(each in record for each in names)}
    # These belong to the sampler, scheduler and steps that they were saved with.
    others |= {"shift", "scheduler_options", "sigmas", "source"}
    kept = {name: value for name, value in saved.items() if name not in others} if isinstance(saved, dict) else {}
    return kept | record


def _checked(content: dict[str, Any]) -> UserPresets:
    """Return what can be used, and name what can't."""
    _check_version(content)
    problems = [] if isinstance(content.get("version"), int) else [f"version: expected {VERSION}"]
    prefer = content.get("prefer", "template")
    if prefer not in PREFERENCES:
        problems.append(f"prefer: expected one of {', '.join(PREFERENCES)}, got {str(prefer)[:40]!r}")
        prefer = "template"
    presets: Presets = {}
    for name, quality, settings, wrong in _entries(content.get("presets", {})):
        if wrong:
            problems.append(wrong)
        else:
            presets.setdefault(name, {})[quality] = settings
    return UserPresets(prefer, presets, _named(problems))


def _named(problems: list[str]) -> str:
    more = f" and {len(problems) - _MOST_SHOWN} more" if len(problems) > _MOST_SHOWN else ""
    return f"skipped: {'; '.join(problems[:_MOST_SHOWN])}{more}" if problems else ""


def _check_version(content: dict[str, Any]) -> None:
    version = content.get("version")
    if isinstance(version, int) and version > VERSION:
        raise UserPresetsError(
            f"version: expected {VERSION} or less, got {version}: the file is from a newer Sweet Spot"
        )


def _entries(presets: Any) -> Iterator[tuple[str, str, dict[str, Any], str]]:
    """Yield each entry's name, quality and settings, and what is wrong with it."""
    if not isinstance(presets, dict):
        yield "", "", {}, f"presets: expected an object, got {type(presets).__name__}"
        return
    for name, by_quality in presets.items():
        if not isinstance(by_quality, dict):
            yield name, "", {}, f"{name[:80]!r}: expected settings by quality"
            continue
        for quality, settings in by_quality.items():
            yield name, quality, settings, _wrong_with(name, quality, settings)


def _wrong_with(name: str, quality: str, settings: Any) -> str:
    if quality not in QUALITIES:
        return f"{name[:80]!r}: expected one of {', '.join(QUALITIES)} as a quality, got {quality[:20]!r}"
    if not isinstance(settings, dict):
        return f"{name[:80]!r}, {quality}: expected settings"
    try:
        from_record(settings)
    except SettingsError as error:
        return f"{name[:80]!r}, {quality}: {error}"
    return ""
