"""A labelled grid: one column a step count, one row an image of the batch, the sweet spot marked."""

from collections.abc import Sequence

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from .measures import Image
from .report import Report, Run

# Images smaller than this are enlarged by a whole factor, so that labels fit and pixels stay pixels.
_LEAST_WIDTH = 256
_MARGIN = 8
_BACKGROUND, _TEXT, _DIM, _MARK = (24, 24, 27), (244, 244, 245), (161, 161, 170), (52, 211, 153)


def draw_grid(runs: Sequence[Run], report: Report) -> Image:
    """Draw all runs' images under labels of steps, seconds and SSIM.

    Args:
        runs: the runs of `report`, images all of one shape.
        report: the measures to print.

    Returns:
        The picture as float32 in [0, 1], shape (height, width, 3).
    """
    ordered = sorted(runs, key=lambda run: run.steps)
    batch, height, width = ordered[0].images.shape[:3]
    factor = max(1, -(-_LEAST_WIDTH // width))
    cell_width, cell_height = width * factor, height * factor
    heading = max(16, cell_width // 14)
    small = max(12, heading * 2 // 3)
    label_height = heading + small + 3 * _MARGIN
    canvas = PillowImage.new(
        "RGB",
        (
            _MARGIN + len(ordered) * (cell_width + _MARGIN),
            label_height + batch * (cell_height + _MARGIN),
        ),
        _BACKGROUND,
    )
    draw = ImageDraw.Draw(canvas)
    for column, (run, row) in enumerate(zip(ordered, report.runs, strict=True)):
        left = _MARGIN + column * (cell_width + _MARGIN)
        chosen = run.steps == report.sweet_spot.steps
        _draw_label(draw, (left, _MARGIN), _title(run.steps, report), _measures(row), heading, small, marked=chosen)
        for index, image in enumerate(run.images):
            top = label_height + index * (cell_height + _MARGIN)
            canvas.paste(
                to_pillow(image).resize((cell_width, cell_height), PillowImage.Resampling.NEAREST), (left, top)
            )
            if chosen:
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


def _draw_label(
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    title: str,
    measures: str,
    heading: int,
    small: int,
    *,
    marked: bool,
) -> None:
    left, top = corner
    draw.text((left, top), title, font=ImageFont.load_default(heading), fill=_MARK if marked else _TEXT)
    draw.text((left, top + heading + _MARGIN), measures, font=ImageFont.load_default(small), fill=_DIM)


def to_pillow(image: Image) -> PillowImage.Image:
    """Return a float image in [0, 1], shape (height, width, 3 or more), as an 8-bit RGB picture."""
    levels = np.clip(np.rint(image[..., :3] * 255), 0, 255).astype(np.uint8)
    return PillowImage.fromarray(levels)
