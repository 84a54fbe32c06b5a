"""`sweetspot save` and `sweetspot prefer`: the user's own presets, from a shell."""

from pathlib import Path
from typing import Any

from ..presets.sources import user
from ..presets.sources.settings import SettingsError, from_image, from_text
from ..presets.sources.templates import PACKAGES, TemplateIndex, installed_folders, load_index
from ..presets.sources.user import UserPresets, read_user_presets
from .comfyui import ComfyUIError, find_comfyui

IMAGES = (".png", ".jpg", ".jpeg", ".webp")


class NoUserFolderError(ComfyUIError):
    """No ComfyUI is here whose user folder could hold presets."""


def presets_file(told: Path | None) -> Path:
    """Return the file of the user's presets: the one that was told, else the one in ComfyUI's user folder.

    Raises:
        NoUserFolderError: there is no ComfyUI; says what to give instead.
    """
    if told is not None:
        return told
    folder = find_comfyui()
    if folder is None:
        raise NoUserFolderError("no ComfyUI was found; say with --presets FILE where your presets are")
    return user.presets_file(folder / "user")


def known_presets(told: Path | None) -> UserPresets | None:
    """Return the user's presets, None where there is no place for them."""
    try:
        return read_user_presets(presets_file(told))
    except NoUserFolderError:
        return None


def template_folders() -> list[Path]:
    """Return where the official templates lie: in this Python's packages, else in those of the ComfyUI found."""
    folders = installed_folders()
    comfyui = None if folders else find_comfyui()
    if comfyui is None:
        return folders
    packages = [site for name in (".venv", "venv") for site in (comfyui / name).glob("[Ll]ib/**/site-packages")]
    places = [site / name / "templates" for site in packages for name in PACKAGES]
    return [place for place in places if place.is_dir()]


def templates() -> TemplateIndex:
    """Return the index of the official templates that are found."""
    return load_index(template_folders())


def read_settings(file: Path) -> tuple[dict[str, Any], str]:
    """Return settings from an image's metadata or a text file, see `from_text`, and the model's name if told.

    Raises:
        SettingsError: it holds no settings.
        OSError: it cannot be read.
    """
    if file.suffix.lower() in IMAGES:
        from ..comparison.pictures.metadata import read_image_metadata

        return from_image(read_image_metadata(file))
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise SettingsError(f"{file.name}: expected an image, JSON or A1111's parameters, got other bytes") from None
    return from_text(text)
