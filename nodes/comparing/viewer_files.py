"""Writes the viewer's images as temporary files."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType

import folder_paths
import numpy as np

from ...comparison.measures.levels import Levels
from ...comparison.pictures.metadata import write_png
from ...comparison.report import Report
from ...comparison.viewer import viewer_text

SUBFOLDER = "sweetspot"
_WRITERS = 4
# The last chunk of every PNG file, with its checksum.
_PNG_END = b"IEND\xaeB`\x82"


def viewer_with_files(report: Report, places: Sequence[tuple[str, str]] = (), notes: Sequence[str] = ()) -> str:
    """Write the viewer's images into ComfyUI's temporary folder and return the viewer's data as JSON text.

    Files are named after their content, so that reused images are not written again.

    Args:
        report: the comparison.
        places: nodes and inputs that hold the step count in the workflow.
        notes: what the user should know about how it ran.
    """
    writing: dict[Path, Future[None]] = {}
    # Compressing an image keeps one core busy for a while.
    with ThreadPoolExecutor(max_workers=_WRITERS) as pool:

        def keep(levels: Levels) -> str:
            file = _file_of(levels)
            # Equal images share a file.
            if file not in writing:
                writing[file] = pool.submit(_write, file, levels)
            return file.name

        text = viewer_text(report, SUBFOLDER, keep, places, notes)
    for each in writing.values():
        each.result()
    return text


def keep_image(levels: Levels) -> str:
    """Write an image, 8-bit levels, into ComfyUI's temporary folder, and return the file's name."""
    file = _file_of(levels)
    _write(file, levels)
    return file.name


def keep_picture(levels: Levels, entries: Mapping[str, str]) -> dict[str, str]:
    """Write a picture with text entries into the temporary folder, and return its file as ComfyUI lists it."""
    file = _file_of(levels, *entries.items())
    _write(file, levels, entries)
    return {"filename": file.name, "subfolder": SUBFOLDER, "type": "temp"}


def _file_of(levels: Levels, *entries: tuple[str, str]) -> Path:
    digest = hashlib.blake2b(repr([levels.shape, *entries]).encode(), digest_size=12)
    digest.update(np.ascontiguousarray(levels).data)
    return Path(folder_paths.get_temp_directory()) / SUBFOLDER / f"{digest.hexdigest()}.png"


def _write(file: Path, levels: Levels, entries: Mapping[str, str] = MappingProxyType({})) -> None:
    if not _is_whole(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_png(file, levels, entries, compress_level=1)


def _is_whole(file: Path) -> bool:
    """Return whether a PNG file is there and has its end."""
    try:
        with file.open("rb") as stream:
            stream.seek(-len(_PNG_END), os.SEEK_END)
            return stream.read() == _PNG_END
    except OSError:
        return False
