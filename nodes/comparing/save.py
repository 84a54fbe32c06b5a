"""Returns a comparison's images as ComfyUI outputs, and saves its files in ComfyUI's output folder."""

import json
from pathlib import Path
from typing import Any

import comfy.cli_args
import folder_paths
import torch

from ...comparison.files import save_comparison
from ...comparison.measures.levels import to_floats
from ...comparison.measures.structure import Image
from ...comparison.report import Report


def all_images(report: Report) -> torch.Tensor:
    """Return all images as an IMAGE, one contender after the other, by rising step count."""
    runs = [judged.run for judgement in report.judgements for judged in judgement.runs]
    images = torch.empty((sum(len(run.images) for run in runs), *runs[0].images.shape[1:]), dtype=torch.float32)
    place = 0
    for run in runs:
        # One at a time, so that they are never all in memory twice.
        for image in run.images:
            images[place] = torch.from_numpy(to_floats(image))
            place += 1
    return images


def check_prefix(prefix: str) -> None:
    """Refuse a prefix that would save outside ComfyUI's output folder.

    Raises:
        ValueError: names the input, what is allowed and what was given.
    """
    folder = Path(folder_paths.get_output_directory()).resolve()
    if prefix and not (folder / prefix).resolve().is_relative_to(folder):
        raise ValueError(f"save_prefix: expected a name inside the output folder, got {prefix[:80]!r}")


def save_in_output_folder(cls: Any, report: Report, prefix: str, grid: Image, curve: Image) -> str:
    """Save images, grid, curve and report in the output folder, and return a text that says where.

    Args:
        cls: the node's class; its hidden inputs hold the workflow that is written into every image.
        report: the comparison to save.
        prefix: as in ComfyUI's Save Image; it may contain folders.
        grid: picture of all images.
        curve: picture of the curve.
    """
    height, width = report.first.runs[0].run.images.shape[1:3]
    folder, name, number, subfolder, _ = folder_paths.get_save_image_path(
        prefix, folder_paths.get_output_directory(), width, height
    )
    start = f"{name}_{number:05}"
    saved = save_comparison(Path(folder), start, report, grid, curve, _workflow(cls))
    return f"Saved {saved} images, grid, curve and report as {Path(subfolder, start).as_posix()}_*."


def _workflow(cls: Any) -> dict[str, str] | None:
    """Return the metadata that ComfyUI writes into its own images, or None if metadata is disabled."""
    if comfy.cli_args.args.disable_metadata:
        return None
    entries = {"prompt": json.dumps(cls.hidden.prompt)} if cls.hidden.prompt else {}
    return entries | {name: json.dumps(value) for name, value in (cls.hidden.extra_pnginfo or {}).items()}
