"""The sweet spot: the smallest step count beyond which no larger one shows a visible change."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ...samplers.stochastic import DETERMINISTIC, OWN_STEPS, why_no_sweet_spot
from ...words import Message, Messages
from ..measures.visibility import SIDE_BY_SIDE
from .second_opinion import Check

VISIBLE = SIDE_BY_SIDE.below

# Of 54 verdicts whose reference had fewer than this many times the steps, five were wrong by two counts or more
# (benchmarks/truth.py); of 201 others, two.
_NEAR = 1.9
# Similarities this near to the visible one could as well be on its other side.
_MARGIN = 0.01
_MORE = Message("advice.larger", "Add larger step counts.")

NO_NOISE = Message("advice.no_noise", "Use a sampler that injects no noise, e.g. dpmpp_2m.")
TAKES_STEPS = Message("advice.takes_steps", "Use a sampler that takes the steps that it is given, e.g. dpmpp_2m.")

_NOT_YET = Message("why.not_yet", "Not yet.")

Confidence = Literal["high", "medium", "low"]
Answer = Literal["enough", "not yet", "none"]


@dataclass(frozen=True)
class SweetSpot:
    """A verdict.

    Attributes:
        steps: the sweet spot, or None if the runs do not show one.
        reason: the explanation shown to the user.
        confidence: high if it is no close call and a second opinion confirms it, or no step count can be a sweet spot;
            low if it is unknown whether the reference has converged.
        answer: whether a step count is enough, none is so far, or none can be.
        advice: the cheapest thing to do next; empty if there is nothing to do.
    """

    steps: int | None
    reason: str
    confidence: Confidence = "low"
    answer: Answer = "not yet"
    advice: str = ""


def find_sweet_spot(
    steps: Sequence[int],
    similarity: Sequence[float],
    sampler_name: str,
    estimate: float | None = None,
    check: Check | None = None,
    visible: float = VISIBLE,
) -> SweetSpot:
    """Find the smallest step count that looks like the converged image, as do all larger ones.

    Args:
        steps: the step counts that ran, at least one, none twice; the largest is the reference.
        similarity: how similar each one's image looks to the reference's and the check's, see `Look`; 1 for the
            reference itself.
        sampler_name: ComfyUI's name of the sampler; one that injects noise or chooses its own steps has
            no sweet spot.
        estimate: estimated similarity of the reference to the fully converged image; None without an estimate. Without
            a check, it decides whether the reference has converged.
        check: what a second opinion showed about the reference; None without one.
        visible: the similarity below which a difference is visible.

    Raises:
        ValueError: if the two lists are empty or differ in length.
    """
    if not steps or len(steps) != len(similarity):
        raise ValueError(f"expected as many similarities as step counts, got {len(similarity)} and {len(steps)}")
    ladder = sorted(zip(steps, similarity, strict=True))
    if why := why_no_sweet_spot(sampler_name):
        return SweetSpot(None, why, "high", "none", TAKES_STEPS if sampler_name in OWN_STEPS else NO_NOISE)
    if check is None:
        return _by_estimate(ladder, estimate, visible)
    if not check.agrees:
        return _contradicted(ladder[-1][0], check, sampler_name)
    return _by_check(ladder, check, visible)


def _by_check(ladder: Sequence[tuple[int, float]], check: Check, visible: float) -> SweetSpot:
    reference, enough = ladder[-1][0], _smallest_enough(ladder, visible)
    same = Message(
        "why.check_same",
        "A check with another solver ({sampler}, {count} steps) shows the same picture ({similarity}).",
        {"sampler": check.sampler, "count": check.steps, "similarity": _percent(check.similarity)},
    )
    if len(ladder) == 1:
        none_ran = Message("why.none_ran", "Whether fewer are enough is not known, because none ran.")
        why = Messages(_enough(reference), same, none_ran)
    else:
        below = _below(ladder, visible) if enough == reference else _from_there_on(ladder)
        why = Messages(_enough(enough), below, same)
    sure = check.settled or not is_near(enough, reference)
    clear = check.clear and sure and not _is_close_call(ladder, visible)
    return SweetSpot(enough, why, "high" if clear else "medium", "enough")


def _by_estimate(ladder: Sequence[tuple[int, float]], estimate: float | None, visible: float) -> SweetSpot:
    reference, enough = ladder[-1][0], _smallest_enough(ladder, visible)
    if len(ladder) == 1:
        why = Message(
            "why.only_one",
            "Only one step count ran ({count}), so there is nothing to compare it with.",
            {"count": reference},
        )
        return SweetSpot(None, why, advice=Message("advice.another", "Add another step count."))
    if estimate is not None and estimate < visible:
        return _not_converged(reference, enough, estimate)
    if enough == reference and estimate is None:
        return SweetSpot(None, Messages(_NOT_YET, _below(ladder, visible)), advice=_MORE)
    why = Messages(_enough(enough), _from_there_on(ladder))
    if enough == reference:
        probably = Message("why.probably", "{steps} have probably converged.", {"steps": enough})
        why = Messages(_enough(enough), _below(ladder, visible), probably)
    return SweetSpot(enough, why, "low" if estimate is None else "medium", "enough")


def is_near(enough: int, reference: int) -> bool:
    """Return whether a reference has too few steps more than a sweet spot to confirm it: both may share a plateau."""
    return enough < reference < _NEAR * enough


def find_trained_sweet_spot(
    steps: Sequence[int],
    similarity: Sequence[float],
    trained: tuple[int, int],
    visible: float = VISIBLE,
) -> SweetSpot:
    """Find the sweet spot of a distilled model, among the step counts that it was trained for.

    Larger counts are no better reference: the model has not learned them.

    Args:
        steps: the step counts that ran, at least one, none twice.
        similarity: similarity of each one's image to that of the largest trained count that ran.
        trained: lowest and highest trained step count.
        visible: the similarity below which a difference is visible.

    Raises:
        ValueError: if the two lists are empty or differ in length.
    """
    if not steps or len(steps) != len(similarity):
        raise ValueError(f"expected as many similarities as step counts, got {len(similarity)} and {len(steps)}")
    lowest, highest = trained
    span = f"{lowest}" if lowest == highest else f"{lowest} to {highest}"
    ladder = sorted(zip(steps, similarity, strict=True))
    inside = [(count, value) for count, value in ladder if lowest <= count <= highest]
    if not inside:
        why = Message(
            "why.not_trained", "This model was trained for {span} steps, but no such step count ran.", {"span": span}
        )
        return SweetSpot(None, why, "medium", advice=Message("advice.add", "Add {count}.", {"count": highest}))
    enough = _smallest_enough(inside, visible)
    changed = [str(count) for count, value in ladder if count > highest and value < visible]
    more = ", ".join(changed)
    return SweetSpot(
        enough,
        Messages(
            Message("why.trained", "This model was trained for {span} steps.", {"span": span}),
            _trained_finding(enough, [count for count, _ in inside]),
            Message("why.more_change", "More steps change the image visibly ({more}).", {"more": more}) if more else "",
        ),
        "medium",
        "enough",
    )


def smallest_enough(steps: Sequence[int], similarity: Sequence[float], visible: float = VISIBLE) -> int:
    """Return the smallest step count from which on all counts look like the reference, which is the last one.

    Args:
        steps: step counts in rising order.
        similarity: similarity of each count to the reference.
        visible: the similarity below which a difference is visible.
    """
    return _smallest_enough(list(zip(steps, similarity, strict=True)), visible)


def _trained_finding(enough: int, ran: Sequence[int]) -> Message:
    """Return what the trained step counts that ran show."""
    values = {"count": enough}
    if enough != ran[-1]:
        return Message("why.trained_enough", "A count of {count} is enough.", values)
    if len(ran) == 1:
        return Message("why.trained_largest", "{count} is the largest of these that ran.", values)
    return Message(
        "why.trained_differ", "{count} is the largest of these that ran, and smaller ones differ visibly.", values
    )


def _contradicted(reference: int, check: Check, sampler_name: str) -> SweetSpot:
    other = Message(
        "why.check_other",
        "{count} steps look different from a check with another solver ({sampler}, {checked} steps; similarity "
        "{similarity}).",
        {
            "count": reference,
            "sampler": check.sampler,
            "checked": check.steps,
            "similarity": _percent(check.similarity),
        },
    )
    if not check.settled:
        neither = Message("why.neither", "Neither is known to have converged.")
        return SweetSpot(None, Messages(_NOT_YET, other, neither), advice=_MORE)
    settled = Message("why.check_settled", "The check looks the same with fewer steps.")
    if sampler_name not in DETERMINISTIC:
        maybe = Message(
            "why.may_inject", "{sampler} may inject noise, or converge to another image.", {"sampler": sampler_name}
        )
        return SweetSpot(None, Messages(_NOT_YET, other, settled, maybe), "medium", advice=_MORE)
    these = Message("why.these", "So it's these runs that have not converged.")
    why = Messages(_NOT_YET, other, settled, these)
    return SweetSpot(None, why, "high" if check.clear else "medium", advice=_MORE)


def _not_converged(reference: int, enough: int, estimate: float) -> SweetSpot:
    values = {"count": reference}
    even = Message("why.not_converged", "Even {count} steps have not converged.", values)
    still = Message("why.still_change", "More steps would probably still change the image visibly.")
    if estimate > 0:
        still = Message(
            "why.still_change_by",
            "More steps would probably still change the image visibly (estimated similarity about {similarity}).",
            {"similarity": _percent(estimate)},
        )
    why = Messages(_NOT_YET, even, still)
    # If other runs look like the reference, only the estimate contradicts it.
    return SweetSpot(None, why, "medium" if enough == reference else "low", advice=_MORE)


def _enough(steps: int) -> Message:
    return Message("why.enough", "{steps} step is enough. | {steps} steps are enough.", {"steps": steps})


def _below(ladder: Sequence[tuple[int, float]], visible: float) -> Message:
    count, value = ladder[-2]
    return Message(
        "why.below",
        "{steps} still looks different ({similarity}; visible below {visible}). | "
        "{steps} still look different ({similarity}; visible below {visible}).",
        {"steps": count, "similarity": _percent(value), "visible": _percent(visible)},
    )


def _from_there_on(ladder: Sequence[tuple[int, float]]) -> Message:
    return Message(
        "why.from_there_on", "From there on, none looks different from {reference}.", {"reference": ladder[-1][0]}
    )


def _smallest_enough(ladder: Sequence[tuple[int, float]], visible: float) -> int:
    enough = ladder[-1][0]
    for count, value in reversed(ladder):
        if not value >= visible:
            break
        enough = count
    return enough


def _is_close_call(ladder: Sequence[tuple[int, float]], visible: float) -> bool:
    """Return whether slightly other similarities would give another sweet spot, not just the next count."""
    counts = [count for count, _ in ladder]
    least, middle, most = (
        counts.index(_smallest_enough(ladder, visible + margin)) for margin in (-_MARGIN, 0.0, _MARGIN)
    )
    return middle - least > 1 or most - middle > 1


def _percent(similarity: float) -> str:
    return f"{100 * similarity:.1f} %"
