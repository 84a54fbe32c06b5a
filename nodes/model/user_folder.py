"""The user's own presets, in this ComfyUI's folder for the user."""

from pathlib import Path

import folder_paths

from ...presets.sources import user
from .asking_user import asking_user
from .user_settings import preferred, usual_quality


def presets_file() -> Path:
    """Return the file of the user's presets; it may not exist yet."""
    return user.presets_file(Path(folder_paths.get_user_directory()), asking_user())


def presets_stamp() -> str:
    """Return a text that changes whenever the user, or the user's presets or preferences change."""
    file, prefers = presets_file(), f"{preferred('template')} {usual_quality()}"
    try:
        return f"{file} {file.stat().st_mtime_ns} {prefers}"
    except OSError:
        return f"{file} {prefers}"
