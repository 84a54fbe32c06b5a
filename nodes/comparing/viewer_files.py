"""What the compare node's viewer in the browser is given: which runs there are, and their images as temporary files."""

import hashlib
import json
from pathlib import Path
from typing import Any

import folder_paths
import numpy as np

from ...comparison.measures.levels import to_levels
from ...comparison.measures.structure import Image
from ...comparison.pictures.metadata import write_png
from ...comparison.report import Report
from ...comparison.verdict.judge import Judgement

VERSION = 1
SUBFOLDER = "sweetspot"
MOST_IMAGES = 256


def viewer_text(report: Report) -> str:
    """Write the images that the viewer shows into ComfyUI's folder for temporary files, and return what it needs.

    A file is named after its content, so that images which an edited list has kept are not written again. Of very many
    images the first ones of each run are shown, and `images` says of how many.

    Returns:
        JSON text with `version`, `subfolder`, `images` and `series`, each with its `runs` and the names of their files.
    """
    folder = Path(folder_paths.get_temp_directory()) / SUBFOLDER
    folder.mkdir(parents=True, exist_ok=True)
    runs = sum(len(one.runs) for one in report.judgements)
    each = max(MOST_IMAGES // runs, 1)
    told = {
        "version": VERSION,
        "subfolder": SUBFOLDER,
        "images": len(report.first.runs[0].images),
        "series": [_series(one, folder, each) for one in report.judgements],
    }
    return json.dumps(told)


def _series(judgement: Judgement, folder: Path, each: int) -> dict[str, Any]:
    spot = judgement.sweet_spot
    return {
        "name": judgement.settings.name,
        "reference": judgement.reference,
        "sweet_spot": {"steps": spot.steps, "reason": spot.reason, "confidence": spot.confidence},
        "runs": [
            {
                "steps": run.steps,
                "seconds": round(run.seconds, 4),
                "model_calls": run.model_calls,
                "similarity": round(similarity, 6),
                "reused": run.reused,
                "files": [_file(folder, image) for image in run.images[:each]],
            }
            for run, similarity in zip(judgement.runs, judgement.similarity, strict=True)
        ],
    }


def _file(folder: Path, image: Image | np.ndarray) -> str:
    levels = image if image.dtype == np.uint8 else to_levels(image)
    digest = hashlib.blake2b(str(levels.shape).encode(), digest_size=12)
    digest.update(np.ascontiguousarray(levels).data)
    name = f"{digest.hexdigest()}.png"
    if not (folder / name).is_file():
        write_png(folder / name, levels, {}, compress_level=1)
    return name
