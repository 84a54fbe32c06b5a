"""Measures all images of a series against its reference and finds the sweet spot."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from itertools import pairwise
from typing import Any

import numpy as np

from ...samplers.stochastic import OWN_STEPS, injects_noise, why_no_sweet_spot
from ..measures.colour import delta_e
from ..measures.levels import to_floats
from ..measures.own import NAMES, settled_from, statistics
from ..measures.structure import Image, psnr, rms, structure
from ..measures.visibility import THRESHOLDS, Look
from ..runs import Run, Series, Settings
from .convergence import Convergence, can_extrapolate, choose_triple, estimate_convergence, reference_similarity
from .judgement import MEANS, Estimate, JudgedRun, Judgement, Measured, Measurements
from .knee import find_knee
from .second_opinion import Check, Opinion
from .sweet_spot import SweetSpot, difference_of, find_sweet_spot, find_trained_sweet_spot, smallest_enough

# At most this share of the images may be less similar than the pooled value, rounded down: one of ten, none of nine.
_OUTLIERS = 0.1
_FEW_IMAGES = 4
# Orders that solvers have. An estimate outside this range shows that the runs have too few steps for a regular decay.
_PLAUSIBLE = (0.9, 4.0)
# Images that differ by less than one of 256 levels count as equal: the rest is rounding.
_LEAST_DISTANCE = 1 / 255


def pooled(values: Sequence[float]) -> float:
    """Return the value that nine of ten images reach; for up to nine images, the lowest."""
    return sorted(values)[math.floor(_OUTLIERS * len(values))]


def judge(
    series: Series,
    watch: Callable[[], None] = lambda: None,
    measurements: Measurements | None = None,
    device: str = "cpu",
    opinion: Opinion | None = None,
) -> Judgement:
    """Measure every run's images against those of the reference and find the sweet spot.

    The reference is the largest step count; for a distilled model, the largest one that it was trained for.

    Args:
        series: the runs.
        watch: called for each image; may raise to stop measuring.
        measurements: earlier measurements of these runs. They are reused, and new ones are added.
        device: the torch device that measures.
        opinion: the check run; None without one.

    Raises:
        ValueError: if there is no run, or the images differ in shape or number.
    """
    if not series.runs:
        raise ValueError("runs: expected at least one, got none")
    settings = series.settings
    runs = tuple(sorted(series.runs, key=lambda run: run.steps))
    counts = [run.steps for run in runs]
    reference = _reference(runs, settings.trained_steps)
    visible = THRESHOLDS[settings.visible]
    ends = [_End(to_floats(image), device) for image in reference.images]
    measurements = {} if measurements is None else measurements
    measured = tuple(_measure(run, reference, ends, watch, measurements) for run in runs)
    table = np.array([[image.similarity for image in images] for images in measured])
    estimate, end_similarity = _estimate(runs, table, settings)
    checked = zip(ends, opinion.run.images, strict=True) if opinion else ()
    agreement = [end.similarity(to_floats(image)) for end, image in checked]
    check = _checked(opinion, pooled(agreement), visible) if opinion else None
    if check is not None and check.agrees:
        # The reference is as near to the end as the better of both says.
        end_similarity = [max(pair) for pair in zip(end_similarity or agreement, agreement, strict=True)]
    settled = settled_from(counts, np.array([[_statistics(image) for image in images] for images in measured]))
    similarity = [pooled(row) for row in table.tolist()]
    verdict = _verdict(counts, similarity, settings, pooled(end_similarity) if end_similarity else None)
    verdict = _tempered(_after_check(verdict, check, settings, reference.steps, estimate), runs, estimate)
    own = [_verdict(counts, column, settings, near).steps for column, near in _columns(table, end_similarity)]
    if estimate is not None and verdict.steps is not None:
        # The sweet spot is known, so there is no need to recommend a larger count.
        estimate = replace(estimate, enough_at=None)
    enough_for = _enough_for(counts, table, reference.steps, visible)
    return Judgement(
        settings,
        tuple(map(_judged, runs, measured, similarity, enough_for)),
        reference.steps,
        _with_statistics(verdict, settled, settings, len(own)),
        tuple(own),
        _reference_similarity(end_similarity, check),
        estimate,
        _knee(counts, similarity, settings, verdict),
        settled,
        check,
    )


def _reference_similarity(end_similarity: list[float] | None, check: Check | None) -> float | None:
    if check is not None and not check.agrees:
        return check.similarity
    return pooled(end_similarity) if end_similarity else None


def _checked(opinion: Opinion, similarity: float, visible: float) -> Check:
    run = opinion.run
    return Check(opinion.sampling.sampler_name, run.steps, run.model_calls, similarity, similarity >= visible)


def _after_check(
    verdict: SweetSpot, check: Check | None, settings: Settings, reference: int, estimate: Estimate | None
) -> SweetSpot:
    """Return the verdict after a second opinion: withdrawn if the check run shows another picture."""
    if check is None:
        return _unchecked(verdict, settings)
    if not check.agrees:
        why = (
            f"Not reached: {reference} steps of {settings.sampler} still look different from a check with another "
            f"solver and schedule ({check.sampler}, {check.steps} steps; similarity {100 * check.similarity:.1f} %). "
            f"Add larger step counts, or try {check.sampler}."
        )
        return SweetSpot(None, why, "high" if check.is_far else "medium")
    alone = estimate is None or estimate.reference_similarity < THRESHOLDS[settings.visible]
    if verdict.confidence == "high" and (alone or check.is_close_call):
        # Only the check says that the reference has converged, or it only just says so.
        return replace(verdict, confidence="medium")
    return verdict


class _End:
    """A reference image, prepared for being compared with."""

    def __init__(self, image: Image, device: str) -> None:
        self.image, self._device = image, device
        self._look: Look | None = None

    def similarity(self, image: Image) -> float:
        self._look = self._look or Look.of(self.image, self._device)
        return Look.of(image, self._device).similarity(self._look)


def _judged(run: Run, measured: tuple[Measured, ...], similarity: float, enough_for: int) -> JudgedRun:
    # Averages the errors, not the PSNRs: an equal image has an infinite PSNR.
    error = float(np.mean([10 ** (-image.psnr / 10) for image in measured]))
    columns = {name: [getattr(image, name) for image in measured] for name in MEANS}
    return JudgedRun(
        run,
        measured,
        similarity,
        -10 * math.log10(error) if error else None,
        min(image.worst_tile for image in measured),
        {name: None if None in values else float(np.mean(values)) for name, values in columns.items()},
        enough_for,
    )


def _enough_for(counts: Sequence[int], table: Any, reference: int, visible: float) -> list[int]:
    """Return, for each count, for how many images it and all larger counts up to the reference look like it."""
    last = counts.index(reference) + 1
    own = [smallest_enough(counts[:last], column[:last], visible) for column in table.T.tolist()]
    inside = [sum(enough <= count for enough in own) for count in counts[:last]]
    return inside + [sum(value >= visible for value in row) for row in table[last:].tolist()]


def _reference(runs: Sequence[Run], trained: tuple[int, int] | None) -> Run:
    inside = [run for run in runs if trained and trained[0] <= run.steps <= trained[1]]
    return inside[-1] if inside else runs[-1]


def _measure(
    run: Run, reference: Run, ends: "list[_End]", watch: Callable[[], None], measurements: Measurements
) -> tuple[Measured, ...]:
    if len(run.images) != len(ends):
        raise ValueError(
            f"images: expected {len(ends)}, as many as the reference has, got {len(run.images)} at {run.steps} steps"
        )
    if (run.steps, reference.steps) in measurements:
        return measurements[run.steps, reference.steps]
    measured = []
    for number, (levels, end) in enumerate(zip(run.images, ends, strict=True)):
        watch()
        image = to_floats(levels)
        measured.append(
            Measured(
                similarity=end.similarity(image),
                **asdict(structure(image, end.image)),
                psnr=psnr(image, end.image),
                delta_e=delta_e(image, end.image),
                semantic=_semantic(run, reference, number),
                **asdict(statistics(image)),
            )
        )
    measurements[run.steps, reference.steps] = tuple(measured)
    return measurements[run.steps, reference.steps]


def _semantic(run: Run, reference: Run, number: int) -> float | None:
    """Return 1 - the cosine of the angle between the embeddings of an image and its reference; None without them."""
    if run.embeddings is None or reference.embeddings is None:
        return None
    image, end = (values[number].astype(np.float64) for values in (run.embeddings, reference.embeddings))
    length = float(np.linalg.norm(image) * np.linalg.norm(end))
    return max(0.0, 1 - float(image @ end) / length) if length else 0.0


def _verdict(counts: Sequence[int], similarity: Sequence[float], settings: Settings, left: float | None) -> SweetSpot:
    if settings.trained_steps is not None and settings.sampler not in OWN_STEPS:
        return find_trained_sweet_spot(counts, similarity, settings.trained_steps, THRESHOLDS[settings.visible])
    return find_sweet_spot(counts, similarity, settings.sampler, left, THRESHOLDS[settings.visible])


def _tempered(verdict: SweetSpot, runs: Sequence[Run], estimate: Estimate | None) -> SweetSpot:
    """Withdraw what the runs don't support: a verdict if nothing ran, and high confidence at an implausible order."""
    if not any(run.model_calls for run in runs):
        return SweetSpot(None, "Nothing ran: this denoise leaves no steps to run. Increase denoise.", "low")
    order = estimate.order if estimate else None
    if verdict.confidence == "high" and order is not None and not _PLAUSIBLE[0] <= order <= _PLAUSIBLE[1]:
        return replace(verdict, confidence="medium")
    return verdict


