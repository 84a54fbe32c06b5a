"""What a comparison node gives back: its outputs, and what it shows."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from comfy_api.latest import ui

from ...comparison.markdown import remarks, summary, to_markdown
from ...comparison.pictures.chart import draw_curve
from ...comparison.pictures.grid import draw_grid
from ...comparison.report import Report
from .images import all_images
from .viewer_files import viewer_with_files


def answer(
    cls: Any,
    report: Report,
    words: Mapping[str, int],
    places: Sequence[tuple[str, str]] = (),
    *,
    with_images: bool = True,
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return a comparison's outputs, and what its node shows.

    Args:
        cls: the node's class; its hidden inputs hold the workflow that is written into every image.
        report: the comparison.
        words: the step counts that words in the step list stand for.
        places: nodes and inputs that hold the step count in the workflow.
        with_images: whether to make the output with all images, as float32; None stands for it otherwise.
    """
    text, markdown = json.dumps(report.to_dict(), indent=2), to_markdown(report)
    picture, curve = draw_grid(report), draw_curve(report)
    grid = torch.from_numpy(picture).unsqueeze(0)
    shown = {
        **ui.PreviewImage(grid, cls=cls).as_dict(),
        "report": [text],
        "viewer": [viewer_with_files(report, places, remarks(report, words))],
        "markdown": [markdown],
        "text": [summary(report, words)],
    }
    steps = report.first.sweet_spot.steps or report.first.reference
    images = all_images(report) if with_images else None
    outputs = (images, grid, text, steps, markdown, torch.from_numpy(curve).unsqueeze(0), report)
    return outputs, shown
