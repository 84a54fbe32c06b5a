"""Returns a comparison's images as ComfyUI outputs, and saves its files in ComfyUI's output folder."""

import json
import logging
from pathlib import Path
from typing import Any

import comfy.cli_args
import folder_paths
import torch

from ...comparison.files import save_comparison
from ...comparison.measures.levels import Image, to_floats
from ...comparison.report import Report

# As long as what is added to a name: sampler, scheduler, and numbers.
_LONGEST_ENDING = "_00000_exp_heun_2_x0_sde_linear_quadratic_00_10000_steps_000.png"

log = logging.getLogger("sweetspot.nodes.comparing.save")


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
    """Refuse a prefix under which nothing can be saved in ComfyUI's output folder, by trying it.

    Raises:
        ValueError: names the input, what is allowed and what was given.
    """
    folder = Path(folder_paths.get_output_directory()).resolve()
    if prefix and not (folder / prefix).resolve().is_relative_to(folder):
        raise ValueError(f"save_prefix: expected a name inside the output folder, got {prefix[:80]!r}")
    try:
        if prefix:
            _try_writing(prefix)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ValueError(
            f"save_prefix: expected a name under which the output folder can be written, got {prefix[:80]!r} ({why})"
        ) from error


def _try_writing(prefix: str) -> None:
    place, name, *_ = folder_paths.get_save_image_path(prefix, folder_paths.get_output_directory(), 1, 1)
    trial = Path(place, name + _LONGEST_ENDING)
    trial.write_bytes(b"sweetspot")
    trial.unlink()


def saved_or_why_not(cls: Any, report: Report, prefix: str, grid: Image, curve: Image) -> str:
    """Save everything and return a text that says where, or why not: a finished comparison must still be shown."""
    try:
        return save_in_output_folder(cls, report, prefix, grid, curve)
    except OSError as error:
        log.exception("The comparison was not saved as %s", prefix)
        return f"Warning: this comparison was not saved as {prefix} ({error.strerror or error})."


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
