"""Measures a series against its reference, over all its images, and names the sweet spot."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from ...samplers.stochastic import injects_noise
from ..measures.colour import delta_e
from ..measures.levels import to_floats
from ..measures.own import NAMES, settled_from, statistics
from ..measures.structure import Image, psnr, rms, structure
from ..runs import Run, Series, Settings
from .convergence import Convergence, can_extrapolate, choose_triple, estimate_convergence, reference_similarity
from .knee import find_knee
from .sweet_spot import VISIBLE_SSIM, SweetSpot, find_sweet_spot, find_trained_sweet_spot, smallest_enough

# Of the images, this share may be less alike than the pooled similarity says: one of ten, none of nine.
_OUTLIERS = 0.1
# Orders that solvers have; another one tells that the runs are not yet where errors fall by an order.
_PLAUSIBLE = (0.9, 4.0)
# Images that differ by less than one of 256 levels are equal: what is left is rounding.
_LEAST_DISTANCE = 1 / 255


@dataclass(frozen=True)
class Measured:
    """One image against that of its own seed at the reference: see `Structure`, `psnr`, `delta_e`, `statistics`."""

    similarity: float
    ssim: float
    ms_ssim: float
    worst_tile: float
    psnr: float
    delta_e: float
    semantic: float | None
    sharpness: float
    contrast: float
    noise: float


# Of a step count and its reference, what was measured.
Known = dict[tuple[int, int], tuple[Measured, ...]]


@dataclass(frozen=True)
class Judgement:
    """What a series shows.

    Attributes:
        settings: what its runs have in common.
        runs: its runs, rising.
        reference: the step count that the others are measured against.
        measured: of each run, of each image.
        sweet_spot: the verdict over all images.
        own: each image's own sweet spot, None where it has none.
        reference_similarity: estimated similarity of the reference to what ever more steps would give, None where
            nothing tells.
        convergence: what three of the runs tell, for the report; None where they cannot.
        knee: where most of the gain is had; None where the curve has no knee.
        settled_from: from where on the statistics stay, None where it is not shown.
    """

    settings: Settings
    runs: tuple[Run, ...]
    reference: int
    measured: tuple[tuple[Measured, ...], ...]
    sweet_spot: SweetSpot
    own: tuple[int | None, ...]
    reference_similarity: float | None
    convergence: dict[str, Any] | None
    knee: int | None
    settled_from: int | None

    @property
    def counts(self) -> list[int]:
        """The step counts, rising."""
        return [run.steps for run in self.runs]

    @property
    def similarity(self) -> list[float]:
        """The pooled similarity of each run."""
        return [pooled([image.similarity for image in images]) for images in self.measured]


def pooled(values: Sequence[float]) -> float:
    """Return the value that nine of ten images reach: the least of up to nine."""
    return sorted(values)[math.floor(_OUTLIERS * len(values))]


def judge(series: Series, watch: Callable[[], None] = lambda: None, known: Known | None = None) -> Judgement:
    """Measure every run's images against those of the reference, and name the sweet spot.

    The reference is the largest step count; of a distilled model the largest one that it was trained for.

    Args:
        series: the runs.
        watch: called for each image; may raise, to end it.
        known: what was measured of these runs before; it is looked up there, and added.

    Raises:
        ValueError: if there is no run, or images differ in shape.
    """
    if not series.runs:
        raise ValueError("runs: expected at least one, got none")
    settings = series.settings
    runs = tuple(sorted(series.runs, key=lambda run: run.steps))
    counts = [run.steps for run in runs]
    reference = _reference(runs, settings.trained_steps)
    ends = [to_floats(image) for image in reference.images]
    known = {} if known is None else known
    measured = tuple(_measure(run, reference, ends, watch, known) for run in runs)
    table = np.array([[image.similarity for image in images] for images in measured])
    convergence, left = _convergence(runs, table, settings)
    settled = settled_from(counts, np.array([[_statistics(image) for image in images] for images in measured]))
    similarity = [pooled(row) for row in table.tolist()]
    verdict = _verdict(counts, similarity, settings, pooled(left) if left else None)
    verdict = _tempered(verdict, runs, convergence)
    own = [_verdict(counts, column, settings, near).steps for column, near in _columns(table, left)]
    if convergence is not None and verdict.steps is not None:
        # Past the sweet spot there is nothing more to ask for.
        convergence["enough_at"] = None
    knee = _knee(counts, similarity, settings, verdict)
    return Judgement(
        settings,
        runs,
        reference.steps,
        measured,
        _with_statistics(verdict, settled, settings, len(own)),
        tuple(own),
        pooled(left) if left else None,
        convergence,
        knee,
        settled,
    )


def _reference(runs: Sequence[Run], trained: tuple[int, int] | None) -> Run:
    inside = [run for run in runs if trained and trained[0] <= run.steps <= trained[1]]
    return inside[-1] if inside else runs[-1]


def _measure(
    run: Run, reference: Run, ends: list[Image], watch: Callable[[], None], known: Known
) -> tuple[Measured, ...]:
    if len(run.images) != len(ends):
        raise ValueError(f"images: expected {len(ends)} as the reference has, got {len(run.images)} at {run.steps}")
    if (run.steps, reference.steps) in known:
        return known[run.steps, reference.steps]
    found = []
    for number, (levels, end) in enumerate(zip(run.images, ends, strict=True)):
        watch()
        image = to_floats(levels)
        alike = structure(image, end)
        found.append(
            Measured(
                similarity=alike.similarity,
                **asdict(alike),
                psnr=psnr(image, end),
                delta_e=delta_e(image, end),
                semantic=_semantic(run, reference, number),
                **asdict(statistics(image)),
            )
        )
    known[run.steps, reference.steps] = tuple(found)
    return known[run.steps, reference.steps]


def _semantic(run: Run, reference: Run, number: int) -> float | None:
    """Return 1 - the cosine of the angle between two images' embeddings."""
    if run.embeddings is None or reference.embeddings is None:
        return None
    one, other = (values[number].astype(np.float64) for values in (run.embeddings, reference.embeddings))
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return max(0.0, 1 - float(one @ other) / length) if length else 0.0


