"""Labelled pictures side by side: the grid of a comparison, and the filmstrip of one run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from .measures import Image
from .report import Report, Run

# Images smaller than this are enlarged by a whole factor, so that labels fit and pixels stay pixels.
_LEAST_WIDTH = 256
_MARGIN = 8
_BACKGROUND, _TEXT, _DIM, _MARK = (24, 24, 27), (244, 244, 245), (161, 161, 170), (52, 211, 153)


@dataclass(frozen=True)
class Column:
    """One column of pictures under a label.

    Attributes:
        title: what the column shows.
        detail: smaller, below it.
        images: its pictures in [0, 1], shape (batch, height, width, channels).
        marked: whether it is framed.
    """

    title: str
    detail: str
    images: Image
    marked: bool = False


def draw_grid(runs: Sequence[Run], report: Report) -> Image:
    """Draw all runs' images under labels of steps, seconds and SSIM.

    Args:
        runs: the runs of `report`, images all of one shape.
        report: the measures to print.

    Returns:
        The picture as float32 in [0, 1], shape (height, width, 3).
    """
    ordered = sorted(runs, key=lambda run: run.steps)
    return draw_columns(
        [
            Column(_title(run.steps, report), _measures(row), run.images, run.steps == report.sweet_spot.steps)
            for run, row in zip(ordered, report.runs, strict=True)
        ]
    )


def draw_filmstrip(images: Image, numbers: Sequence[int]) -> Image:
    """Draw what one run predicted on its way: a column for each kept step, a row for each image of the batch.

    Args:
        images: all pictures in [0, 1], those of the first kept step first, shape (steps * batch, height, width, 3).
        numbers: the kept steps, from 1.

    Returns:
        The picture as float32 in [0, 1], shape (height, width, 3).

    Raises:
        ValueError: if the pictures are not a whole number a step.
    """
    if not numbers or len(images) % len(numbers):
        raise ValueError(f"images: expected a whole number for each of {len(numbers)} kept steps, got {len(images)}")
    parts = np.split(images, len(numbers))
    detail = "predicted on the way, one run"
    return draw_columns([Column(f"step {n}", detail, part) for n, part in zip(numbers, parts, strict=True)])


def draw_columns(columns: Sequence[Column]) -> Image:
    """Draw labelled columns side by side, all of one shape.

    Returns:
        The picture as float32 in [0, 1], shape (height, width, 3).
    """
    batch, height, width = columns[0].images.shape[:3]
    factor = max(1, -(-_LEAST_WIDTH // width))
    cell_width, cell_height = width * factor, height * factor
    heading = max(16, cell_width // 14)
    small = max(12, heading * 2 // 3)
    label_height = heading + small + 3 * _MARGIN
    size = (
        _MARGIN + len(columns) * (cell_width + _MARGIN),
        label_height + batch * (cell_height + _MARGIN),
    )
    canvas = PillowImage.new("RGB", size, _BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    for number, column in enumerate(columns):
        left = _MARGIN + number * (cell_width + _MARGIN)
        _draw_label(draw, (left, _MARGIN), column, heading, small)
        for index, image in enumerate(column.images):
            top = label_height + index * (cell_height + _MARGIN)
            cell = to_pillow(image).resize((cell_width, cell_height), PillowImage.Resampling.NEAREST)
            canvas.paste(cell, (left, top))
            if column.marked:
                frame = (left - 3, top - 3, left + cell_width + 2, top + cell_height + 2)
                draw.rectangle(frame, outline=_MARK, width=3)
    return np.asarray(canvas, dtype=np.float32) / 255


def _title(steps: int, report: Report) -> str:
    unit = "step" if steps == 1 else "steps"
    if steps == report.sweet_spot.steps:
        return f"{steps} {unit} · sweet spot"
    return f"{steps} {unit} · reference" if steps == report.reference else f"{steps} {unit}"


def _measures(row: dict[str, float]) -> str:
    return f"{row['seconds']:.2f} s   SSIM {row['ssim']:.3f}"


def _draw_label(draw: ImageDraw.ImageDraw, corner: tuple[int, int], column: Column, heading: int, small: int) -> None:
    left, top = corner
    colour = _MARK if column.marked else _TEXT
    draw.text((left, top), column.title, font=ImageFont.load_default(heading), fill=colour)
    draw.text((left, top + heading + _MARGIN), column.detail, font=ImageFont.load_default(small), fill=_DIM)


def to_pillow(image: Image) -> PillowImage.Image:
    """Return a float image in [0, 1], shape (height, width, 3 or more), as an 8-bit RGB picture."""
    levels = np.clip(np.rint(image[..., :3] * 255), 0, 255).astype(np.uint8)
    return PillowImage.fromarray(levels)
