"""Where this pack keeps what belongs to the user: ComfyUI's user folder."""

from pathlib import Path

import folder_paths

from ...presets.sources.user import FILE_NAME, UserPresets, read_user_presets

FOLDER = "sweetspot"


def presets_file() -> Path:
    """Return the file of the user's presets; it may not exist yet."""
    return Path(folder_paths.get_user_directory()) / "default" / FOLDER / FILE_NAME


def user_presets() -> UserPresets:
    """Return the user's presets."""
    return read_user_presets(presets_file())


def presets_stamp() -> float:
    """Return a number that changes whenever the user's presets do."""
    try:
        return presets_file().stat().st_mtime
    except OSError:
        return 0.0
