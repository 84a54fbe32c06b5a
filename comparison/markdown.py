"""A comparison's report as readable text: as Markdown, and as a short summary."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..words import Message
from .report import Report

# How a time came about: the mark of its row, and the footnote.
_TIMINGS = {"first run": " †", "node": " ‡", "estimated": " §"}
_ABOUT_TIMES = {
    "first run": "the model's first run, so the time may include warming up",
    "node": "the time of the whole sampler node, including loading models",
    "estimated": "the workflow's own run; its time is worked out from the others' seconds per step",
}
_COLUMNS = (
    "steps",
    "calls",
    "seconds",
    "s / step",
    "similarity",
    "SSIM",
    "MS-SSIM",
    "PSNR",
    "worst tile",
    "ΔE",
    "enough for",
)


def to_markdown(report: Report) -> str:
    """Return the report as Markdown: settings, verdict, and a table for each series."""
    data = report.to_dict()
    seeds = f"seed {data['seed']}" if data["seeds"] == 1 else f"{data['seeds']} seeds from {data['seed']}"
    images = "1 image" if data["images"] == 1 else f"{data['images']} images"
    lines = [
        "# How many steps?",
        "",
        f"**{_safe(str(report.headline))}**",
        "",
        (
            f"Model: {_safe(data['model']['variant'])} ({_safe(data['model']['source'])}), {seeds}, "
            f"{images} per step count."
        ),
        (
            f"A difference counts if it is visible {data['visible']['when']}: similarity below "
            f"{100 * data['visible']['below']:g} %."
        ),
        "",
    ]
    for series in (data, *data["others"]):
        lines += _series(series, data["images"])
    lines += _across(data["across"])
    lines += [f"- {_safe(note)}" for note in data["notes"]]
    return "\n".join(lines).rstrip() + "\n"


def summary(report: Report, counts_by_word: Mapping[str, int]) -> str:
    """Return the verdict in a few lines.

    Args:
        report: the report.
        counts_by_word: the step counts that the words in the step list stand for; empty if there are none.
    """
    first = report.first
    images = f" Over {len(first.own)} images." if len(first.own) > 1 else ""
    lines = [
        str(report.headline),
        first.sweet_spot.reason,
        first.sweet_spot.advice,
        f"Confidence: {first.sweet_spot.confidence}.{images}",
        *(f"{judgement.settings.name}: {judgement.sweet_spot.reason}" for judgement in report.judgements[1:]),
        *remarks(report, counts_by_word),
    ]
    return "\n".join(line for line in lines if line)


def remarks(report: Report, counts_by_word: Mapping[str, int]) -> list[str]:
    """Return what the user should know about how a comparison ran, one text each.

    Args:
        report: the report.
        counts_by_word: the step counts that the words in the step list stand for; empty if there are none.
    """
    kept = ", ".join(str(judged.run.steps) for judged in report.first.runs if judged.run.reused)
    words = [
        Message("note.word", "{word} is {count}.", {"word": word.capitalize(), "count": count})
        for word, count in counts_by_word.items()
    ]
    reused = Message("note.reused", "Reused from an earlier comparison: {counts} steps.", {"counts": kept})
    return [*words, *([reused] if kept else []), *report.notes]


def _series(series: dict[str, Any], images: int) -> list[str]:
    verdict = series["sweet_spot"]
    steps = f"**{verdict['steps']} steps**" if verdict["steps"] else "**none**"
    why = [part for part in (verdict["reason"], verdict["advice"]) if part]
    lines = [
        f"## {_safe(series['name'])}",
        "",
        f"Sweet spot: {steps} ({verdict['confidence']} confidence). {_safe(' '.join(why))}",
        "",
    ]
    lines += _more(series, images)
    with_cost = any(row["cost"] is not None for row in series["runs"])
    with_meaning = any(row["semantic"] is not None for row in series["runs"])
    columns = [*_COLUMNS, *(["cost of a batch"] if with_cost else []), *(["semantic"] if with_meaning else [])]
    lines += [_line(columns), _line(["---"] * len(columns))]
    for row in series["runs"]:
        cells = [*_cells(row, images)]
        cells += [f"{row['cost']:.4g}"] if with_cost else []
        cells += [_number(row["semantic"], 4)] if with_meaning else []
        lines.append(_line(cells))
    return [*lines, "", *_footnotes(series["runs"])]


def _footnotes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    notes = ["\\* shared model calls with other step counts"] if any(row["together"] for row in rows) else []
    timings = {row["timing"] for row in rows}
    notes += [f"{mark.strip()} {_ABOUT_TIMES[timing]}" for timing, mark in _TIMINGS.items() if timing in timings]
    return [line for note in notes for line in (note, "")]


def _more(series: dict[str, Any], images: int) -> list[str]:
    """Return sentences about a series' spread, convergence and knee."""
    sentences = []
    spread = series["spread"]
    if images > 1 and spread["least"] is not None:
        without = f"; {spread['without']} of {images} have none" if spread["without"] else ""
        sentences.append(
            f"The sweet spots of the individual images range from {spread['least']} to {spread['most']}, "
            f"median {spread['median'] or 'none'}{without}."
        )
    convergence = series["convergence"]
    if convergence is not None:
        more = f"; about {convergence['enough_at']} steps should be enough" if convergence["enough_at"] else ""
        order = f"the error falls with order {convergence['order']:.1f}; " if convergence["order"] else ""
        order = "the images are not getting closer to each other yet; " if convergence["order"] == 0 else order
        sentences.append(
            f"Estimated from the runs of {', '.join(map(str, convergence['steps']))} steps: {order}the reference's "
            f"similarity to the fully converged image is about {100 * convergence['reference_similarity']:.1f} %{more}."
        )
    check = series["check"]
    if check is not None:
        what = "the same picture as" if check["agrees"] else "another picture than"
        shift = f" on shift {check['shift']:g}" if check["shift"] else ""
        sentences.append(
            f"A check with another solver and schedule ({check['sampler']}, {check['scheduler']}{shift}, "
            f"{check['steps']} steps) shows {what} the reference: similarity {100 * check['similarity']:.1f} %."
        )
    if series["knee"] is not None:
        sentences.append(f"Most of the improvement is reached at {series['knee']} steps.")
    return [" ".join(sentences), ""] if sentences else []