def _unchecked(verdict: SweetSpot, settings: Settings) -> SweetSpot:
    """Return a verdict without a second opinion: step counts may agree with each other and still be wrong."""
    if verdict.confidence == "high" and not why_no_sweet_spot(settings.sampler):
        return replace(verdict, confidence="medium")
    return verdict


def _knee(counts: Sequence[int], similarity: Sequence[float], settings: Settings, verdict: SweetSpot) -> int | None:
    """Return the step count that gives most of the gain, for users who want something cheaper than the sweet spot."""
    if why_no_sweet_spot(settings.sampler) or settings.trained_steps is not None:
        return None
    knee = find_knee(counts, [1 - value for value in similarity])
    return None if knee is None or (verdict.steps is not None and knee >= verdict.steps) else int(knee)


def _columns(table: Any, left: list[float] | None) -> list[tuple[list[float], float | None]]:
    columns = table.T.tolist()
    return list(zip(columns, left or [None] * len(columns), strict=True))


def _statistics(image: Measured) -> list[float]:
    return [getattr(image, name) for name in NAMES]


def _with_statistics(verdict: SweetSpot, settled: int | None, settings: Settings, images: int) -> SweetSpot:
    """Add to the reason whether the statistics settle, if the images themselves never do."""
    if not injects_noise(settings.sampler) or settings.trained_steps is not None:
        return verdict
    if settled is not None:
        text = (
            f"Over {images} images, sharpness, contrast and noise level stay the same from {settled} steps on (within "
            "10 % or half a level). This does not mean that the images are finished."
        )
    elif images < _FEW_IMAGES:
        text = (
            "Whether sharpness, contrast and noise level settle can't be decided "
            f"with fewer than {_FEW_IMAGES} images: use more seeds."
        )
    else:
        text = f"Sharpness, contrast and noise level did not settle within these step counts, over {images} images."
    return SweetSpot(verdict.steps, f"{verdict.reason} {text}", verdict.confidence)


