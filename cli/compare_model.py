"""Compares step counts of a model on diffusers."""

import argparse
import logging
import os
import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..comparison.contenders import Contender
from ..comparison.report import Report
from ..comparison.rounds import Question, check_contenders, compare
from ..comparison.runs import LARGEST_SEED, Sampling
from ..comparison.step_counts import parse_step_counts
from ..presets.plan import UNKNOWN, StepPlan
from ..presets.recognition.evidence import Evidence
from ..presets.recognition.recognise import recognise_all
from .compared import Compared, question_of
from .contenders import parse_contenders
from .demo import MissingExtraError
from .talk import Progress

DEMO = "demo"
_DEMO_SIZE = (128, 128)

log = logging.getLogger("sweetspot.cli")


def compare_model(chosen: argparse.Namespace, show: Progress) -> Compared:
    """Compare step counts of a diffusers folder, a model file with `--config`, or `demo`.

    Args:
        chosen: the command line.
        show: shows progress.

    Raises:
        MissingExtraError: libraries are missing.
        ValueError: names the option, what is allowed and what came.
    """
    from ..engines.diffusers import DiffusersEngine, Scene
    from ..engines.finished_runs import FinishedRuns

    steps = parse_step_counts(chosen.steps, "--steps")
    if chosen.seed < 0 or chosen.seed > LARGEST_SEED:
        raise ValueError(f"--seed: expected 0 to {LARGEST_SEED}, got {chosen.seed}")
    size = _size(chosen.size)
    model = _loaded(chosen)
    plans = _plans(chosen, model)
    counts_by_word = {quality: plan.steps for quality, plan in plans.items()} if steps.words else {}
    if counts_by_word and plans["balanced"].variant == UNKNOWN:
        raise ValueError("--steps: expected numbers, because this model isn't recognised; got draft, balanced or best")
    scene = Scene(
        (chosen.prompt,), chosen.negative, size or _usual_size(chosen, model), chosen.length, frames=chosen.frames
    )
    guidance = plans["balanced"].guidance if chosen.guidance is None else chosen.guidance
    if chosen.guidance is not None and not model.convention.guidance:
        raise ValueError(f"--guidance: expected none, because {model.name} has no distilled guidance; got {guidance:g}")
    about = {"model": _files(chosen), "place": model.place, "offload": chosen.offload, "shift": chosen.shift}
    finished = FinishedRuns(chosen.out / "runs", about | {"guidance": guidance}, fresh=chosen.fresh)
    contenders, notes = _contenders(chosen, plans["balanced"], has_cfg=model.has_cfg)
    engine = DiffusersEngine(model, scene, guidance, finished, show, notes)
    check_contenders(engine, contenders)
    question = question_of(chosen, steps.resolved(counts_by_word), auto=steps.auto)
    report, left_out = _compared(engine, contenders, question)
    return Compared(report, counts_by_word, left_out)


def _compared(engine: Any, contenders: Sequence[Contender], question: Question) -> tuple[Report, dict[int, str]]:
    """Compare; a step count for which the memory is not enough is left out."""
    from ..engines.diffusers import OutOfMemoryError

    left_out: dict[int, str] = {}
    while True:
        try:
            return compare(engine, contenders, question), left_out
        except OutOfMemoryError as error:
            question = _without(error, contenders, question, left_out)
            log.warning("%s. Going on without it.", error)


def _without(error: Any, contenders: Sequence[Contender], question: Question, left_out: dict[int, str]) -> Question:
    """Return the question without the count, or without the check, for which the memory is not enough.

    A check has a sampler of its own.
    """
    is_new = error.steps not in left_out and (error.steps in question.counts or question.auto)
    own = {contender.sampling.sampler_name for contender in contenders}
    if error.sampler_name not in own or not is_new:
        if not question.check:
            raise ValueError(str(error)) from error
        return replace(question, check=False)
    left_out[error.steps] = str(error)
    counts = [count for count in question.counts if count not in left_out]
    if not counts:
        raise ValueError(str(error)) from error
    return replace(question, counts=counts, possible=lambda count: count not in left_out)


