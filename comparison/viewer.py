"""The data for a comparison's viewer: its runs and the file names of their images."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from .measures.levels import Levels, to_levels
from .report import Report
from .verdict.judgement import JudgedRun, Judgement

VERSION = 1
MOST_IMAGES = 256


def viewer_text(
    report: Report, subfolder: str, keep: Callable[[Levels], str], places: Sequence[tuple[str, str]] = ()
) -> str:
    """Return the viewer's data as JSON text.

    It has `version`, `subfolder`, `images`, `visible`, `places` and `series`, each with its `runs` and the names of
    their files. If there are very many images, only the first ones of each run are kept; `images` is the full number
    per run.

    Args:
        report: the report to show.
        subfolder: the folder of the image files.
        keep: writes an image, 8-bit levels of shape (height, width, channels), into a file there and returns its name.
        places: nodes and inputs that hold the step count in the workflow; empty if they are not known.
    """
    runs = sum(len(judgement.runs) + (judgement.check_run is not None) for judgement in report.judgements)
    each = max(MOST_IMAGES // runs, 1)
    content = {
        "version": VERSION,
        "subfolder": subfolder,
        "images": len(report.first.runs[0].run.images),
        "places": [list(place) for place in places],
        "visible": asdict(report.first.settings.visible),
        "series": [_series(judgement, each, keep) for judgement in report.judgements],
    }
    return json.dumps(content)


def _series(judgement: Judgement, each: int, keep: Callable[[Levels], str]) -> dict[str, Any]:
    spot = judgement.sweet_spot
    return {
        "name": judgement.settings.name,
        "reference": judgement.reference,
        "sweet_spot": {
            "steps": spot.steps,
            "reason": spot.reason,
            "confidence": spot.confidence,
            "advice": spot.advice,
        },
        "runs": [_run(judged, each, keep) for judged in judgement.runs],
        "check": _check(judgement, each, keep),
    }


def _check(judgement: Judgement, each: int, keep: Callable[[Levels], str]) -> dict[str, Any] | None:
    """Return the check run, which is shown beside the step counts but is none of them; None without one."""
    check, run = judgement.check, judgement.check_run
    if check is None or run is None:
        return None
    return {
        "steps": run.steps,
        "seconds": round(run.seconds, 4),
        "model_calls": run.model_calls,
        "similarity": round(check.similarity, 6),
        "reused": run.reused,
        "timing": run.timing,
        "clip": run.clip,
        "files": [keep(to_levels(image)) for image in run.images[:each]],
        "sampler": check.sampler,
    }


def _run(judged: JudgedRun, each: int, keep: Callable[[Levels], str]) -> dict[str, Any]:
    run = judged.run
    return {
        "steps": run.steps,
        "seconds": round(run.seconds, 4),
        "model_calls": run.model_calls,
        "similarity": round(judged.similarity, 6),
        "reused": run.reused,
        "timing": run.timing,
        "clip": run.clip,
        "files": [keep(to_levels(image)) for image in run.images[:each]],
    }
