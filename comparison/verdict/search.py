"""Searches for the sweet spot with few model calls: each round's runs decide which step counts run next.

It searches the ladder 4, 6, 8, 12, 16, 24, 32, 50 and runs at most half of the ladder's steps in total. 6, 12 and 24
come first: being doublings, they give the order of convergence and show whether 24 has converged. If it has, the sweet
spot lies between two of them, or below 6, and the one count in between runs next. If it has not, 32 becomes the
reference.
"""

from collections.abc import Sequence

from .sweet_spot import VISIBLE, smallest_enough

LADDER = (4, 6, 8, 12, 16, 24, 32, 50)
START = (6, 12, 24)
_BUDGET = sum(LADDER) // 2


def next_step_counts(
    steps: Sequence[int],
    similarity: Sequence[float],
    reference_similarity: float | None,
    listed: Sequence[int] = (),
    visible: float = VISIBLE,
) -> list[int]:
    """Return the step counts to run next; empty if the search is over.

    Args:
        steps: the counts that ran, in rising order.
        similarity: similarity of each one's image to the largest one's.
        reference_similarity: estimated similarity of the largest one to the fully converged image; None without an
            estimate: then the largest counts as converged only if the count below it looks the same.
        listed: counts that run anyway, so that they don't count towards the search's limit.
        visible: the similarity below which a difference is visible.
    """
    missing = [count for count in START if count not in steps]
    if missing:
        return missing
    enough = smallest_enough(steps, similarity, visible)
    largest = steps[-1]
    converged = enough < largest if reference_similarity is None else reference_similarity >= visible
    if not converged:
        higher = [count for count in LADDER if count > largest]
        return _affordable(steps, higher[:1], listed)
    below = max((count for count in steps if count < enough), default=0)
    between = [count for count in LADDER if below < count < enough and count not in steps]
    return _affordable(steps, between[len(between) // 2 :][:1], listed)


def trained_counts(trained: tuple[int, int]) -> list[int]:
    """Return the step counts to run for a distilled model: doublings within the trained range, and one count beyond.

    The one beyond shows whether more steps do harm.

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
