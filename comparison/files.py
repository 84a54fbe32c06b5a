"""Saves a comparison as files: each image with its settings, the grid, the curve, the report and a page."""

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from .markdown import to_markdown
from .pictures.chart import draw_curve
from .pictures.grid import draw_grid
from .pictures.metadata import write_png
from .pictures.page import draw_page
from .report import Report
from .runs import LARGEST_SEED
from .verdict.judgement import Judgement

IMAGES, GRID, CURVE, REPORT, PAGE = PARTS = ("images", "grid", "curve", "report", "page")


def save_comparison(
    folder: Path, start: str, report: Report, metadata: Mapping[str, str] | None, parts: Collection[str] = PARTS
) -> list[str]:
    """Write the chosen parts into an existing folder and return the names of the files.

    Each image is a PNG that holds its step count, seed and measures (`sweetspot`), the whole report
    (`sweetspot_report`) and the given metadata.

    Args:
        folder: the folder to write to.
        start: the beginning of every file name.
        report: the report to save.
        metadata: text entries for every picture; None writes no metadata at all.
        parts: what to save, of `PARTS`.

    Raises:
        OSError: if a file can't be written.
    """
    data = report.to_dict()
    common = None if metadata is None else {**metadata, "sweetspot_report": json.dumps(data)}
    names = []
    if IMAGES in parts:
        for place, judgement in enumerate(report.judgements):
            names += _save_images(folder, start, place, judgement, common)
    for part, draw in ((GRID, draw_grid), (CURVE, draw_curve)):
        if part in parts:
            names.append(f"{start}_{part}.png")
            write_png(folder / names[-1], draw(report), common or {})
    for name, text in _texts(start, report, parts):
        names.append(name)
        (folder / name).write_text(text, "utf-8")
    return names


def _texts(start: str, report: Report, parts: Collection[str]) -> Iterator[tuple[str, str]]:
    if REPORT in parts:
        yield f"{start}_report.json", json.dumps(report.to_dict(), indent=2) + "\n"
        yield f"{start}_report.md", to_markdown(report)
    if PAGE in parts:
        yield f"{start}_page.html", draw_page(report)


def _save_images(
    folder: Path, start: str, place: int, judgement: Judgement, common: Mapping[str, str] | None
) -> Iterator[str]:
    settings = judgement.settings
    series = f"_{settings.sampler}_{settings.scheduler}" if place else ""
    variations = settings.seeds * settings.prompts
    per_variation = len(judgement.own) // variations
    for judged in judgement.runs:
        for number, image in enumerate(judged.run.images):
            prompt, seed = divmod(number // per_variation, settings.seeds)
            about = {
                "steps": judged.run.steps,
                "seed": (settings.seed + seed) % (LARGEST_SEED + 1),
                "prompt": prompt,
                "image": number % per_variation,
                "sampler": settings.sampler,
                "scheduler": settings.scheduler,
                "cfg": settings.cfg,
                "contender": settings.name,
                "similarity": round(judged.measured[number].similarity, 6),
                "sweet_spot": judgement.sweet_spot.steps,
            }
            entries = {} if common is None else {**common, "sweetspot": json.dumps(about)}
            name = f"{start}{series}_{place}_{judged.run.steps}_steps_{number}.png"
            write_png(folder / name, image, entries)
            yield name