def _cells(row: dict[str, Any], images: int) -> list[str]:
    marks = (" (kept)" if row["reused"] else "") + (" \\*" if row["together"] else "")
    marks += _TIMINGS.get(row["timing"], "")
    return [
        f"{row['steps']}{marks}",
        _number(row["model_calls"], 0),
        _number(row["seconds"], 3),
        _number(row["seconds_per_step"], 4),
        f"{100 * row['similarity']:.1f} %",
        f"{row['ssim']:.3f}",
        f"{row['ms_ssim']:.3f}",
        _number(row["psnr"], 1),
        f"{row['worst_tile']:.3f}",
        f"{row['delta_e']:.2f}",
        f"{row['enough_for']} of {images}",
    ]


def _across(across: dict[str, Any] | None) -> list[str]:
    if across is None:
        return []
    lines = ["## Which one converges fastest?", ""]
    if across["end"] is not None:
        end = across["end"]
        lines += [f"Measured against {_safe(end['name'])} at {end['steps']} steps, the best converged run.", ""]
    lines += [
        f"- At {best['steps']} steps: {_safe(best['name'])} is closest (similarity {100 * best['similarity']:.1f} %)."
        for best in across["nearest"]
    ]
    if across["end"] is None:
        lines.append(
            "- This can't be decided, because none of them is known to have converged. Run three or more step counts, "
            "each at least 1.3 times the one before, up to one that is enough."
        )
    elif not across["nearest"]:
        lines.append("- This can't be decided: no other step count was run with more than one of them.")
    lines += [f"- {_safe(name)} is left out: {_safe(why)}." for name, why in across["left_out"].items()]
    return [*lines, ""]


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _safe(text: str) -> str:
    """Return text with Markdown and HTML markup escaped, because names come from files."""
    plain = " ".join(text.split())
    for mark, instead in (
        ("\\", "\\\\"),
        ("&", "&amp;"),
        ("<", "&lt;"),
        ("|", "\\|"),
        ("`", "'"),
        ("*", "\\*"),
        ("[", "\\["),
    ):
        plain = plain.replace(mark, instead)
    return plain
