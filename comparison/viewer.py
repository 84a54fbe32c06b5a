"""The data for a comparison's viewer: its runs and the file names of their images."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from ..words import spoken
from .measures.levels import Levels, to_levels
from .report import Report
from .runs import LARGEST_SEED, Run
from .verdict.headline import headline, next_count
from .verdict.judgement import JudgedRun, Judgement

VERSION = 1
MOST_IMAGES = 256


def viewer_text(
    report: Report,
    subfolder: str,
    keep: Callable[[Levels], str],
    places: Sequence[tuple[str, str]] = (),
    notes: Sequence[str] = (),
) -> str:
    """Return the viewer's data as JSON text.

    It has `version`, `subfolder`, `headline`, `images`, `names`, `visible`, `best`, `places`, `notes` and `series`,
    each with its `runs` and the names of their files. If there are very many images, only the first ones of each run
    are kept; `images` is the full number per run.

    Args:
        report: the report to show.
        subfolder: the folder of the image files.
        keep: writes an image, 8-bit levels of shape (height, width, channels), into a file there and returns its name.
        places: nodes and inputs that hold the step count in the workflow; empty if they are not known.
        notes: what the user should know about how it ran.
    """
    runs = sum(len(judgement.runs) + (judgement.check_run is not None) for judgement in report.judgements)
    each = max(MOST_IMAGES // runs, 1)
    content = {
        "version": VERSION,
        "subfolder": subfolder,
        "headline": spoken(report.headline),
        "notes": [spoken(note) for note in notes],
        "images": len(report.first.runs[0].run.images),
        "names": image_names(report.first)[:each],
        "best": _best(report),
        "places": [list(place) for place in places],
        "visible": asdict(report.first.settings.visible),
        "series": [_series(judgement, each, keep) for judgement in report.judgements],
    }
    return json.dumps(content)


def image_names(judgement: Judgement) -> list[str]:
    """Return what distinguishes the images of one step count: prompt, seed, and number in the batch."""
    settings = judgement.settings
    variations = [(prompt, seed) for prompt in range(settings.prompts) for seed in range(settings.seeds)]
    batch = len(judgement.own) // len(variations)
    names = []
    for prompt, seed in variations:
        parts = [f"prompt {prompt + 1}"] if settings.prompts > 1 else []
        parts += [f"seed {(settings.seed + seed) % (LARGEST_SEED + 1)}"]
        names += [", ".join([*parts, f"image {n + 1}"] if batch > 1 else parts) for n in range(batch)]
    return names


def _best(report: Report) -> list[int]:
    """Return what to show first: the number of the contender with the cheapest setup, and its step count."""
    best = report.cheapest.best if report.cheapest else None
    if best is None:
        return [0, report.first.sweet_spot.steps or report.first.reference]
    names = [judgement.settings.name for judgement in report.judgements]
    return [names.index(best.name), best.steps]


def _series(judgement: Judgement, each: int, keep: Callable[[Levels], str]) -> dict[str, Any]:
    spot, settings = judgement.sweet_spot, judgement.settings
    return {
        "name": settings.name,
        "headline": spoken(headline(judgement)),
        "next_count": next_count(judgement),
        "settings": {
            "seed": settings.seed,
            "cfg": settings.cfg,
            "sampler_name": settings.sampler,
            "scheduler": settings.scheduler,
            "denoise": settings.denoise,
        },
        "reference": judgement.reference,
        "sweet_spot": {
            "steps": spot.steps,
            "reason": spoken(spot.reason),
            "confidence": spot.confidence,
            "advice": spoken(spot.advice),
        },
        "runs": [_judged_run(judged, each, keep) for judged in judgement.runs],
        "check": _check(judgement, each, keep),
    }


def _check(judgement: Judgement, each: int, keep: Callable[[Levels], str]) -> dict[str, Any] | None:
    """Return the check run, which is shown beside the step counts but is none of them; None without one."""
    check, run = judgement.check, judgement.check_run
    if check is None or run is None:
        return None
    return run_data(run, check.similarity, each, keep) | {"sampler": check.sampler}


def _judged_run(judged: JudgedRun, each: int, keep: Callable[[Levels], str]) -> dict[str, Any]:
    of_images = [round(measured.similarity, 6) for measured in judged.measured[:each]]
    return run_data(judged.run, judged.similarity, each, keep) | {"of_images": of_images}


def run_data(run: Run, similarity: float | None, each: int, keep: Callable[[Levels], str]) -> dict[str, Any]:
    """Return one run as the viewer takes it.

    Args:
        run: the run.
        similarity: how much it looks like the reference; None if that is not known yet.
        each: how many of its images to keep.
        keep: writes an image and returns its name.
    """
    return {
        "steps": run.steps,
        "seconds": round(run.seconds, 4),
        "model_calls": run.model_calls,
        "similarity": None if similarity is None else round(similarity, 6),
        "reused": run.reused,
        "timing": run.timing,
        "clip": run.clip,
        "files": [keep(to_levels(image)) for image in run.images[:each]],
    }
