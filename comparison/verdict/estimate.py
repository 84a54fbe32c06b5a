"""Estimates from three runs of a series how far the reference has converged."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..measures.visibility import difference_of
from ..runs import Run, Settings
from .convergence import Convergence, can_extrapolate, choose_triple, estimate_convergence, reference_similarity
from .measuring import Measuring
from .pooling import pooled

# Images that differ by less than one of 256 levels count as equal: the rest is rounding.
_LEAST_DISTANCE = 1 / 255


@dataclass(frozen=True)
class Estimate:
    """An estimate of how far the reference has converged, extrapolated from three of the runs.

    Attributes:
        steps: the three step counts.
        order: median order of convergence over the images; None if none of them changes any more.
        reference_similarity: estimated similarity of the reference to the fully converged image, pooled.
        enough_at: estimated step count from which no visible change is left; None if that is far above the largest
            run, or if the sweet spot has been found.
        of_images: each image's own estimated similarity of the reference.
    """

    steps: tuple[int, int, int]
    order: float | None
    reference_similarity: float
    enough_at: int | None
    of_images: tuple[float, ...]


def estimate_reference(
    runs: Sequence[Run], similarity: Sequence[Sequence[float]], settings: Settings, measuring: Measuring
) -> Estimate | None:
    """Return the estimate; None if the runs or the sampler don't allow one.

    Args:
        runs: the runs, by rising step count; the last one is the reference.
        similarity: of each run's images to the reference's.
        settings: what the runs have in common.
        measuring: measures the distances.
    """
    triple = choose_triple([run.steps for run in runs])
    usable = can_extrapolate(settings.sampler) and settings.same_start and settings.trained_steps is None
    if triple is None or not usable:
        return None
    first, second, third = ([run.steps for run in runs].index(steps) for steps in triple)
    distances = [measuring.distance(runs[before], runs[after]) for before, after in pairwise((first, second, third))]
    estimates, of_images = list[Convergence](), list[float]()
    for coarse, fine, alike in zip(*distances, similarity[second], strict=True):
        kept = [distance if distance > _LEAST_DISTANCE else 0.0 for distance in (coarse, fine)]
        estimates.append(estimate_convergence(triple, *kept))
        of_images.append(reference_similarity(estimates[-1], kept[1], alike))
    moving = [estimate.order for estimate in estimates if estimate.remaining > 0]
    order = float(np.median(moving)) if moving else None
    together = pooled(of_images)
    enough_at = None if order is None else _enough_at(triple, order, together, settings.visible.below)
    return Estimate(triple, order, max(together, 0), enough_at, tuple(of_images))


def _enough_at(triple: tuple[int, int, int], order: float, similarity: float, visible: float) -> int | None:
    """Return the estimated step count from which no visible change is left; None above ten times the largest run.

    The error falls with N^-order. The result is at least the smallest of the three counts, because nothing is known
    about counts below them.
    """
    least, _, most = triple
    # An extrapolation to nothing in common says that the runs are too coarse to extrapolate from.
    if order <= 0 or similarity <= 0:
        return None
    needed = most * (difference_of(similarity) / difference_of(visible)) ** (1 / order)
    return max(least, math.ceil(needed)) if needed <= 10 * most else None
