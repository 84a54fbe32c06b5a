"""The curve of a comparison: similarity against steps, with their time or cost below."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from ..measures.levels import Image
from ..report import Report
from ..verdict.judgement import Judgement

WIDTH, HEIGHT = 800, 480
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 24, 56, 56
_LEGEND_COLUMNS, _ROW = 3, 18
_BACKGROUND, _TEXT, _DIM, _GRID, _MARK = "#18181b", "#f4f4f5", "#a1a1aa", "#3f3f46", "#34d399"
_COLOURS = ("#60a5fa", "#f59e0b", "#f472b6", "#a78bfa", "#22d3ee", "#facc15", "#fb7185", "#4ade80")
_FONT = 14
# Labels closer to each other than this would overlap.
_APART, _TIMES_APART = 26, 48

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A line through points."""

    points: tuple[Point, ...]
    colour: str
    width: int = 1


@dataclass(frozen=True)
class Dot:
    """A filled circle."""

    centre: Point
    radius: float
    colour: str


@dataclass(frozen=True)
class Text:
    """A line of text; `place` is on its base line, at the `start`, `middle` or `end` of the text (`anchor`)."""

    place: Point
    words: str
    colour: str = _TEXT
    anchor: str = "start"


Shape = Line | Dot | Text


def draw_curve(report: Report) -> Image:
    """Return the curve as a picture, float32 in [0, 1], shape (height, width, 3)."""
    # Drawn at twice the size and shrunk, because Pillow's lines have hard edges.
    canvas = PillowImage.new("RGB", (2 * WIDTH, 2 * HEIGHT), _BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    for shape in curve(report):
        _draw(draw, shape)
    smooth = canvas.resize((WIDTH, HEIGHT), PillowImage.Resampling.BOX)
    return np.asarray(smooth, dtype=np.float32) / 255


def curve(report: Report) -> list[Shape]:
    """Return the curve's shapes in an area of `WIDTH` by `HEIGHT`, with y pointing down."""
    points = [_points(judgement) for judgement in report.judgements]
    reach = max(x for series in points for x, _ in series)
    values = [y for series in points for _, y in series]
    # The names go above the curves, the times below, in as many rows as they need.
    top = _TOP + _ROW * ((len(points) - 1) // _LEGEND_COLUMNS)
    bottom = _BOTTOM + _ROW * len(points)
    visible = report.first.settings.visible
    floor = max(0.0, min(*values, visible.below) - 0.02)

    def place(point: Point) -> Point:
        x = _LEFT + (WIDTH - _LEFT - _RIGHT) * point[0] / (reach * 1.05)
        y = top + (HEIGHT - top - bottom) * (1 - point[1]) / (1 - floor)
        return x, y

    shapes = _axes(reach, floor, place)
    shapes += _threshold(visible.below, f"visible {visible.when}", reach, place)
    places = [[place(point) for point in series] for series in points]
    for number, (judgement, of_series) in enumerate(zip(report.judgements, places, strict=True)):
        shapes += _series(judgement, of_series, _COLOURS[number % len(_COLOURS)])
        colour = _COLOURS[number % len(_COLOURS)] if len(points) > 1 else _DIM
        row = HEIGHT - bottom + 22 + _ROW * (number + 1)
        shapes += _times(judgement, report, [(x, row) for x, _ in of_series], colour)
    shapes += _labels(report.judgements, places)
    if len(points) > 1:
        names = [judgement.settings.name for judgement in report.judgements]
        shapes += [
            Text(
                (_LEFT + 240 * (n % _LEGEND_COLUMNS), 20 + _ROW * (n // _LEGEND_COLUMNS)),
                name,
                _COLOURS[n % len(_COLOURS)],
            )
            for n, name in enumerate(names)
        ]
    else:
        shapes.append(Text((_LEFT, 28), _heading(report.first)))
    return shapes


def _points(judgement: Judgement) -> list[Point]:
    return list(zip(map(float, judgement.counts), judgement.similarity, strict=True))


def _times(judgement: Judgement, report: Report, places: Sequence[Point], colour: str) -> list[Shape]:
    """Return what each count took or cost, below it, leaving out what would overlap."""
    shapes: list[Shape] = [Text((_LEFT - 8, places[0][1]), "cost" if report.price.amount else "time", _DIM, "end")]
    free = 0.0
    for judged, (x, y) in zip(judgement.runs, places, strict=True):
        run = judged.run
        cost = report.price.of(run.steps, run.seconds)
        unknown = cost is None and run.timing == "unknown"
        if x >= free and not unknown:
            shapes.append(Text((x, y), f"{run.seconds:.3g} s" if cost is None else f"{cost:.3g}", colour, "middle"))
            free = x + _TIMES_APART
    return shapes


def _heading(judgement: Judgement) -> str:
    spot = judgement.sweet_spot
    return f"Sweet spot: {spot.steps} steps ({spot.confidence} confidence)" if spot.steps else "No sweet spot"


def _axes(reach: float, floor: float, place: Callable[[Point], Point]) -> list[Shape]:
    shapes: list[Shape] = []
    for value in _ticks(floor, 1):
        (left, y), (right, _) = place((0, value)), place((reach * 1.05, value))
        shapes += [Line(((left, y), (right, y)), _GRID), Text((left - 8, y + 5), f"{100 * value:g} %", _DIM, "end")]
    for value in _ticks(0, reach):
        x, y = place((value, floor))
        shapes.append(Text((x, y + 22), f"{value:g}", _DIM, "middle"))
    shapes.append(Text((WIDTH - _RIGHT, HEIGHT - 12), "horizontal: steps", _DIM, "end"))
    shapes.append(Text((_LEFT, HEIGHT - 12), "vertical: similarity to the reference", _DIM))
    return shapes


def _threshold(visible: float, what: str, reach: float, place: Callable[[Point], Point]) -> list[Shape]:
    (left, y), (right, _) = place((0, visible)), place((reach * 1.05, visible))
    text = Text((right, y + 16), f"below {100 * visible:g} %: {what}", _DIM, "end")
    return [Line(((left, y), (right, y)), _DIM, 2), text]


def _ticks(low: float, high: float) -> list[float]:
    """Return about five round numbers between `low` and `high`."""
    rough = (high - low) / 5
    decade = 10.0 ** math.floor(math.log10(rough))
    stride = next(decade * factor for factor in (1, 2, 5, 10) if decade * factor >= rough * 0.99)
    first, last = math.ceil(low / stride - 1e-9), math.floor(high / stride + 1e-9)
    return [round(number * stride, 12) for number in range(first, last + 1)]


def _labels(judgements: Sequence[Judgement], places: Sequence[Sequence[Point]]) -> list[Shape]:
    """Return the step counts as labels above their points, sweet spots first, leaving out those that would overlap."""
    wanted = [
        (steps != judgement.sweet_spot.steps, x, y - 12, steps)
        for judgement, of_series in zip(judgements, places, strict=True)
        for steps, (x, y) in zip(judgement.counts, of_series, strict=True)
    ]
    taken: list[Point] = []
    shapes: list[Shape] = []
    for plain, x, y, steps in sorted(wanted):
        if all(abs(x - across) >= _APART or abs(y - down) >= _FONT for across, down in taken):
            taken.append((x, y))
            shapes.append(Text((x, y), f"{steps}", _TEXT if plain else _MARK, "middle"))
    return shapes


def _series(judgement: Judgement, places: Sequence[Point], colour: str) -> list[Shape]:
    shapes: list[Shape] = [Line(tuple(places), colour, 2)]
    for steps, centre in zip(judgement.counts, places, strict=True):
        marked = steps == judgement.sweet_spot.steps
        shapes.append(Dot(centre, 8 if marked else 4, _MARK if marked else colour))
    return shapes


def _draw(draw: ImageDraw.ImageDraw, shape: Shape) -> None:
    if isinstance(shape, Line):
        draw.line([(2 * x, 2 * y) for x, y in shape.points], fill=shape.colour, width=2 * shape.width)
    elif isinstance(shape, Dot):
        (x, y), radius = shape.centre, shape.radius
        box = (2 * (x - radius), 2 * (y - radius), 2 * (x + radius), 2 * (y + radius))
        draw.ellipse(box, fill=shape.colour)
    else:
        anchor = {"start": "ls", "middle": "ms", "end": "rs"}[shape.anchor]
        font = ImageFont.load_default(2 * _FONT)
        draw.text((2 * shape.place[0], 2 * shape.place[1]), shape.words, fill=shape.colour, font=font, anchor=anchor)
