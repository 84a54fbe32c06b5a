"""`sweetspot sweep`: recommended steps with an interval, over models, ways to sample, prompts and seeds."""

import argparse
import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..presets.sources.user import save_preset
from ..sweeps.drive import Placement, default_gpus, drive
from ..sweeps.grid import MANY_CELLS, Sweep, read_sweep
from ..sweeps.store import MissingSweepError, Store
from ..sweeps.summary import Summary, draw_page, summarise
from .demo import MissingExtraError, need
from .talk import progress
from .user_presets import presets_file

DONE, COULD_NOT, DONE_IN_PART = 0, 1, 4
VERSION = 1
# What a shell reports of a program that was ended.
_TERMINATED = 143


def run_sweep(chosen: argparse.Namespace) -> int:
    """Run what is missing of a sweep, write the summary, and return the exit code.

    Raises:
        MissingExtraError: libraries are missing.
        ValueError: names the option or the key, what is allowed and what came.
        OSError: a file can't be read or written.
    """
    _check_options(chosen)
    sweep = read_sweep(chosen.file)
    if sweep.needs_transformers:
        need(("transformers",), "reading models", "diffusers")
    placement = _placement(chosen)
    presets = presets_file(chosen.presets) if chosen.save else None
    if sweep.cells > MANY_CELLS and not (chosen.yes or chosen.summary):
        raise ValueError(f"--yes: expected with more than {MANY_CELLS} images, got {sweep.cells} in {chosen.file.name}")
    try:
        store = Store(chosen.out)
        made = 0
        if not chosen.summary:
            with progress(quiet=chosen.quiet) as show, _ending_in_order():
                made, _ = drive(sweep, store, placement, show)
        number, parts = placement.shard
        wanted = {key for task in sweep.tasks()[number - 1 :: parts] for key in task.keys}
        rows = [row for row in store.rows() if row["key"] in wanted]
    except MissingSweepError as error:
        raise MissingExtraError(str(error)) from error
    found = summarise(rows, sweep.threshold, sweep.price)
    name = "summary" if parts == 1 else f"summary-{number}-of-{parts}"
    _write(found, chosen.out, name)
    if presets is not None:
        _save(found, sweep, presets)
    errors = [row["error"] for row in rows if row["error"]]
    counts = {"made": made, "failed": len(errors), "rows": len(rows), "cells": len(wanted)}
    _tell(chosen, found, name, counts, {"bad": store.bad, "error": next(iter(errors), "")})
    good = len(rows) - len(errors)
    return COULD_NOT if wanted and not good else DONE_IN_PART if good < len(wanted) else DONE


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Let a batch system's signal end the sweep like Ctrl+C, so that what is finished is written."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _check_options(chosen: argparse.Namespace) -> None:
    """Refuse options that would have no effect."""
    for name, needed, there in (
        ("gpus", "--workers", chosen.workers),
        ("address", "--workers", chosen.workers),
        ("presets", "--save", chosen.save),
    ):
        if getattr(chosen, name) and not there:
            raise ValueError(f"--{name}: expected with {needed}, got {getattr(chosen, name)} without it")
    if chosen.save and chosen.shard != "1/1":
        raise ValueError(f"--save: expected with all parts, after them with --summary; got --shard {chosen.shard}")
    if chosen.workers < 0:
        raise ValueError(f"--workers: expected 0 or more, got {chosen.workers}")


def _placement(chosen: argparse.Namespace) -> Placement:
    shard = re.fullmatch(r"(\d{1,6})/(\d{1,6})", chosen.shard)
    if not shard or not 1 <= int(shard[1]) <= int(shard[2]):
        raise ValueError(f"--shard: expected e.g. 3/8 for the third of eight, got {chosen.shard!r}")
    images = Path(os.path.abspath(chosen.out)) / "images" if chosen.keep_images else None  # noqa: PTH100 - as given
    gpus = default_gpus() if chosen.gpus is None and chosen.workers else chosen.gpus or 0.0
    return Placement(chosen.workers, chosen.address, gpus, images, (int(shard[1]), int(shard[2])))


def _write(found: list[Summary], out: Path, name: str) -> None:
    told = {"version": VERSION, "summaries": [asdict(summary) for summary in found]}
    texts = {".json": json.dumps(told, indent=2) + "\n", ".html": draw_page(found, "Sweep")}
    for ending, text in texts.items():
        unfinished = out / f".{name}{ending}.{os.getpid()}"
        unfinished.write_text(text, "utf-8")
        unfinished.replace(out / f"{name}{ending}")


def _save(found: list[Summary], sweep: Sweep, file: Path) -> None:
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
        more = {"shift": model.shift, "guidance": model.guidance}
        settings |= {name: value for name, value in more.items() if value is not None}
        source = (
            f"sweep of {time.strftime('%Y-%m-%d')}: {best.ladders} images of each of {len(best.points)} step counts"
        )
        name = model.name if Path(model.name).suffix else f"{model.name}.safetensors"
        save_preset(file, name, settings, "balanced", source=source)


def _calls(summary: Summary) -> int:
    return next(point.model_calls for point in summary.points if point.steps == summary.sweet_spot)


def _tell(
    chosen: argparse.Namespace, found: list[Summary], name: str, counts: dict[str, int], said: dict[str, Any]
) -> None:
    if chosen.json:
        told = {"version": VERSION, **counts, **said, "out": str(chosen.out)}
        print(json.dumps(told | {"summaries": [asdict(summary) for summary in found]}))
        return
    lines = [summary.text for summary in found]
    if counts["rows"] < counts["cells"]:
        lines.append(f"{counts['cells'] - counts['rows']} of {counts['cells']} images are missing")
    if counts["failed"]:
        lines.append(f"{counts['failed']} images failed, e.g. {said['error']}. The same command tries them again")
    lines += [f"{part} could not be read and was set aside as .bad" for part in said["bad"]]
    print("\n".join([*lines, f"In {chosen.out}: {name}.html, {name}.json and part-*.parquet"]))
