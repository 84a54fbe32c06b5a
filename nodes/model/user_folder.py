"""The user's own presets, in this ComfyUI's user folder."""

from pathlib import Path

import folder_paths

from ...presets.sources import user


def presets_file() -> Path:
    """Return the file of the user's presets; it may not exist yet."""
    return user.presets_file(Path(folder_paths.get_user_directory()))


def presets_stamp() -> float:
    """Return a number that changes whenever the user's presets change."""
    try:
        return presets_file().stat().st_mtime
    except OSError:
        return 0.0
