"""Writes the viewer's images as temporary files."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import folder_paths
import numpy as np

from ...comparison.measures.levels import Levels
from ...comparison.pictures.metadata import write_png
from ...comparison.report import Report
from ...comparison.viewer import viewer_text

SUBFOLDER = "sweetspot"
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
    return viewer_text(report, SUBFOLDER, keep_image, places, notes)


def keep_image(levels: Levels) -> str:
    """Write an image, 8-bit levels, into ComfyUI's temporary folder, and return the file's name."""
    folder = Path(folder_paths.get_temp_directory()) / SUBFOLDER
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.blake2b(str(levels.shape).encode(), digest_size=12)
    digest.update(np.ascontiguousarray(levels).data)
    name = f"{digest.hexdigest()}.png"
    if not _is_whole(folder / name):
        write_png(folder / name, levels, {}, compress_level=1)
    return name


def _is_whole(file: Path) -> bool:
    """Return whether a PNG file is there and has its end."""
    try:
        with file.open("rb") as stream:
            stream.seek(-len(_PNG_END), os.SEEK_END)
            return stream.read() == _PNG_END
    except OSError:
        return False
