"""The search for the sweet spot with few model calls: each round's runs tell which step counts to run next.

It looks on the ladder 4, 6, 8, 12, 16, 24, 32, 50, and runs at most half of its steps. 6, 12 and 24 come first: by
doublings they give the order of convergence, and whether 24 has converged. If so, the sweet spot lies between two of
them, or below 6, and the one rung between is run. If not, 32 takes the place of the reference.
"""

from collections.abc import Sequence

from .sweet_spot import VISIBLE_SSIM, smallest_enough

LADDER = (4, 6, 8, 12, 16, 24, 32, 50)
START = (6, 12, 24)
_BUDGET = sum(LADDER) // 2


def next_step_counts(
    steps: Sequence[int],
    similarity: Sequence[float],
    reference_similarity: float | None,
    listed: Sequence[int] = (),
) -> list[int]:
    """Return the step counts to run next, empty where the search is over.

    Args:
        steps: the counts that ran, in rising order.
        similarity: how alike each one's image is to the largest one's, on the scale of SSIM.
        reference_similarity: estimated similarity of the largest one to what ever more steps would give; None where
            nothing tells: then the largest is only trusted where the count below it is like it.
        listed: counts that run anyway, which the search does not pay for.
    """
    missing = [count for count in START if count not in steps]
    if missing:
        return missing
    enough = smallest_enough(steps, similarity)
    largest = steps[-1]
    converged = enough < largest if reference_similarity is None else reference_similarity >= VISIBLE_SSIM
    if not converged:
        higher = [count for count in LADDER if count > largest]
        return _affordable(steps, higher[:1], listed)
    below = max((count for count in steps if count < enough), default=0)
    between = [count for count in LADDER if below < count < enough and count not in steps]
    return _affordable(steps, between[len(between) // 2 :][:1], listed)


def trained_counts(trained: tuple[int, int]) -> list[int]:
    """Return the step counts to run of a distilled model: doublings within the trained ones, and one beyond them.

    The one beyond shows whether more steps hurt.

    Args:
        trained: lowest and highest trained step count.
    """
    lowest, highest = trained
    counts = {lowest, highest, 2 * highest}
    while lowest < highest:
        counts.add(lowest)
        lowest *= 2
    return sorted(counts)


def _affordable(steps: Sequence[int], wanted: list[int], listed: Sequence[int]) -> list[int]:
    paid = [count for count in (*steps, *wanted) if count not in listed]
    return wanted if sum(paid) <= _BUDGET else []
