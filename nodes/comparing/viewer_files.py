"""Writes the viewer's images as temporary files."""

import hashlib
from pathlib import Path

import folder_paths
import numpy as np

from ...comparison.measures.levels import Levels
from ...comparison.pictures.metadata import write_png
from ...comparison.report import Report
from ...comparison.viewer import viewer_text

SUBFOLDER = "sweetspot"


def viewer_with_files(report: Report) -> str:
    """Write the viewer's images into ComfyUI's temporary folder and return the viewer's data as JSON text.

    Files are named after their content, so that reused images are not written again.
    """
    folder = Path(folder_paths.get_temp_directory()) / SUBFOLDER
    folder.mkdir(parents=True, exist_ok=True)

    def keep(levels: Levels) -> str:
        digest = hashlib.blake2b(str(levels.shape).encode(), digest_size=12)
        digest.update(np.ascontiguousarray(levels).data)
        name = f"{digest.hexdigest()}.png"
        if not (folder / name).is_file():
            write_png(folder / name, levels, {}, compress_level=1)
        return name

    return viewer_text(report, SUBFOLDER, keep)
