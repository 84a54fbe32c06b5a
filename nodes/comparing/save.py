"""Saves a comparison's files in ComfyUI's output folder."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import comfy.cli_args
import folder_paths

from ...comparison.files import save_comparison
from ...comparison.report import Report

# As long as what is added to a name: sampler, scheduler, and numbers.
_LONGEST_ENDING = "_00000_exp_heun_2_x0_sde_linear_quadratic_00_10000_steps_000.png"


def check_prefix(prefix: str) -> None:
    """Refuse a prefix under which nothing can be saved in ComfyUI's output folder, by trying it.

    Raises:
        ValueError: names the input, what is allowed and what was given.
    """
    folder = Path(folder_paths.get_output_directory()).resolve()
    if not (folder / prefix).resolve().is_relative_to(folder):
        raise ValueError(f"filename_prefix: expected a name inside the output folder, got {prefix[:80]!r}")
    try:
        _try_writing(prefix)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ValueError(
            f"filename_prefix: expected a name under which the output folder can be written, got {prefix[:80]!r} "
            f"({why})"
        ) from error


def _try_writing(prefix: str) -> None:
    place, name, *_ = folder_paths.get_save_image_path(prefix, folder_paths.get_output_directory(), 1, 1)
    trial = Path(place, name + _LONGEST_ENDING)
    trial.write_bytes(b"sweetspot")
    trial.unlink()


def save_in_output_folder(cls: Any, report: Report, prefix: str, parts: Collection[str]) -> list[dict[str, str]]:
    """Save a comparison in the output folder and return its files as ComfyUI lists them.

    Args:
        cls: the node's class; its hidden inputs hold the workflow that is written into every image.
        report: the comparison to save.
        prefix: as in ComfyUI's Save Image; it may contain folders.
        parts: what to save, of `comparison.files.PARTS`.

    Raises:
        OSError: if a file can't be written.
    """
    height, width = report.first.runs[0].run.images.shape[1:3]
    folder, name, number, subfolder, _ = folder_paths.get_save_image_path(
        prefix, folder_paths.get_output_directory(), width, height
    )
    files = save_comparison(Path(folder), f"{name}_{number:05}", report, workflow_of(cls), parts)
    return [{"filename": file, "subfolder": subfolder, "type": "output"} for file in files]


def workflow_of(cls: Any) -> dict[str, str] | None:
    """Return the metadata that ComfyUI writes into its own images, or None if metadata is disabled."""
    if comfy.cli_args.args.disable_metadata:
        return None
    entries = {"prompt": json.dumps(cls.hidden.prompt)} if cls.hidden.prompt else {}
    return entries | {name: json.dumps(value) for name, value in (cls.hidden.extra_pnginfo or {}).items()}
