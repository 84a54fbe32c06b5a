"""`sweetspot save` and `sweetspot prefer`: the user's own presets, from a shell."""

import json
from pathlib import Path
from typing import Any

from ..presets.detection import find
from ..presets.evidence import Evidence
from ..presets.qualities import Quality
from ..presets.settings import SettingsError, from_diffusers, from_image, from_record
from ..presets.templates import PACKAGES, TemplateIndex, installed_folders, load_index
from ..presets.user import FILE_NAME, UserPresets, load_user_presets, save_preset
from .comfyui import ComfyUIError, find_comfyui

IMAGES = (".png", ".jpg", ".jpeg", ".webp")


# Publishers whose guidance_scale is the cond + g (cond - uncond) kind.
CONDITIONAL_ANCHOR = ("Z-Image", "Krea 2", "Cosmos 1", "Cosmos-Predict2")


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
    return folder / "user" / "default" / "sweetspot" / FILE_NAME


def known_presets(told: Path | None) -> UserPresets | None:
    """Return the user's presets, None where there is no place for them."""
    try:
        return load_user_presets(presets_file(told))
    except NoUserFolderError:
        return None


def templates() -> TemplateIndex:
    """Return the official templates of this Python's packages, else of the ComfyUI that is found."""
    folders = installed_folders()
    comfyui = None if folders else find_comfyui()
    if comfyui is not None:
        places = [
            place for name in PACKAGES for place in (comfyui / ".venv").glob(f"**/site-packages/{name}/templates")
        ]
        folders = sorted(place for place in places if place.is_dir())
    return load_index(folders)


def read_settings(file: Path) -> tuple[dict[str, Any], str]:
    """Return settings from an image's metadata, a diffusers JSON or a record of settings, and the model's name if told.

    Raises:
        SettingsError: it holds no settings.
        OSError: it cannot be read.
    """
    if file.suffix.lower() in IMAGES:
        from ..comparison.metadata import read_image_metadata

        return from_image(read_image_metadata(file))
    try:
        content = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise SettingsError(f"{file.name}: expected an image or JSON, got {error}") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{file.name}: expected a JSON object, got {type(content).__name__}")
    return (from_diffusers(content), "") if "_class_name" in content else (content, str(content.get("model", "")))


def save(name: str, settings: dict[str, Any], quality: Quality, file: Path) -> UserPresets:
    """Keep settings for a model file; a publisher's `guidance_scale` is brought to ComfyUI's convention.

    Raises:
        ValueError: the name or a setting is not allowed.
        OSError: the file of presets cannot be written.
    """
    variant = find(Evidence(files=(name,))).variant
    anchored = "guidance_scale" in settings and variant is not None and variant.family in CONDITIONAL_ANCHOR
    return save_preset(file, name, from_record(settings, conditional_anchor=anchored), quality)
