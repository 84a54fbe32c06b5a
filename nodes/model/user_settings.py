"""What the user has set under Settings > Sweet Spot. Prompts sent to the API follow it, too."""

import json
import logging
from functools import lru_cache
from pathlib import Path
from typing import Any

import folder_paths

from ...presets.qualities import PREFERENCES, QUALITIES, Preference, Quality
from .asking_user import asking_user

QUALITY, PREFER = "SweetSpot.Quality", "SweetSpot.Prefer"
MEMORY, THRESHOLD = "SweetSpot.Memory", "SweetSpot.Threshold"
# ComfyUI's own name of the file.
_FILE = "comfy.settings.json"
_MOST_BYTES = 8 << 20

log = logging.getLogger("sweetspot.nodes.model.user_settings")


def preferred(otherwise: Preference) -> Preference:
    """Return whose step count balanced uses if both are known."""
    value = _settings().get(PREFER)
    return value if value in PREFERENCES else otherwise


def usual_quality() -> Quality:
    """Return the quality of prompts that don't say one."""
    value = _settings().get(QUALITY)
    return value if value in QUALITIES else "balanced"


def memory_megabytes(otherwise: int) -> int:
    """Return the memory for finished images, in MB."""
    return int(_number(MEMORY, otherwise, 0, 1 << 20))


def threshold_percent(otherwise: float) -> float:
    """Return the similarity, in %, below which a difference counts as visible."""
    return _number(THRESHOLD, otherwise, 50, 99.9)


def _number(name: str, otherwise: float, lowest: float, highest: float) -> float:
    value = _settings().get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return otherwise
    return value if lowest <= value <= highest else otherwise


def _settings() -> dict[str, Any]:
    file = Path(folder_paths.get_user_directory(), asking_user(), _FILE)
    try:
        stamp = file.stat()
    except OSError:
        return {}
    return _read(file, stamp.st_mtime_ns, stamp.st_size)


@lru_cache(maxsize=64)
def _read(file: Path, _changed: int, size: int) -> dict[str, Any]:
    """Return the settings in a file; none if it can't be read, because that must never end a run."""
    try:
        content = json.loads(file.read_text("utf-8")) if size <= _MOST_BYTES else {}
    except (OSError, ValueError) as error:
        log.debug("The user's settings were not read: %s", error)
        return {}
    return content if isinstance(content, dict) else {}
