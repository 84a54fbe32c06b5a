"""`sweetspot sweep`: recommended steps with an interval, over models, ways to sample, prompts and seeds."""

import argparse
import json
import re
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..presets.sources.user import save_preset
from ..sweeps.drive import Placement, drive
from ..sweeps.grid import MANY_CELLS, Sweep, read_sweep
from ..sweeps.store import MissingSweepError, Store
from ..sweeps.summary import Summary, draw_page, summarise
from .demo import MissingExtraError
from .talk import progress
from .user_presets import presets_file

DONE, COULD_NOT, DONE_IN_PART = 0, 1, 4
VERSION = 1


def run_sweep(chosen: argparse.Namespace) -> int:
    """Run what is missing of a sweep, write the summary, and return the exit code.

    Raises:
        MissingExtraError: libraries are missing.
        ValueError: names the option or the key, what is allowed and what came.
        OSError: a file can't be read or written.
    """
    sweep = read_sweep(chosen.file)
    placement = _placement(chosen)
    presets = presets_file(chosen.presets) if chosen.save else None
    if sweep.cells > MANY_CELLS and not chosen.yes:
        raise ValueError(f"--yes: expected with more than {MANY_CELLS} images, got {sweep.cells} in {chosen.file.name}")
    try:
        store = Store(chosen.out)
        made = failed = 0
        if not chosen.summary:
            with progress(quiet=chosen.quiet) as show:
                made, failed = drive(sweep, store, placement, show)
        rows = [row for row in store.rows() if row["key"] in _keys(sweep)]
    except MissingSweepError as error:
        raise MissingExtraError(str(error)) from error
    found = summarise(rows, sweep.threshold, sweep.price)
    _write(found, chosen.out, chosen.file.stem)
    if presets is not None:
        _save(found, sweep, rows, presets)
    _tell(chosen, sweep, found, {"made": made, "failed": failed, "rows": len(rows)}, store.bad)
    return COULD_NOT if not found else DONE_IN_PART if failed or len(rows) < sweep.cells else DONE


def _keys(sweep: Sweep) -> set[str]:
    return {key for task in sweep.tasks() for key in task.keys}


def _placement(chosen: argparse.Namespace) -> Placement:
    if chosen.workers < 0:
        raise ValueError(f"--workers: expected 0 or more, got {chosen.workers}")
    shard = re.fullmatch(r"(\d{1,6})/(\d{1,6})", chosen.shard)
    if not shard or not 1 <= int(shard[1]) <= int(shard[2]):
        raise ValueError(f"--shard: expected e.g. 3/8 for the third of eight, got {chosen.shard!r}")
    images = chosen.out / "images" if chosen.keep_images else None
    return Placement(chosen.workers, chosen.address, chosen.gpus, images, (int(shard[1]), int(shard[2])))


def _write(found: list[Summary], out: Path, name: str) -> None:
    told = {"version": VERSION, "summaries": [asdict(summary) for summary in found]}
    (out / "summary.json").write_text(json.dumps(told, indent=2) + "\n", "utf-8")
    (out / "summary.html").write_text(draw_page(found, f"Sweep {name}"), "utf-8")


def _save(found: list[Summary], sweep: Sweep, rows: list[dict[str, Any]], file: Path) -> None:
    """Save, for each model, the way to sample that is settled with the fewest model calls as its balanced preset."""
    contenders = {contender.name: contender for contender in sweep.contenders}
    for model in sweep.models:
        settled = [each for each in found if each.model == model.name and each.sweet_spot is not None]
        if not settled:
            continue
        best = min(settled, key=_calls)
        contender = contenders[best.contender]
        settings = {
            "steps": best.sweet_spot,
            "cfg": contender.cfg,
            "sampler": contender.sampler,
            "scheduler": contender.scheduler,
        }
        source = f"sweep of {time.strftime('%Y-%m-%d')}: {best.ladders} prompts and seeds, {len(rows)} images"
        name = model.name if Path(model.name).suffix else f"{model.name}.safetensors"
        save_preset(file, name, settings, "balanced", source=source)


def _calls(summary: Summary) -> int:
    return next(point.model_calls for point in summary.points if point.steps == summary.sweet_spot)


def _tell(
    chosen: argparse.Namespace, sweep: Sweep, found: list[Summary], counts: dict[str, int], bad: list[str]
) -> None:
    if chosen.json:
        told = {"version": VERSION, **counts, "cells": sweep.cells, "bad": bad, "out": str(chosen.out)}
        print(json.dumps(told | {"summaries": [asdict(summary) for summary in found]}))
        return
    lines = [summary.text for summary in found]
    if counts["rows"] < sweep.cells:
        lines.append(f"{sweep.cells - counts['rows']} of {sweep.cells} images are missing: the same command goes on")
    if counts["failed"]:
        lines.append(f"{counts['failed']} images failed; the same command tries them again")
    lines += [f"{name} could not be read, was set aside as .bad, and its images ran again" for name in bad]
    print("\n".join([*lines, f"In {chosen.out}: summary.html, summary.json and part-*.parquet"]))
