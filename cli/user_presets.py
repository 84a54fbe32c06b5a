"""The user's own presets and templates, and the models of a ComfyUI, as the shell finds them."""

import contextlib
from pathlib import Path
from typing import Any

from ..presets.regular_files import open_regular, read_bytes
from ..presets.sources import user
from ..presets.sources.settings import SettingsError, from_image, from_text
from ..presets.sources.templates import PACKAGES, TemplateIndex, installed_folders, load_index
from ..presets.sources.user import UserPresets, read_user_presets
from .comfyui import ComfyUIError, find_comfyui

# Workflows and parameters are shorter by far.
LARGEST_TEXT = 16 << 20
IMAGES = (".png", ".jpg", ".jpeg", ".webp")


class NoUserFolderError(ComfyUIError):
    """No ComfyUI was found, so there is no user folder for presets."""


def presets_file(chosen: Path | None) -> Path:
    """Return the chosen file of user presets; by default, the one in ComfyUI's user folder.

    Raises:
        NoUserFolderError: no file was chosen and there is no ComfyUI.
    """
    if chosen is not None:
        return chosen
    folder = find_comfyui()
    if folder is None:
        raise NoUserFolderError("no ComfyUI was found, so your presets can't be located: pass --presets FILE")
    return user.presets_file(folder / "user")


def known_presets(chosen: Path | None) -> UserPresets | None:
    """Return the user's presets; None if there is no file and no ComfyUI for them."""
    try:
        return read_user_presets(presets_file(chosen))
    except NoUserFolderError:
        return None


def installed_model(name: str) -> Path | None:
    """Return the file that ComfyUI's own loaders would load by this name; None without a ComfyUI or such a file."""
    comfyui = find_comfyui()
    relative = Path(name.replace("\\", "/"))
    if comfyui is None or relative.is_absolute() or ".." in relative.parts:
        return None
    places = (comfyui / "models" / folder / relative for folder in ("checkpoints", "diffusion_models", "unet"))
    with contextlib.suppress(OSError):  # a name that is too long for a file
        return next((place for place in places if place.is_file()), None)
    return None


def template_folders() -> list[Path]:
    """Return the folders of the official templates, in this Python's packages or else in ComfyUI's."""
    folders = installed_folders()
    comfyui = None if folders else find_comfyui()
    if comfyui is None:
        return folders
    packages = [site for name in (".venv", "venv") for site in (comfyui / name).glob("[Ll]ib/**/site-packages")]
    places = [site / name / "templates" for site in packages for name in PACKAGES]
    return [place for place in places if place.is_dir()]


def templates() -> TemplateIndex:
    """Return an index of the official templates found."""
    return load_index(template_folders())


def read_settings(file: Path) -> tuple[dict[str, Any], str]:
    """Return the settings in an image's metadata or a text file (see `from_text`), and the model's name if given.

    Raises:
        SettingsError: the file holds no settings.
        OSError: the file cannot be read.
    """
    if file.suffix.lower() in IMAGES:
        from ..comparison.pictures.metadata import read_image_metadata

        with open_regular(file) as stream:
            return from_image(read_image_metadata(stream))
    content = read_bytes(file, LARGEST_TEXT)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SettingsError(f"{file.name}: expected an image, JSON or A1111's parameters, got other bytes") from None
    return from_text(text)
