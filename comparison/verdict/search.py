"""Searches for the sweet spot with few model calls: each round's runs decide which step counts run next.

It searches the ladder 4, 6, 8, 12, 16, 24, 32, 50. With a check, 24 run first; if they show another picture than the
check, 32 is the next reference, then the check runs longer, and 50 is the last resort. Without a check, 6, 12 and 24
run first: being doublings, they give the order of convergence and show whether 24 has converged.

Below the reference, every count runs from the largest one down to the first one that is not enough, because an image
can be right at 12 steps and wrong at 16.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .second_opinion import Check
from .sweet_spot import VISIBLE, smallest_enough

LADDER = (4, 6, 8, 12, 16, 24, 32, 50)
START = (6, 12, 24)
CHECKED_START = (24,)
# Without a check, at most this many steps.
_BUDGET = sum(LADDER) // 2


@dataclass(frozen=True)
class Move:
    """What runs next.

    Attributes:
        counts: step counts.
        longer_check: whether the check runs again with more steps.
    """

    counts: tuple[int, ...] = ()
    longer_check: bool = False


def next_move(
    steps: Sequence[int],
    similarity: Sequence[float],
    estimate: float | None,
    check: Check | None,
    listed: Sequence[int] = (),
    visible: float = VISIBLE,
) -> Move:
    """Return what runs next; an empty move if the search is over.

    Args:
        steps: the counts that ran, in rising order.
        similarity: how similar each one's image looks to those that it is judged by.
        estimate: estimated similarity of the largest one to the fully converged image; None without an estimate: then,
            without a check, the largest counts as converged only if the count below it looks the same.
        check: what a second opinion showed about the largest one; None without one.
        listed: counts that run anyway, so that they don't count towards the search's limit.
        visible: the similarity below which a difference is visible.
    """
    start = START if check is None else CHECKED_START
    missing = tuple(count for count in start if count not in steps)
    if missing:
        return Move(missing)
    enough, largest = smallest_enough(steps, similarity, visible), steps[-1]
    higher = next((count for count in LADDER if count > largest), None)
    if check is not None:
        if not check.agrees:
            return _beyond(largest, higher, check)
        if check.is_open:
            return Move(longer_check=True)
        gap = _gap(steps, enough)
        # Where only the reference looks like the check, both may be wrong in the same way.
        return Move(gap, longer_check=not gap and enough == largest and check.settled is None)
    converged = enough < largest if estimate is None else estimate >= visible
    wanted = _gap(steps, enough) if converged else (higher,) if higher else ()
    paid = [count for count in (*steps, *wanted) if count not in listed]
    return Move(wanted if sum(paid) <= _BUDGET else ())


def _beyond(largest: int, higher: int | None, check: Check) -> Move:
    """Return what runs if the largest count shows another picture than the check."""
    if check.settled is None and largest > CHECKED_START[-1]:
        return Move(longer_check=True)
    # With a check that still changes itself, more steps rarely prove anything.
    is_worth_it = largest <= CHECKED_START[-1] or check.settled or not check.is_far
    return Move((higher,) if higher and is_worth_it else ())


def _gap(steps: Sequence[int], enough: int) -> tuple[int, ...]:
    """Return the largest count of the ladder that may be the sweet spot, or show that a smaller one is not."""
    below = max((count for count in steps if count < enough), default=0)
    missing = [count for count in LADDER if below < count < steps[-1] and count not in steps]
    return tuple(missing[-1:])


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
