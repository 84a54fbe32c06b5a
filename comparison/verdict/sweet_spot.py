"""The sweet spot: the smallest step count beyond which no larger one shows a visible change."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ...samplers.stochastic import why_no_sweet_spot
from ..measures.visibility import EXPONENT, SIDE_BY_SIDE, THRESHOLDS

VISIBLE = THRESHOLDS[SIDE_BY_SIDE]

# The real remaining error of the reference may be larger than estimated by this factor.
_SAFETY = 1.4


Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True)
class SweetSpot:
    """A verdict.

    Attributes:
        steps: the sweet spot, or None if the runs do not show one.
        reason: the explanation shown to the user.
        confidence: high if the runs show that the reference has converged and the verdict is not a close call; low if
            it is unknown whether the reference has converged.
    """

    steps: int | None
    reason: str
    confidence: Confidence = "low"


def find_sweet_spot(
    steps: Sequence[int],
    similarity: Sequence[float],
    sampler_name: str,
    reference_similarity: float | None = None,
    visible: float = VISIBLE,
) -> SweetSpot:
    """Find the smallest step count that looks like the reference, as do all larger ones.

    Args:
        steps: the step counts that ran, at least one, none twice; the largest is the reference.
        similarity: how similar each one's image looks to the reference's, see `Look`; 1 for the reference itself.
        sampler_name: ComfyUI's name of the sampler; one that injects noise or chooses its own steps has
            no sweet spot.
        reference_similarity: estimated similarity of the reference to the fully converged image; None without an
            estimate.
        visible: the similarity below which a difference is visible.

    Raises:
        ValueError: if the two lists are empty or differ in length.
    """
    if not steps or len(steps) != len(similarity):
        raise ValueError(f"expected as many similarities as step counts, got {len(similarity)} and {len(steps)}")
    ladder = sorted(zip(steps, similarity, strict=True))
    reference = ladder[-1][0]
    if len(ladder) == 1:
        return SweetSpot(None, f"Only one step count ran ({reference}): there is nothing to compare it with. Add more.")
    if why := why_no_sweet_spot(sampler_name):
        return SweetSpot(None, f"{why}.", "high")
    enough = _smallest_enough(ladder, visible)
    confidence = _confidence(ladder, enough, reference_similarity, visible)
    if reference_similarity is not None and reference_similarity < visible:
        # If other runs look like the reference, only the estimate contradicts it.
        sure: Confidence = "medium" if enough == reference else "low"
        return SweetSpot(None, _not_converged(reference, reference_similarity), sure)
    if enough == reference:
        below, value = ladder[-2]
        differs = (
            f"{below} steps still differ visibly from {reference} (similarity {_percent(value)} < {_percent(visible)})"
        )
        if reference_similarity is None:
            return SweetSpot(None, f"Not reached: {differs}; add larger step counts.", confidence)
        why = f"{differs}, but more than {reference} steps would probably not change the image visibly."
        return SweetSpot(reference, why, confidence)
    why = (
        f"From {enough} steps on, no step count differs visibly from {reference} "
        f"(similarity {_percent(dict(ladder)[enough])} >= {_percent(visible)})."
    )
    return SweetSpot(enough, why, confidence)


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
        why = f"This model was trained for {span} steps, but no such step count ran: add {highest}."
        return SweetSpot(None, why, "medium")
    enough = _smallest_enough(inside, visible)
    changed = [str(count) for count, value in ladder if count > highest and value < visible]
    more = f" More steps change the image visibly ({', '.join(changed)})." if changed else ""
    finding = f"a count of {enough} is enough"
    if enough == inside[-1][0]:
        finding = f"{enough} is the largest of these that ran" + (
            ", and smaller ones differ visibly" if len(inside) > 1 else ""
        )
    return SweetSpot(enough, f"This model was trained for {span} steps; {finding}.{more}", "medium")


def _not_converged(reference: int, similarity: float) -> str:
    return (
        f"Not reached: even {reference} steps have not converged. More steps would probably still change the image "
        f"visibly (estimated similarity about {_percent(max(similarity, 0))}). Add larger step counts."
    )


def smallest_enough(steps: Sequence[int], similarity: Sequence[float], visible: float = VISIBLE) -> int:
    """Return the smallest step count from which on all counts look like the reference, which is the last one.

    Args:
        steps: step counts in rising order.
        similarity: similarity of each count to the reference.
        visible: the similarity below which a difference is visible.
    """
    return _smallest_enough(list(zip(steps, similarity, strict=True)), visible)


def _smallest_enough(ladder: Sequence[tuple[int, float]], visible: float) -> int:
    enough = ladder[-1][0]
    for count, value in reversed(ladder):
        if not value >= visible:
            break
        enough = count
    return enough


def _confidence(
    ladder: Sequence[tuple[int, float]], enough: int, reference_similarity: float | None, visible: float
) -> Confidence:
    """Return how sure a verdict is: high if it would be the same with the fully converged image as the reference.

    By the triangle inequality, a count's difference from the converged image is at most the sum of its difference from
    the reference and the reference's from the converged image, and at least the difference of the two.
    """
    if reference_similarity is None:
        return "low"
    left = _SAFETY * difference_of(reference_similarity)
    away = {count: difference_of(value) for count, value in ladder}
    seen = difference_of(visible)
    unseen = all(far + left < seen for count, far in away.items() if count >= enough)
    below = [far for count, far in away.items() if count < enough]
    return "high" if unseen and (not below or below[-1] - left > seen) else "medium"


def difference_of(similarity: float) -> float:
    """Return a number in proportion to the difference of two images that look this similar."""
    return max(1 - similarity, 0.0) ** (1 / EXPONENT)


def _percent(similarity: float) -> str:
    return f"{100 * similarity:.1f} %"