def _verdict(counts: Sequence[int], similarity: Sequence[float], settings: Settings, left: float | None) -> SweetSpot:
    if settings.trained_steps is not None:
        return find_trained_sweet_spot(counts, similarity, settings.trained_steps)
    return find_sweet_spot(counts, similarity, settings.sampler, reference_similarity=left)


def _tempered(verdict: SweetSpot, runs: Sequence[Run], convergence: dict[str, Any] | None) -> SweetSpot:
    """Take back what the runs cannot carry: a verdict of runs in which nothing ran, and trust in an odd order."""
    if not any(run.model_calls for run in runs):
        return SweetSpot(None, "Nothing ran: this denoise leaves no step.", "low")
    order = convergence["order"] if convergence else None
    if verdict.confidence == "high" and order is not None and not _PLAUSIBLE[0] <= order <= _PLAUSIBLE[1]:
        return replace(verdict, confidence="medium")
    return verdict


def _knee(counts: Sequence[int], similarity: Sequence[float], settings: Settings, verdict: SweetSpot) -> int | None:
    """Return where most of the gain is had, for who wants it cheaper than the sweet spot."""
    if injects_noise(settings.sampler) or settings.trained_steps is not None:
        return None
    knee = find_knee(counts, [1 - value for value in similarity])
    return None if knee is None or (verdict.steps is not None and knee >= verdict.steps) else int(knee)


def _columns(table: Any, left: list[float] | None) -> list[tuple[list[float], float | None]]:
    columns = table.T.tolist()
    return list(zip(columns, left or [None] * len(columns), strict=True))


def _statistics(image: Measured) -> list[float]:
    return [getattr(image, name) for name in NAMES]


def _with_statistics(verdict: SweetSpot, settled: int | None, settings: Settings, images: int) -> SweetSpot:
    """Say what does settle where the images do not."""
    if not injects_noise(settings.sampler) or settings.trained_steps is not None:
        return verdict
    told = f"Over {images} images sharpness, contrast and noise level stay from {settled} steps on"
    told += ", to 10 % or half a level; that does not mean that the images are finished."
    if settled is None:
        told = "Sharpness, contrast and noise level are in the report; that they settle is not shown"
        told += "; it takes several seeds." if images < 4 else f" by these step counts and {images} images."
    return SweetSpot(verdict.steps, f"{verdict.reason} {told}", verdict.confidence)


def _convergence(
    runs: Sequence[Run], table: Any, settings: Settings
) -> tuple[dict[str, Any] | None, list[float] | None]:
    """Return what three of the runs tell of the reference, for all images and for each; None where they cannot tell."""
    triple = choose_triple([run.steps for run in runs])
    usable = can_extrapolate(settings.sampler) and settings.same_start and settings.trained_steps is None
    if triple is None or not usable:
        return None, None
    chosen = {run.steps: run.images for run in runs if run.steps in triple}
    middle = [run.steps for run in runs].index(triple[1])
    found, left = list[Convergence](), list[float]()
    for number, alike in enumerate(table[middle].tolist()):
        images = {steps: to_floats(of_run[number]) for steps, of_run in chosen.items()}
        coarse, fine = (_distance(images[before], images[after]) for before, after in pairwise(triple))
        found.append(estimate_convergence(triple, coarse, fine))
        left.append(reference_similarity(found[-1], fine, alike))
    moving = [one.order for one in found if one.remaining > 0]
    order = float(np.median(moving or [0.0]))
    similarity = pooled(left)
    return {
        "steps": list(triple),
        "order": round(order, 3) if moving else None,
        "reference_similarity": round(max(similarity, 0), 6),
        "enough_at": _enough_at(triple, order, similarity) if moving else None,
    }, left


def _distance(one: Image, other: Image) -> float:
    distance = rms(one, other)
    return distance if distance > _LEAST_DISTANCE else 0.0


def _enough_at(triple: tuple[int, int, int], order: float, similarity: float) -> int | None:
    """Return the step count by which the estimate's end is no longer visibly far, None where none is near.

    1 - SSIM grows with the square of the error, which falls with N^-order. Of counts below the three nothing is known.
    """
    least, _, most = triple
    ratio = max(1 - similarity, 0) / (1 - VISIBLE_SSIM)
    if order <= 0:
        return None
    needed = most * ratio ** (1 / (2 * order))
    return max(least, math.ceil(needed)) if needed <= 10 * most else None


def own_of(judgement: Judgement, place: int) -> int:
    """Return for how many images the run at this place, and all others up to the reference, are like the reference."""
    counts = judgement.counts
    if counts[place] > judgement.reference:
        return sum(image.similarity >= VISIBLE_SSIM for image in judgement.measured[place])
    columns = [[images[number].similarity for images in judgement.measured] for number in range(len(judgement.own))]
    last = counts.index(judgement.reference) + 1
    return sum(smallest_enough(counts[:last], column[:last]) <= counts[place] for column in columns)