def _loaded(chosen: argparse.Namespace) -> Any:
    from ..engines.load_pipeline import MissingLibraryError, device_of, load_pipeline

    if str(chosen.model) == DEMO:
        for name in ("config", "dtype"):
            if getattr(chosen, name):
                raise ValueError(f"--{name}: expected none for the demo model, got {getattr(chosen, name)}")
        from ..demo.load import load_model

        return load_model(device_of(chosen.device or "cpu"), 1.0 if chosen.shift is None else chosen.shift)
    from ..engines.diffusers import DiffusersModel

    try:
        pipeline = load_pipeline(chosen.model, chosen.config, chosen.device, chosen.dtype, chosen.offload)
    except MissingLibraryError as error:
        raise MissingExtraError(str(error)) from error
    return DiffusersModel(pipeline, shift=chosen.shift)


def _plans(chosen: argparse.Namespace, model: Any) -> dict[str, StepPlan]:
    """Return the recommended settings for each quality, by the pipeline's class and the name of the file or folder."""
    if str(chosen.model) == DEMO:
        from ..demo.load import recommended

        return {quality: recommended(quality) for quality in ("draft", "balanced", "best")}
    prediction = {"epsilon": "EPS", "v_prediction": "V_PREDICTION"}.get(model.prediction, "FLOW")
    name = _name(chosen.model) if chosen.model.is_file() else f"{_name(chosen.model)}.safetensors"
    evidence = Evidence(model.convention.architecture(model.pipeline), prediction=prediction, files=(name,))
    found = recognise_all(evidence)
    log.info("%s", found["balanced"].text)
    return {quality: recognition.plan for quality, recognition in found.items()}


def _contenders(chosen: argparse.Namespace, plan: StepPlan, *, has_cfg: bool) -> tuple[list[Contender], list[str]]:
    """Return the contenders, and what the user should know about settings that were not taken over."""
    from ..engines.diffusers import SCHEDULERS, SOLVERS

    cfg = (plan.cfg if has_cfg else 1.0) if chosen.cfg is None else chosen.cfg
    sampler, notes = _available("sampler", chosen.sampler, plan.sampler_name, SOLVERS, "euler")
    scheduler, more = _available("scheduler", chosen.scheduler, plan.scheduler, SCHEDULERS, "simple")
    sampling = Sampling(chosen.seed, cfg, sampler, scheduler)
    # A plan's exact noise levels are for its own settings.
    own_plan = plan if not chosen.scheduler and chosen.shift is None and not (notes or more) else None
    source = _name(chosen.model)
    own = Contender(sampling, own_plan, plan.trained_steps, variant=plan.variant, source=source)
    others = [
        replace(own, plan=None, sampling=replace(sampling, sampler_name=sampler, scheduler=scheduler))
        for sampler, scheduler in parse_contenders(chosen.also)
    ]
    return [own, *others], [*notes, *more]


def _available(what: str, given: str, wanted: str, known: Collection[str], usual: str) -> tuple[str, list[str]]:
    """Return the given value, else the recommended one if this engine has it, else the usual one and a note."""
    if given or wanted in known:
        return given or wanted, []
    note = f"The recommended {what}, {wanted}, is not available on diffusers, so {usual} was used."
    log.warning("%s", note)
    return usual, [note]


def _name(model: Path) -> str:
    """Return a file's or folder's own name, not that of what it links to."""
    return Path(os.path.abspath(model)).name  # noqa: PTH100 - resolve() follows links


def _size(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    found = re.fullmatch(r"(\d{1,5})\s*[xX×]\s*(\d{1,5})", text.strip())
    if not found:
        raise ValueError(f"--size: expected width x height in pixels, e.g. 1024x768; got {text[:40]!r}")
    return int(found[1]), int(found[2])


def _usual_size(chosen: argparse.Namespace, model: Any) -> tuple[int, int]:
    return _DEMO_SIZE if str(chosen.model) == DEMO else model.convention.default


def _files(chosen: argparse.Namespace) -> list[list[Any]]:
    """Return what tells whether a model's files are the same as before: names, sizes and times."""
    found = []
    for place in filter(None, (chosen.model, chosen.config)):
        files = [place] if place.is_file() else sorted(place.rglob("*")) if place.is_dir() else []
        found += [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in files if file.is_file()]
    return found or [[str(chosen.model), 0, 0]]
