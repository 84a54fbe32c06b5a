"""What a comparison node gives back: its outputs, and what it shows."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch

from ...comparison.markdown import remarks, summary, to_markdown
from ...comparison.pictures.chart import draw_curve
from ...comparison.pictures.grid import grid_levels, to_floats_once
from ...comparison.report import Report
from .images import all_images
from .save import workflow_of
from .viewer_files import keep_picture, viewer_with_files

# The outputs that take much memory, by their number.
IMAGES, GRID = 0, 1


def answer(
    cls: Any,
    report: Report,
    words: Mapping[str, int],
    places: Sequence[tuple[str, str]] = (),
    made: Collection[int] = (IMAGES, GRID),
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return a comparison's outputs, and what its node shows.

    Args:
        cls: the node's class; its hidden inputs hold the workflow that is written into every image.
        report: the comparison.
        words: the step counts that words in the step list stand for.
        places: nodes and inputs that hold the step count in the workflow.
        made: which of the large outputs to make, as float32: all images, the grid. None stands for the others.
    """
    text, markdown = json.dumps(report.to_dict(), indent=2), to_markdown(report)
    levels, curve = grid_levels(report), draw_curve(report)
    grid = torch.from_numpy(to_floats_once(levels)).unsqueeze(0) if GRID in made else None
    shown = {
        "images": [keep_picture(levels, workflow_of(cls) or {})],
        "report": [text],
        "viewer": [viewer_with_files(report, places, remarks(report, words))],
        "markdown": [markdown],
        "text": [summary(report, words)],
    }
    steps = report.first.sweet_spot.steps or report.first.reference
    images = all_images(report) if IMAGES in made else None
    outputs = (images, grid, text, steps, markdown, torch.from_numpy(curve).unsqueeze(0), report)
    return outputs, shown
