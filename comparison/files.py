"""Saves a comparison as files: each image with its settings, the grid, the curve and the report."""

import json
from collections.abc import Mapping
from pathlib import Path

from .markdown import to_markdown
from .measures.levels import Image
from .pictures.metadata import write_png
from .report import Report
from .runs import LARGEST_SEED
from .verdict.judgement import Judgement


def save_comparison(
    folder: Path, start: str, report: Report, grid: Image, curve: Image, metadata: Mapping[str, str] | None
) -> int:
    """Write all files into an existing folder and return how many images were saved.

    Each image is a PNG that holds its step count, seed and measures (`sweetspot`), the whole report
    (`sweetspot_report`) and the given metadata.

    Args:
        folder: the folder to write to.
        start: the beginning of every file name.
        report: the report to save.
        grid: picture of all images.
        curve: picture of the curve.
        metadata: text entries for every picture; None writes no metadata at all.
    """
    data = report.to_dict()
    common = None if metadata is None else {**metadata, "sweetspot_report": json.dumps(data)}
    saved = sum(_save_images(folder, start, place, of, common) for place, of in enumerate(report.judgements))
    write_png(folder / f"{start}_grid.png", grid, common or {})
    write_png(folder / f"{start}_curve.png", curve, common or {})
    (folder / f"{start}_report.json").write_text(json.dumps(data, indent=2) + "\n", "utf-8")
    (folder / f"{start}_report.md").write_text(to_markdown(report), "utf-8")
    return saved


def _save_images(folder: Path, start: str, place: int, judgement: Judgement, common: Mapping[str, str] | None) -> int:
    settings = judgement.settings
    series = f"_{settings.sampler}_{settings.scheduler}" if place else ""
    per_seed = len(judgement.own) // settings.seeds
    saved = 0
    for judged in judgement.runs:
        for number, image in enumerate(judged.run.images):
            about = {
                "steps": judged.run.steps,
                "seed": (settings.seed + number // per_seed) % (LARGEST_SEED + 1),
                "image": number % per_seed,
                "sampler": settings.sampler,
                "scheduler": settings.scheduler,
                "cfg": settings.cfg,
                "similarity": round(judged.measured[number].similarity, 6),
                "sweet_spot": judgement.sweet_spot.steps,
            }
            entries = {} if common is None else {**common, "sweetspot": json.dumps(about)}
            write_png(folder / f"{start}{series}_{place}_{judged.run.steps}_steps_{number}.png", image, entries)
            saved += 1
    return saved
