"""What a sweep has found for each model and way to sample: sweet spot with an interval, curve, time and cost."""

import html
import random
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..comparison.verdict.pooling import pooled

_RESAMPLED = 1000
# The interval holds 90 % of the resampled sweet spots.
_OUTSIDE = 0.05
_LEAST_FOR_INTERVAL = 20
_WIDTH, _HEIGHT, _EDGE = 480, 200, 45

# The similarity at each step count, of one prompt and seed.
Curve = Mapping[int, float]


@dataclass(frozen=True)
class Point:
    """One step count.

    Attributes:
        steps: the step count.
        similarity: mean similarity to the largest count, 0 to 1.
        pooled: the similarity that nine of ten images reach.
        seconds: median time of the sampling.
        model_calls: evaluations of the denoiser.
        cost: what a thousand images cost; None without a price.
    """

    steps: int
    similarity: float
    pooled: float
    seconds: float
    model_calls: int
    cost: float | None


@dataclass(frozen=True)
class Summary:
    """What was found of one model and one way to sample.

    Attributes:
        model: the model's name.
        contender: the name of the way to sample.
        sweet_spot: from this count on, nine of ten images show no visible change; None if only at the largest.
        interval: between which counts it lies in 90 % of resampled sets of prompts; None for too few images to know.
        ladders: how many prompts and seeds it rests on.
        failed: how many cells failed.
        points: the curve.
        below: the similarity below which a difference is visible, 0 to 1.
    """

    model: str
    contender: str
    sweet_spot: int | None
    interval: tuple[int, int] | None
    ladders: int
    failed: int
    points: tuple[Point, ...]
    below: float

    @property
    def text(self) -> str:
        """The answer in words."""
        basis = f"{self.ladders} images of each count"
        basis = f"90 %: {self.interval[0]} to {self.interval[1]}; {basis}" if self.interval else basis
        if self.sweet_spot is None:
            return f"{self.model}, {self.contender}: not settled within {self.points[-1].steps} steps ({basis})"
        return f"{self.model}, {self.contender}: {self.sweet_spot} steps are enough ({basis})"


def summarise(rows: Iterable[Mapping[str, Any]], threshold: float, price: float = 0.0) -> list[Summary]:
    """Return a summary for each model and contender, in the order of their names.

    Ladders of which a cell failed don't count.

    Args:
        rows: the rows of a sweep.
        threshold: similarity in % below which a difference is visible.
        price: what an hour of sampling costs.
    """
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["model"], row["contender"]), []).append(row)
    found = (_summary(*names, group, threshold / 100, price) for names, group in sorted(groups.items()))
    return [summary for summary in found if summary is not None]


def _summary(
    model: str, contender: str, rows: Sequence[Mapping[str, Any]], below: float, price: float
) -> Summary | None:
    failed = sum(bool(row["error"]) for row in rows)
    ladders: dict[tuple[str, int], dict[int, Mapping[str, Any]]] = {}
    for row in rows:
        ladders.setdefault((row["prompt"], row["seed"]), {})[row["steps"]] = row
    counts = sorted({row["steps"] for row in rows})
    complete = [each for each in ladders.values() if len(each) == len(counts)]
    whole = [each for each in complete if not any(row["error"] for row in each.values())]
    if not whole:
        return None
    curves = [{steps: row["similarity"] for steps, row in each.items()} for each in whole]
    by_prompt: dict[str, list[Curve]] = {}
    for each, curve in zip(whole, curves, strict=True):
        by_prompt.setdefault(each[counts[0]]["prompt"], []).append(curve)
    points = []
    for steps in counts:
        values = [curve[steps] for curve in curves]
        seconds = statistics.median(each[steps]["seconds"] for each in whole)
        cost = seconds / 3600 * price * 1000 if price else None
        calls = round(statistics.median(each[steps]["model_calls"] for each in whole))
        points.append(Point(steps, statistics.fmean(values), pooled(values), seconds, calls, cost))
    spot = _sweet_spot(curves, counts, below)
    return Summary(
        model,
        contender,
        spot,
        _interval(list(by_prompt.values()), counts, below),
        len(curves),
        failed,
        tuple(points),
        below,
    )


