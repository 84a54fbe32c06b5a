"""Finds the file for a model name in a graph, but only if the name is in one of ComfyUI's own lists."""

import re
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

import folder_paths

from ...graphs.model_files import MODEL_ENDINGS
from ...presets.control_characters import is_control

LONGEST_NAME = 1024
_FIRST = ("checkpoints", "diffusion_models")


class NameRefusedError(ValueError):
    """The file of this name may not be read.

    Attributes:
        status: the HTTP status for the answer.
        harmless: whether it is a plain name, so that the name alone may still be used for recognition.
    """

    def __init__(self, message: str, status: int, *, harmless: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.harmless = harmless


def check_name(name: str) -> None:
    """Refuse anything that is not a plain name below a model folder.

    Raises:
        NameRefusedError: names what is allowed and what was given.
    """
    if len(name) > LONGEST_NAME:
        raise NameRefusedError(f"name: expected at most {LONGEST_NAME} characters, got {len(name)}", 400)
    parts = re.split(r"[/\\]", name)
    path = PureWindowsPath(name)
    if path.drive or path.root or ".." in parts or any(is_control(letter) for letter in name):
        allowed = "one of ComfyUI's model names: no path, no control characters"
        raise NameRefusedError(f"name: expected {allowed}; got {name[:80]!r}", 400)


def find_model(name: str) -> Path:
    """Return the file for a name in one of ComfyUI's model lists. Nothing is opened.

    Raises:
        NameRefusedError: if it is not a plain name (400), is in no list (404), or its file is a link to outside
            ComfyUI's model folders (403).
    """
    check_name(name)
    path = listed_path(name)
    if path is not None:
        return _within_folders(name, path)
    raise NameRefusedError(f"{name}: not among this ComfyUI's models", 404, harmless=True)


def listed_path(name: str) -> Path | None:
    """Return the path of a name in one of ComfyUI's model lists, without following links; None if it is in none."""
    for folder in _model_folders():
        if name in folder_paths.get_filename_list(folder):
            path = folder_paths.get_full_path(folder, name)
            return Path(path) if path else None
    return None


def _model_folders() -> Iterator[str]:
    """Yield the names of the folders that list weight files, likeliest first."""
    folders = folder_paths.folder_names_and_paths
    for folder in sorted(folders, key=lambda name: (name not in _FIRST, name)):
        # A folder without a list of endings (e.g. custom_nodes) lists every file, so it is left out.
        if set(folders[folder][1]) & set(MODEL_ENDINGS):
            yield folder


def _within_folders(name: str, path: Path) -> Path:
    real = path.resolve()
    roots = [Path(root).resolve() for folder in _model_folders() for root in folder_paths.get_folder_paths(folder)]
    if not any(real.is_relative_to(root) for root in roots):
        raise NameRefusedError(
            f"{name}: a link to a file outside ComfyUI's model folders; its header is read when the workflow runs",
            403,
            harmless=True,
        )
    return real
