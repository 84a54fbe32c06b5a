"""Labelled pictures side by side: the grid of a comparison, and the filmstrip of one run."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from ..measures.levels import Image, Levels
from ..report import Report
from ..runs import Run
from ..verdict.judgement import Judgement

# Narrower images are enlarged by a whole factor, so that labels fit and pixels stay sharp.
_LEAST_WIDTH = 256
# Above this many pixels the cells are made smaller: nobody can view 64 images at full size in one picture.
_MOST_PIXELS = 1 << 24
_MOST_ROWS = 8
_MARGIN = 8
_BACKGROUND, _TEXT, _DIM, _MARK = (24, 24, 27), (244, 244, 245), (161, 161, 170), (52, 211, 153)


@dataclass(frozen=True)
class Column:
    """One column of pictures under a label.

    Attributes:
        title: the label.
        detail: a second line in smaller type.
        images: its pictures, shape (batch, height, width, channels): 8-bit levels, or floats in [0, 1].
        marked: whether its pictures get a frame.
    """

    title: str
    detail: str
    images: NDArray[Any]
    marked: bool = False


@dataclass(frozen=True)
class Line:
    """Columns side by side.

    Attributes:
        columns: at least one.
        title: the heading above them; may be empty.
    """

    columns: Sequence[Column]
    title: str = ""


def draw_grid(report: Report) -> Image:
    """Draw all runs' images under labels with steps, seconds and similarity, one series below the other.

    If a run has more than eight images, only the first eight are drawn.

    Returns:
        The picture as float32 in [0, 1], shape (height, width, 3).
    """
    return to_floats_once(grid_levels(report))


def grid_levels(report: Report) -> Levels:
    """Draw the same as 8-bit levels, which need a quarter of the memory."""
    several = len(report.judgements) > 1
    return _drawn([line for judgement in report.judgements for line in _lines_of(judgement, named=several)])


def to_floats_once(levels: Levels) -> Image:
    """Return a picture as float32 in [0, 1], without an intermediate copy, because it may be very large."""
    return np.divide(levels, 255, dtype=np.float32)


def draw_filmstrip(images: Image, numbers: Sequence[int]) -> Image:
    """Draw the predictions of one run: a column for each kept step, a row for each image of the batch.

    Args:
        images: all pictures in [0, 1], those of the first kept step first, shape (steps * batch, height, width, 3).
        numbers: the kept steps, from 1.

    Returns:
        The picture as float32 in [0, 1], shape (height, width, 3).

    Raises:
        ValueError: if the pictures can't be divided evenly among the steps.
    """
    if not numbers or len(images) % len(numbers):
        raise ValueError(f"images: expected the same number for each of {len(numbers)} kept steps, got {len(images)}")
    parts = np.split(images, len(numbers))
    detail = "prediction during one run"
    return draw_lines([Line([Column(f"step {n}", detail, part) for n, part in zip(numbers, parts, strict=True)])])


def draw_lines(lines: Sequence[Line]) -> Image:
    """Draw labelled columns side by side, line below line; all pictures must have the same shape.

    Returns:
        The picture as float32 in [0, 1], shape (height, width, 3), at most about 16 million pixels.
    """
    return to_floats_once(_drawn(lines))


def _drawn(lines: Sequence[Line]) -> Levels:
    batch = lines[0].columns[0].images.shape[0]
    cell = _cell_size(lines)
    heading = max(16, cell[0] // 14)
    small = max(12, heading * 2 // 3)
    label_height = heading + small + 3 * _MARGIN
    band = heading + 2 * _MARGIN
    width = _MARGIN + max(len(line.columns) for line in lines) * (cell[0] + _MARGIN)
    height = sum(label_height + batch * (cell[1] + _MARGIN) + (band if line.title else 0) for line in lines)
    canvas = PillowImage.new("RGB", (width, height), _BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    top = 0
    for line in lines:
        if line.title:
            draw.text((_MARGIN, top + _MARGIN), line.title, font=ImageFont.load_default(heading), fill=_TEXT)
            top += band
        for number, column in enumerate(line.columns):
            left = _MARGIN + number * (cell[0] + _MARGIN)
            _draw_label(draw, (left, top + _MARGIN), column, heading, small)
            _draw_cells(canvas, (left, top + label_height), column, cell)
        top += label_height + batch * (cell[1] + _MARGIN)
    return np.asarray(canvas)


def to_pillow(image: NDArray[Any]) -> PillowImage.Image:
    """Convert an image (8-bit levels or floats in [0, 1], shape (height, width, channels)) to an 8-bit RGB picture."""
    rgb = image[..., :3] if image.shape[-1] >= 3 else np.repeat(image[..., :1], 3, axis=-1)
    if rgb.dtype != np.uint8:
        rgb = np.clip(np.rint(rgb * 255), 0, 255).astype(np.uint8)
    return PillowImage.fromarray(np.ascontiguousarray(rgb))


def _time(run: Run) -> str:
    if run.timing == "unknown":
        return "time unknown"
    text = f"{run.seconds:.2f} s"
    if run.timing == "estimated":
        return f"about {text}"
    return text if run.timing == "sampling" else f"{text} ({run.timing})"


def _lines_of(judgement: Judgement, *, named: bool) -> list[Line]:
    """Return a series' columns, broken into several lines if there are many, so that the picture fits a screen."""
    columns = [
        Column(
            _title(judged.run.steps, judgement),
            f"{_time(judged.run)}   similarity {100 * judged.similarity:.1f} %",
            judged.run.images[:_MOST_ROWS],
            judged.run.steps == judgement.sweet_spot.steps,
        )
        for judged in judgement.runs
    ]
    rows = len(columns[0].images)
    most = max(_MOST_ROWS, math.ceil(math.sqrt(len(columns) * rows * 2)))
    name = judgement.settings.name if named else ""
    if len(judgement.own) > _MOST_ROWS:
        name = f"{name}   the first {_MOST_ROWS} of {len(judgement.own)} images".strip()
    starts = range(0, len(columns), most)
    return [Line(columns[start : start + most], "" if start else name) for start in starts]