def _estimate(runs: Sequence[Run], table: Any, settings: Settings) -> tuple[Estimate | None, list[float] | None]:
    """Return the estimate from three of the runs, and each image's similarity to its converged form; None without."""
    triple = choose_triple([run.steps for run in runs])
    usable = can_extrapolate(settings.sampler) and settings.same_start and settings.trained_steps is None
    if triple is None or not usable:
        return None, None
    chosen = {run.steps: run.images for run in runs if run.steps in triple}
    middle = [run.steps for run in runs].index(triple[1])
    estimates, end_similarity = list[Convergence](), list[float]()
    for number, middle_similarity in enumerate(table[middle].tolist()):
        images = {steps: to_floats(of_run[number]) for steps, of_run in chosen.items()}
        coarse, fine = (_distance(images[before], images[after]) for before, after in pairwise(triple))
        estimates.append(estimate_convergence(triple, coarse, fine))
        end_similarity.append(reference_similarity(estimates[-1], fine, middle_similarity))
    moving = [estimate.order for estimate in estimates if estimate.remaining > 0]
    order = float(np.median(moving or [0.0]))
    similarity = pooled(end_similarity)
    enough_at = _enough_at(triple, order, similarity, THRESHOLDS[settings.visible]) if moving else None
    return Estimate(triple, order if moving else None, max(similarity, 0), enough_at), end_similarity


def _distance(before: Image, after: Image) -> float:
    distance = rms(before, after)
    return distance if distance > _LEAST_DISTANCE else 0.0


def _enough_at(triple: tuple[int, int, int], order: float, similarity: float, visible: float) -> int | None:
    """Return the estimated step count from which no visible change is left; None above ten times the largest run.

    The error falls with N^-order. The result is at least the smallest of the three counts, because nothing is known
    about counts below them.
    """
    least, _, most = triple
    if order <= 0:
        return None
    needed = most * (difference_of(similarity) / difference_of(visible)) ** (1 / order)
    return max(least, math.ceil(needed)) if needed <= 10 * most else None
