"""A calibration in words, as data, and as a picture."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...words import Message, Messages, spoken
from ..measures.levels import Image, Levels, to_levels
from ..pictures.grid import Column, Line, draw_lines
from ..runs import Run
from .recipe import Recipe
from .references import REFERENCE_STEPS
from .scores import Score
from .search import Calibration, Progress
from .trials import Held

VERSION = 1
_MOST_PICTURES = 8
# With fewer finished images than this, more steps are worth a try.
_GOOD_SHARE = 0.75


def headline(calibration: Calibration) -> Message:
    """Return what was found, in one or two sentences."""
    chosen, before = calibration.chosen, calibration.before
    values = {
        "steps": calibration.wanted.steps,
        "name": chosen.recipe.name,
        "finished": chosen.score.finished,
        "images": chosen.score.images,
        "before": before.recipe.name,
        "before_finished": before.score.finished,
    }
    if calibration.is_gain:
        return Message(
            "calibrated.gain",
            "{steps} step of {name} finishes {finished} of {images} images; {before} finishes {before_finished}. | "
            "{steps} steps of {name} finish {finished} of {images} images; {before} finishes {before_finished}.",
            values,
        )
    return Message(
        "calibrated.none",
        "Nothing beats {name} at {steps} step: it finishes {finished} of {images} images. | "
        "Nothing beats {name} at {steps} steps: they finish {finished} of {images} images.",
        values,
    )


def progress(so_far: Progress, seconds_left: float | None) -> Messages:
    """Return how far a calibration is, in words."""
    calls = {"calls": so_far.calls, "most": so_far.most_calls}
    lines: list[str] = []
    if so_far.best is not None and so_far.score is not None:
        values = {"name": so_far.best.name, "finished": so_far.score.finished, "images": so_far.score.images}
        best = "Best so far: {name} finishes {finished} of {images} images."
        lines.append(Message("calibrating.best", best, values))
    else:
        lines.append(Message("calibrating.references", "Making finished images to compare with."))
    lines.append(Message("calibrating.calls", "{calls} of at most {most} model calls.", calls))
    if seconds_left is not None:
        lines.append(Message("calibrating.left", "About {left} s left.", {"left": f"{seconds_left:.0f}"}))
    return Messages(*lines)


def details(calibration: Calibration) -> list[str]:
    """Return what else the user should know, one sentence each."""
    stock, chosen = calibration.stock, calibration.chosen
    lines: list[str] = []
    if chosen.recipe != stock.recipe:
        best = "The best stock scheduler, {name}, finishes {finished}."
        lines.append(Message("calibrated.stock", best, {"name": stock.recipe.name, "finished": stock.score.finished}))
    if calibration.best.recipe != chosen.recipe:
        refused = "{name} looked best in the search, but not on the images that decide, so it is not used."
        lines.append(Message("calibrated.refused", refused, {"name": calibration.best.recipe.name}))
    if chosen.score.share < _GOOD_SHARE:
        more = "The other images still differ visibly from the finished ones. Try more steps."
        lines.append(Message("calibrated.more", more))
    lines += _at_other_steps(calibration)
    if calibration.left_out:
        left_out = "Left out, because two solvers show different images even with many steps: {count}."
        lines.append(Message("calibrated.left_out", left_out, {"count": len(calibration.left_out)}))
    return [*lines, _calls(calibration)]


def _calls(calibration: Calibration) -> Message:
    calls = {"references": calibration.reference_calls, "search": calibration.search_calls}
    if not calibration.others:
        return Message(
            "calibrated.calls",
            "It took {all} model calls: {references} for finished images to compare with, {search} for the search.",
            {"all": sum(calls.values()), **calls},
        )
    calls["others"] = calibration.other_calls
    return Message(
        "calibrated.all_calls",
        "It took {all} model calls: {references} for finished images to compare with, {search} for the search, "
        "{others} for other step counts.",
        {"all": sum(calls.values()), **calls},
    )


def _at_other_steps(calibration: Calibration) -> list[Message]:
    """Return how many steps the old settings need to be as good, and from which count on most images are finished."""
    if not calibration.others:
        return []
    chosen, rows = calibration.chosen, curve(calibration)
    lines: list[Message] = []
    if calibration.is_gain and max(held.steps for held in rows) > chosen.steps:
        now = [held for held in rows if held.recipe == calibration.before.recipe and held.steps > chosen.steps]
        enough = next((held for held in now if held.score.is_no_worse_than(chosen.score)), None)
        values = {"name": calibration.before.recipe.name}
        as_many = (
            Message("calibrated.as_many", "{name} is as good with {steps} steps.", {**values, "steps": enough.steps})
            if enough
            else Message(
                "calibrated.never_as_many",
                "{name} is not as good with any of the step counts up to {steps}.",
                {**values, "steps": now[-1].steps},
            )
        )
        lines.append(as_many)
    ours = [held for held in rows if held.recipe == chosen.recipe]
    most = next((held for held in ours if held.score.share >= _GOOD_SHARE), None)
    if most:
        values = {"steps": most.steps, "finished": most.score.finished, "images": most.score.images}
        smallest = (
            "Of these step counts, {steps} is the smallest with which most images are finished: {finished} of {images}."
        )
        lines.append(Message("calibrated.smallest", smallest, values))
    return lines


def curve(calibration: Calibration) -> list[Held]:
    """Return what was found, the best stock recipe and what is used now at every step count, by rising count."""
    every = {held.recipe: held for held in (calibration.chosen, calibration.stock, calibration.before)}
    return sorted([*every.values(), *calibration.others], key=lambda held: held.steps)


def to_dict(calibration: Calibration) -> dict[str, Any]:
    """Return it as plain data for JSON; similarities are 0 to 1."""
    wanted = calibration.wanted
    held = {name: _held(getattr(calibration, name)) for name in ("chosen", "before", "stock", "best")}
    return {
        "version": VERSION,
        "steps": wanted.steps,
        "cfg": wanted.cases[0].cfg,
        "visible_below": wanted.visible.below,
        "headline": headline(calibration).to_dict(),
        "is_gain": calibration.is_gain,
        **held,
        "tried": [_recipe(recipe) | _score(score) for recipe, score in calibration.tried],
        "curve": [_held(held) for held in curve(calibration)] if calibration.others else [],
        "cases": len(wanted.cases),
        "left_out": len(calibration.left_out),
        "model_calls": {
            "references": calibration.reference_calls,
            "search": calibration.search_calls,
            "other_steps": calibration.other_calls,
        },
    }


def viewer_data(
    calibration: Calibration, lines: Sequence[str], subfolder: str, keep: Callable[[Levels], str]
) -> dict[str, Any]:
    """Return what the page shows, as plain data for JSON.

    Args:
        calibration: what was found.
        lines: what to say, one line each.
        subfolder: the folder of the image files.
        keep: writes an image, 8-bit levels, into a file there and returns its name.
    """
    chosen, wanted = calibration.chosen, calibration.wanted

    def column(name: str, runs: Sequence[Run], similarity: Sequence[float] = ()) -> dict[str, Any]:
        files = [keep(to_levels(run.images[0])) for run in runs[:_MOST_PICTURES]]
        return {"name": name, "files": files, "similarity": [round(value, 6) for value in similarity[:_MOST_PICTURES]]}

    return {
        "version": VERSION,
        "subfolder": subfolder,
        "lines": [spoken(line) for line in lines],
        "is_gain": calibration.is_gain,
        "settings": {
            "steps": wanted.steps,
            "cfg": wanted.cases[0].cfg,
            "sampler_name": chosen.recipe.sampler_name,
            "scheduler": chosen.recipe.scheduler,
            "by_plan": bool(chosen.recipe.scheduler_options),
        },
        "curve": _table(calibration),
        "columns": [
            *(column(held.recipe.name, held.runs, held.similarity) for held in (calibration.before, chosen)),
            column(f"{REFERENCE_STEPS} steps", [each.run for each in calibration.references]),
        ],
    }


def _table(calibration: Calibration) -> list[dict[str, Any]]:
    """Return a row for each recipe: its name, and its images at every step count. Empty without other step counts."""
    if not calibration.others:
        return []
    rows: dict[Recipe, list[Held]] = {}
    for held in curve(calibration):
        rows.setdefault(held.recipe, []).append(held)
    return [
        {"name": recipe.name, "points": [{"steps": held.steps} | _score(held.score) for held in every]}
        for recipe, every in rows.items()
    ]


def draw(calibration: Calibration) -> Image:
    """Draw what is used now, what was found and the references, side by side, for the images that decide.

    Returns:
        The picture as float32 in [0, 1], shape (height, width, 3).
    """
    steps = calibration.wanted.steps
    finished = np.concatenate([each.run.images for each in calibration.references])[:_MOST_PICTURES]
    columns = [
        _column(f"now: {steps} steps", calibration.before),
        _column(f"calibrated: {steps} steps", calibration.chosen, marked=True),
        Column(f"finished: {REFERENCE_STEPS} steps", "what it should look like", finished),
    ]
    return draw_lines([Line(columns)])


def _column(title: str, held: Held, *, marked: bool = False) -> Column:
    images = np.concatenate([run.images for run in held.runs])[:_MOST_PICTURES]
    detail = f"{held.recipe.name}   {held.score.finished} of {held.score.images} finished"
    return Column(title, detail, images, marked)


def _held(held: Held) -> dict[str, Any]:
    return _recipe(held.recipe) | {"steps": held.steps} | _score(held.score)


def _recipe(recipe: Recipe) -> dict[str, Any]:
    return {
        "name": recipe.name,
        "sampler": recipe.sampler_name,
        "scheduler": recipe.scheduler,
        "shift": recipe.shift,
        "scheduler_options": recipe.scheduler_options,
    }


def _score(score: Score) -> dict[str, Any]:
    return {
        "images": score.images,
        "finished": score.finished,
        "mean_similarity": round(score.mean, 6),
        "worst_similarity": round(score.worst, 6),
    }