def _sweet_spot(curves: Sequence[Curve], counts: Sequence[int], below: float) -> int | None:
    spot = None
    for steps in reversed(counts[:-1]):
        if pooled([curve[steps] for curve in curves]) < below:
            break
        spot = steps
    return spot


def _interval(prompts: Sequence[Sequence[Curve]], counts: Sequence[int], below: float) -> tuple[int, int] | None:
    """Return a bootstrap interval of the sweet spot; a sample without one counts as the largest count.

    Prompts are drawn with all their seeds, because the images of one prompt are alike; with one prompt, its seeds are.
    For few images, the pooled similarity is the lowest, which no sample falls below, so there is no interval.

    Source: Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979.
    """
    if sum(map(len, prompts)) < _LEAST_FOR_INTERVAL:
        return None
    groups = prompts if len(prompts) > 1 else [[curve] for curve in prompts[0]]
    chance = random.Random(0)
    spots = []
    for _ in range(_RESAMPLED):
        curves = [curve for group in chance.choices(groups, k=len(groups)) for curve in group]
        spots.append(_sweet_spot(curves, counts, below) or counts[-1])
    spots.sort()
    return spots[int(_OUTSIDE * _RESAMPLED)], spots[int((1 - _OUTSIDE) * _RESAMPLED) - 1]


def draw_page(summaries: Sequence[Summary], title: str) -> str:
    """Return the summaries as one HTML page that needs no other file and makes no request."""
    parts = [f"<h2>{html.escape(each.text)}</h2>{_curve(each)}{_table(each)}" for each in summaries]
    style = (
        "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
        "table{border-collapse:collapse}td,th{padding:.2rem .8rem;text-align:right;border-bottom:1px solid #8884}"
        "tr.spot{font-weight:bold}svg{max-width:100%}"
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width"><style>{style}</style></head>'
        f"<body><h1>{html.escape(title)}</h1>{''.join(parts)}</body></html>\n"
    )


def _curve(summary: Summary) -> str:
    points = summary.points
    most = points[-1].steps
    least = min(summary.below, *(point.pooled for point in points))

    def down(similarity: float) -> float:
        return _HEIGHT - _EDGE - (_HEIGHT - 2 * _EDGE) * (similarity - least) / max(1 - least, 1e-9)

    def level(similarity: float, dashes: str) -> str:
        height = f"{down(similarity):.1f}"
        return (
            f'<line x1="{_EDGE}" x2="{_WIDTH}" y1="{height}" y2="{height}" '
            f'stroke="currentColor" opacity=".4" {dashes}/>'
            f'<text x="0" y="{height}" font-size="11" fill="currentColor">{100 * similarity:g} %</text>'
        )

    places = [(_EDGE + (_WIDTH - 2 * _EDGE) * point.steps / most, down(point.pooled)) for point in points]
    levels = level(1.0, "") + level(summary.below, 'stroke-dasharray="4"')
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    marks = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{5 if point.steps == summary.sweet_spot else 3}" fill="currentColor"/>'
        f'<text x="{x:.1f}" y="{_HEIGHT - 8}" font-size="11" text-anchor="middle" fill="currentColor">'
        f"{point.steps}</text>"
        for point, (x, y) in zip(points, places, strict=True)
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" role="img" aria-label="similarity over steps">'
        f'<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="2"/>{levels}{marks}</svg>'
    )


def _table(summary: Summary) -> str:
    head = "<tr><th>Steps</th><th>Mean similarity</th><th>Nine of ten reach</th><th>Seconds</th><th>Model calls</th>"
    head += "<th>1000 images cost</th></tr>" if summary.points[0].cost is not None else "</tr>"
    rows = []
    for point in summary.points:
        cells = [
            str(point.steps),
            f"{100 * point.similarity:.1f} %",
            f"{100 * point.pooled:.1f} %",
            f"{point.seconds:.2f}",
            str(point.model_calls),
            *([f"{point.cost:.2f}"] if point.cost is not None else []),
        ]
        spot = ' class="spot"' if point.steps == summary.sweet_spot else ""
        rows.append(f"<tr{spot}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    return f"<table>{head}{''.join(rows)}</table>"
