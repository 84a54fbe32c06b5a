"""Several series of one comparison against each other: which sampler comes nearest to the end with the same steps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...samplers.stochastic import DETERMINISTIC, injects_noise
from ..measures.levels import to_floats
from ..measures.structure import Image, structure
from ..runs import Run
from .judge import pooled
from .judgement import Judgement
from .sweet_spot import VISIBLE_SSIM


@dataclass(frozen=True)
class RankedRun:
    """How near one run comes to the common end."""

    name: str
    steps: int
    model_calls: int
    seconds: float
    similarity: float


@dataclass(frozen=True)
class Ranking:
    """Several series against one common end.

    Attributes:
        end: name and step count of the run that stands for the end; None where none has converged.
        runs: every ranked run.
        nearest: the nearest one at each step count that several series have.
        left_out: why a series was not ranked, by its name.
    """

    end: tuple[str, int] | None
    runs: tuple[RankedRun, ...]
    nearest: tuple[RankedRun, ...]
    left_out: Mapping[str, str]


def rank(judgements: Sequence[Judgement], watch: Callable[[], None] = lambda: None) -> Ranking | None:
    """Return how near each series' runs come to one common end, None where there is only one series.

    Samplers without noise of their own solve the same equation where model, guidance, seed and starting level are the
    same. They have one end, and the run that is nearest to it by its own estimate stands for it, if it has converged.
    Others are not ranked: their images differ on purpose.

    Args:
        judgements: one for each series.
        watch: called for each image; may raise, to end it.
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
    converged = [judgement for judgement in ranked if _trust(judgement) >= VISIBLE_SSIM]
    if len(ranked) < 2 or not converged:
        return Ranking(None, (), (), left_out)
    end = max(converged, key=_trust)
    images = [to_floats(image) for image in end.reference_run.images]
    runs = tuple(
        _ranked(judgement.settings.name, judged.run, images, watch) for judgement in ranked for judged in judgement.runs
    )
    return Ranking((end.settings.name, end.reference), runs, _nearest(runs, end.reference), left_out)


def _ranked(name: str, run: Run, ends: Sequence[Image], watch: Callable[[], None]) -> RankedRun:
    alike = []
    for image, end in zip(run.images, ends, strict=True):
        watch()
        alike.append(structure(to_floats(image), end).similarity)
    return RankedRun(name, run.steps, run.model_calls, run.seconds, pooled(alike))


def _why_no_end(one: Judgement) -> str:
    """Return why a series has no end in common with any other; empty where it has."""
    sampler = one.settings.sampler
    if injects_noise(sampler):
        return f"{sampler} injects noise: it has no end in common with others"
    if sampler not in DETERMINISTIC or sampler.endswith("_cfg_pp"):
        return f"{sampler} follows an equation of its own"
    if one.settings.trained_steps is not None:
        return "a distilled model's images have no end to come near to"
    return ""


def _why_another(one: Judgement, first: Judgement) -> str:
    """Return why a series has another end than the first one; empty where it is the same."""
    if one.settings.cfg != first.settings.cfg:
        return f"cfg {one.settings.cfg:g} makes other images than cfg {first.settings.cfg:g}"
    starts_alike = one.settings.same_start and one.settings.scheduler == first.settings.scheduler
    if first.settings.denoise < 1 and one is not first and not starts_alike:
        return f"with a denoise of {first.settings.denoise:g} it starts at another noise level"
    return ""


def _trust(one: Judgement) -> float:
    """Return how near to the end a series' reference is by its own estimate; -1 where there is none."""
    return one.reference_similarity if one.reference_similarity is not None else -1.0


def _nearest(runs: Sequence[RankedRun], end: int) -> tuple[RankedRun, ...]:
    """Return the best run of each step count that several series have, except the end's own, which is no contest."""
    counts = sorted({run.steps for run in runs} - {end})
    rivals = [[run for run in runs if run.steps == count] for count in counts]
    return tuple(max(of_count, key=lambda run: run.similarity) for of_count in rivals if len(of_count) > 1)
