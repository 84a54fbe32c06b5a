"""A comparison's images, grid, curve and report as ComfyUI's outputs and as files."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import comfy.cli_args
import folder_paths
import torch
from comfy_api.latest import io

from ...comparison.markdown import to_markdown
from ...comparison.measures.levels import to_floats
from ...comparison.measures.structure import Image
from ...comparison.pictures.chart import draw_curve_svg
from ...comparison.pictures.metadata import write_png
from ...comparison.report import Report
from ...comparison.verdict.judge import Judgement
from ..schema import LARGEST_SEED


def all_images(report: Report) -> torch.Tensor:
    """Return all images, series by series in rising order of step counts, as an IMAGE."""
    runs = [run for one in report.judgements for run in one.runs]
    found = torch.empty((sum(len(run.images) for run in runs), *runs[0].images.shape[1:]), dtype=torch.float32)
    place = 0
    for run in runs:
        # One by one, so that they are never all in memory twice.
        for image in run.images:
            found[place] = torch.from_numpy(to_floats(image))
            place += 1
    return found


def as_svg(text: str) -> Any:
    """Return an SVG document as ComfyUI's SVG."""
    return io.SVG.Type([BytesIO(text.encode("utf-8"))])


def check_prefix(prefix: str) -> None:
    """Refuse a prefix that would save outside ComfyUI's output folder.

    Raises:
        ValueError: names the input, what is allowed and what came.
    """
    folder = Path(folder_paths.get_output_directory()).resolve()
    if prefix and not (folder / prefix).resolve().is_relative_to(folder):
        raise ValueError(f"save_prefix: expected a name within the output folder, got {prefix[:80]!r}")


def save_comparison(cls: Any, report: Report, prefix: str, grid: Image, curve: Image) -> str:
    """Save images, grid, curve and report under a prefix in the output folder, and return where, in words.

    Each image is a PNG with its step count, seed and measures (`sweetspot`), the whole report (`sweetspot_report`), and
    the workflow, as ComfyUI's own have it.

    Args:
        cls: the node's class, whose hidden inputs hold the workflow.
        report: what is saved.
        prefix: as of ComfyUI's Save Image: it may name folders.
        grid: picture of all images.
        curve: picture of the curve.
    """
    height, width = report.first.runs[0].images.shape[1:3]
    folder, name, number, subfolder, _ = folder_paths.get_save_image_path(
        prefix, folder_paths.get_output_directory(), width, height
    )
    start = f"{name}_{number:05}"
    told = report.to_dict()
    common = _workflow(cls)
    if not comfy.cli_args.args.disable_metadata:
        common["sweetspot_report"] = json.dumps(told)
    saved = 0
    for place, one in enumerate(report.judgements):
        saved += _save_images(Path(folder), start, one, place, common)
    write_png(Path(folder, f"{start}_grid.png"), grid, common)
    write_png(Path(folder, f"{start}_curve.png"), curve, common)
    Path(folder, f"{start}_curve.svg").write_text(draw_curve_svg(report), "utf-8")
    Path(folder, f"{start}_report.json").write_text(json.dumps(told, indent=2) + "\n", "utf-8")
    Path(folder, f"{start}_report.md").write_text(to_markdown(report), "utf-8")
    return f"Saved {saved} images, grid, curve and report as {Path(subfolder, start).as_posix()}_*."


def _save_images(folder: Path, start: str, judgement: Judgement, place: int, common: dict[str, str]) -> int:
    saved = 0
    series = f"_{judgement.settings.sampler}_{judgement.settings.scheduler}" if place else ""
    per_seed = len(judgement.own) // judgement.settings.seeds
    for run, measured in zip(judgement.runs, judgement.measured, strict=True):
        for number, image in enumerate(run.images):
            about = {
                "steps": run.steps,
                "seed": (judgement.settings.seed + number // per_seed) % (LARGEST_SEED + 1),
                "image": number % per_seed,
                "sampler": judgement.settings.sampler,
                "scheduler": judgement.settings.scheduler,
                "cfg": judgement.settings.cfg,
                "similarity": round(measured[number].similarity, 6),
                "sweet_spot": judgement.sweet_spot.steps,
            }
            entries = common | ({"sweetspot": json.dumps(about)} if common else {})
            write_png(folder / f"{start}{series}_{place}_{run.steps}_steps_{number}.png", image, entries)
            saved += 1
    return saved


def _workflow(cls: Any) -> dict[str, str]:
    """Return what ComfyUI's own images say of how they were made; nothing where it is told not to."""
    if comfy.cli_args.args.disable_metadata:
        return {}
    entries = {"prompt": json.dumps(cls.hidden.prompt)} if cls.hidden.prompt else {}
    return entries | {name: json.dumps(value) for name, value in (cls.hidden.extra_pnginfo or {}).items()}
