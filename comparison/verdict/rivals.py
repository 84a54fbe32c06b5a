"""Ranks several series of one comparison: which one comes closest to the converged image with the same steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...samplers.stochastic import DETERMINISTIC, OWN_STEPS, injects_noise
from ..runs import Run
from .judgement import Judgement
from .measuring import Measuring
from .pooling import pooled


@dataclass(frozen=True)
class RankedRun:
    """How close one run comes to the common converged image."""

    name: str
    steps: int
    model_calls: int
    seconds: float
    similarity: float


@dataclass(frozen=True)
class Ranking:
    """Several series against one common converged image.

    Attributes:
        end: name and step count of the run that is used as the converged image; None if none has converged.
        runs: every ranked run.
        nearest: the closest run at each step count that several series have.
        left_out: why a series was not ranked, by its name.
    """

    end: tuple[str, int] | None
    runs: tuple[RankedRun, ...]
    nearest: tuple[RankedRun, ...]
    left_out: Mapping[str, str]


def rank(judgements: Sequence[Judgement], measuring: Measuring) -> Ranking | None:
    """Return how close each series' runs come to one common converged image; None if there is only one series.

    Samplers that inject no noise solve the same equation if model, guidance, seed and starting level are the same, so
    they converge to the same image. The run that is closest to it by its own estimate is used in its place, if it has
    converged. Other series are not ranked: their images are meant to differ.

    Args:
        judgements: one for each series.
        measuring: measures the images.
    """
    if len(judgements) < 2:
        return None
    own = {judgement.settings.name: _why_no_end(judgement) for judgement in judgements}
    first = next((judgement for judgement in judgements if not own[judgement.settings.name]), None)
    left_out = {
        judgement.settings.name: why
        for judgement in judgements
        if (why := own[judgement.settings.name] or (_why_another(judgement, first) if first else ""))
    }
    ranked = [judgement for judgement in judgements if judgement.settings.name not in left_out]
    converged = [judgement for judgement in ranked if _trust(judgement) >= judgement.settings.visible.below]
    if len(ranked) < 2 or not converged:
        return Ranking(None, (), (), left_out)
    end = max(converged, key=_trust)
    runs = tuple(
        RankedRun(judgement.settings.name, run.steps, run.model_calls, run.seconds, pooled(alike))
        for judgement in ranked
        for run, alike in _alike(judgement, end.reference_run, measuring)
    )
    return Ranking((end.settings.name, end.reference), runs, _nearest(runs, end.reference), left_out)


def _alike(judgement: Judgement, end: Run, measuring: Measuring) -> list[tuple[Run, list[float]]]:
    runs = [judged.run for judged in judgement.runs]
    return list(zip(runs, measuring.similarity(runs, end), strict=True))


def _why_no_end(judgement: Judgement) -> str:
    """Return why a series does not converge to the same image as any other; empty if it can."""
    sampler = judgement.settings.sampler
    if injects_noise(sampler):
        return f"{sampler} injects noise, so it does not converge to the same image as the others"
    if sampler in OWN_STEPS:
        return f"{sampler} chooses its own steps, so its step counts mean something else"
    if sampler not in DETERMINISTIC or sampler.endswith("_cfg_pp"):
        return f"{sampler} follows its own equation, so it may converge to a different image"
    if judgement.settings.trained_steps is not None:
        return "a distilled model's images do not converge as steps are added"
    return ""


def _why_another(judgement: Judgement, first: Judgement) -> str:
    """Return why a series converges to a different image than the first one; empty if it is the same image."""
    if judgement.settings.cfg != first.settings.cfg:
        cfg, of_first = (number or 0.0 for number in (judgement.settings.cfg, first.settings.cfg))
        return f"cfg {cfg:g} gives different images than cfg {of_first:g}"
    same_start = judgement.settings.same_start and judgement.settings.scheduler == first.settings.scheduler
    if first.settings.denoise < 1 and judgement is not first and not same_start:
        return f"with denoise {first.settings.denoise:g} it starts at a different noise level"
    return ""


def _trust(judgement: Judgement) -> float:
    """Return how close a series' reference is to the converged image by its own estimate; -1 without an estimate."""
    return judgement.reference_similarity if judgement.reference_similarity is not None else -1.0


def _nearest(runs: Sequence[RankedRun], end: int) -> tuple[RankedRun, ...]:
    """Return the best run at each step count that several series have, except that of the converged image itself."""
    counts = sorted({run.steps for run in runs} - {end})
    rivals = [[run for run in runs if run.steps == count] for count in counts]
    return tuple(max(of_count, key=lambda run: run.similarity) for of_count in rivals if len(of_count) > 1)
