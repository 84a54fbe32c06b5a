"""A comparison as one HTML page, which needs no server and no other file: slider, pictures, curve and tables."""

import base64
import html
import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from ..measures.levels import to_levels
from ..report import Report
from ..verdict.judgement import JudgedRun, Judgement
from .chart import draw_curve

# JPEG's quality here: changes far below what a comparison counts as visible.
_QUALITY = 92
# Of each step count, so that a page with many seeds still opens.
_MOST_IMAGES = 8


def draw_page(report: Report) -> str:
    """Return the page. Its pictures are JPEG, at most eight for each step count."""
    data = report.to_dict()
    pictures = [_pictures(judgement) for judgement in report.judgements]
    first = report.first
    shown = {"series": pictures, "start": _first_pair(first)}
    facts = [
        f"Model: {data['model']['variant']} ({data['model']['source']})",
        f"Seed: {data['seed']}" + (f", {data['seeds']} seeds" if data["seeds"] > 1 else ""),
        f"Visible {data['visible']['when']} below {100 * data['visible']['below']:g} % similarity",
        *data["notes"],
    ]
    parts = {
        "TITLE": html.escape(str(report.headline)),
        "REASON": html.escape(" ".join(filter(None, (first.sweet_spot.reason, first.sweet_spot.advice)))),
        "CONFIDENCE": html.escape(first.sweet_spot.confidence),
        "CURVE": _jpeg(draw_curve(report)),
        "TABLES": "".join(_table(series) for series in (data, *data["others"])),
        "FACTS": "".join(f"<li>{html.escape(fact)}</li>" for fact in facts),
        # In a script element, only the end of the element has to be escaped.
        "SHOWN": json.dumps(shown).replace("<", "\\u003c"),
    }
    page = _template()
    for name, value in parts.items():
        page = page.replace(f"{{{{{name}}}}}", value)
    return page


def _first_pair(judgement: Judgement) -> list[int]:
    """Return which two step counts are shown first: the sweet spot and the reference, or the one before it."""
    reference = judgement.counts.index(judgement.reference)
    spot = judgement.sweet_spot.steps
    if spot is None or spot == judgement.reference:
        return [max(reference - 1, 0), reference]
    return [judgement.counts.index(spot), reference]


@cache
def _template() -> str:
    return Path(__file__).with_name("page.html").read_text("utf-8")


def _pictures(judgement: Judgement) -> dict[str, Any]:
    return {"name": judgement.settings.name, "runs": [_run(judged, judgement) for judged in judgement.runs]}


def _run(judged: JudgedRun, judgement: Judgement) -> dict[str, Any]:
    steps, marks = judged.run.steps, ""
    marks += ", the sweet spot" if steps == judgement.sweet_spot.steps else ""
    marks += ", the reference" if steps == judgement.reference else f", {100 * judged.similarity:.1f} % similar"
    return {
        "label": f"{steps} steps{marks}",
        "images": [_jpeg(image) for image in judged.run.images[:_MOST_IMAGES]],
    }


def _table(series: dict[str, Any]) -> str:
    rows = "".join(_row(row, series) for row in series["runs"])
    name, said = html.escape(series["name"]), html.escape(series["headline"]["text"])
    head = "<th>Steps</th><th>Similarity</th><th>Seconds</th><th>Model calls</th>"
    return f"<h2>{name}</h2><p>{said}</p><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _row(row: dict[str, Any], series: dict[str, Any]) -> str:
    spot = row["steps"] == series["sweet_spot"]["steps"]
    cells = [
        f"{'★ ' if spot else ''}{row['steps']}",
        f"{100 * row['similarity']:.1f} %",
        "" if row["seconds"] is None else f"{row['seconds']:.2f}",
        "" if row["model_calls"] is None else str(row["model_calls"]),
    ]
    return f"<tr{' class=spot' if spot else ''}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _jpeg(image: NDArray[Any]) -> str:
    """Return an image as a data address."""
    stream = io.BytesIO()
    picture = PillowImage.fromarray(np.ascontiguousarray(to_levels(image)[..., :3]))
    picture.save(stream, "JPEG", quality=_QUALITY, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"
