"""`sweetspot stamp`: write a plan into a model file's own metadata."""

import json
from pathlib import Path
from typing import Any

from ..presets.qualities import QUALITIES, Quality
from ..presets.recognition.headers import read_header
from ..presets.sources.in_file import read_stamp
from ..presets.sources.settings import SettingsError, from_record
from ..presets.sources.stamp import write_stamp
from .user_presets import read_settings


def stamp(model: Path, plan: str, options: dict[str, Any], quality: Quality) -> dict[Quality, dict[str, Any]]:
    """Write settings into a model file, and return them by quality.

    Args:
        model: the safetensors file.
        plan: JSON, or a file with settings as `sweetspot save --from` accepts; empty for none. Settings may be given by
            quality.
        options: settings from the command line, which win.
        quality: the quality of settings that name none.

    Raises:
        ValueError: a setting is not allowed, there is none, or the file can't hold any.
        OSError: a file can't be read or written.
    """
    if not model.is_file():
        raise SettingsError(f"MODEL: expected a file that exists, got {model}")
    by_quality = _by_quality(_read(plan), quality) if plan else {}
    if options or not by_quality:
        by_quality[quality] = {**by_quality.get(quality, {}), **options}
    checked: dict[Quality, dict[str, Any]] = {name: from_record(record) for name, record in by_quality.items()}
    # What is stamped for other qualities, and other settings of this one, stays.
    stamped: dict[Quality, dict[str, Any]] = {**read_stamp(read_header(model).metadata)}  # pyright: ignore[reportAssignmentType]
    for name, fields in checked.items():
        stamped[name] = {**stamped.get(name, {}), **fields}
    write_stamp(model, stamped)
    return stamped


def _read(plan: str) -> dict[str, Any]:
    if not plan.lstrip().startswith("{"):
        if not Path(plan).is_file():
            raise SettingsError(f"--plan: expected a file that exists, or a JSON object, got {plan[:60]!r}")
        return read_settings(Path(plan))[0]
    try:
        content = json.loads(plan)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"--plan: expected a file or a JSON object ({error}), got {plan[:60]!r}") from None
    return content


def _by_quality(settings: dict[str, Any], quality: Quality) -> dict[Quality, dict[str, Any]]:
    named: dict[Quality, dict[str, Any]] = {
        name: settings[name] for name in QUALITIES if isinstance(settings.get(name), dict)
    }
    return named or {quality: settings}
