"""From a model's name, as it stands in a graph, to its file: only what ComfyUI's own folder lists know."""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

import folder_paths

from ...graphs.model_files import MODEL_ENDINGS

LONGEST_NAME = 1024
_DIRECTIONS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_FIRST = ("checkpoints", "diffusion_models")


class NameRefusedError(ValueError):
    """A name is none that may be looked at.

    Attributes:
        status: HTTP's number for it.
        harmless: whether it is a plain name, so that it may be judged by itself, without its file.
    """

    def __init__(self, message: str, status: int, *, harmless: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.harmless = harmless


def check_name(name: str) -> None:
    """Refuse what is no plain name below a model folder.

    Raises:
        NameRefusedError: names what is allowed and what came.
    """
    if len(name) > LONGEST_NAME:
        raise NameRefusedError(f"name: expected at most {LONGEST_NAME} characters, got {len(name)}", 400)
    parts = re.split(r"[/\\]", name)
    path = PureWindowsPath(name)
    if path.drive or path.root or ".." in parts or any(_is_control(letter) for letter in name):
        allowed = "one of ComfyUI's model names: no path, no control characters"
        raise NameRefusedError(f"name: expected {allowed}; got {name[:80]!r}", 400)


def _is_control(letter: str) -> bool:
    """Return whether a character controls: a line's end, half of a pair, or which way a text runs."""
    return unicodedata.category(letter) in ("Cc", "Cs") or letter in _DIRECTIONS


def find_model(name: str) -> Path:
    """Return the file of a name that one of ComfyUI's lists of models holds. Nothing is opened.

    Raises:
        NameRefusedError: it is no plain name (400), in no list (404), or its file is a link that leads out of
            ComfyUI's model folders (403).
    """
    check_name(name)
    for folder in _model_folders():
        if name in folder_paths.get_filename_list(folder):
            path = folder_paths.get_full_path(folder, name)
            if path is not None:
                return _within_folders(name, Path(path))
    raise NameRefusedError(f"{name}: not among this ComfyUI's models", 404, harmless=True)


def _model_folders() -> Iterator[str]:
    """Yield the names of the folders that list files of weights, the likeliest ones first."""
    known = folder_paths.folder_names_and_paths
    for folder in sorted(known, key=lambda name: (name not in _FIRST, name)):
        # A folder without endings lists every file, as that of the custom nodes does.
        if set(known[folder][1]) & set(MODEL_ENDINGS):
            yield folder


def _within_folders(name: str, path: Path) -> Path:
    real = path.resolve()
    roots = [Path(root).resolve() for folder in _model_folders() for root in folder_paths.get_folder_paths(folder)]
    if not any(real.is_relative_to(root) for root in roots):
        raise NameRefusedError(
            f"{name}: a link that leads out of ComfyUI's model folders; its header is read when it runs",
            403,
            harmless=True,
        )
    return real