def _title(steps: int, judgement: Judgement) -> str:
    unit = "step" if steps == 1 else "steps"
    if steps == judgement.sweet_spot.steps:
        return f"{steps} {unit} · sweet spot" + (", reference" if steps == judgement.reference else "")
    return f"{steps} {unit} · reference" if steps == judgement.reference else f"{steps} {unit}"


def _cell_size(lines: Sequence[Line]) -> tuple[int, int]:
    """Return width and height of a picture in the grid."""
    batch, height, width = lines[0].columns[0].images.shape[:3]
    factor = max(1, -(-_LEAST_WIDTH // width))
    cells = len(lines) * max(len(line.columns) for line in lines) * batch
    pixels = cells * width * height * factor**2
    if pixels <= _MOST_PIXELS:
        return width * factor, height * factor
    shrink = factor * math.sqrt(_MOST_PIXELS / pixels)
    return max(1, round(width * shrink)), max(1, round(height * shrink))


def _draw_cells(canvas: PillowImage.Image, corner: tuple[int, int], column: Column, cell: tuple[int, int]) -> None:
    left, top = corner
    for image in column.images:
        enlarged = cell[0] >= image.shape[1]
        method = PillowImage.Resampling.NEAREST if enlarged else PillowImage.Resampling.BOX
        canvas.paste(to_pillow(image).resize(cell, method), (left, top))
        if column.marked:
            frame = (left - 3, top - 3, left + cell[0] + 2, top + cell[1] + 2)
            ImageDraw.Draw(canvas).rectangle(frame, outline=_MARK, width=3)
        top += cell[1] + _MARGIN


def _draw_label(draw: ImageDraw.ImageDraw, corner: tuple[int, int], column: Column, heading: int, small: int) -> None:
    left, top = corner
    colour = _MARK if column.marked else _TEXT
    draw.text((left, top), column.title, font=ImageFont.load_default(heading), fill=colour)
    draw.text((left, top + heading + _MARGIN), column.detail, font=ImageFont.load_default(small), fill=_DIM)
