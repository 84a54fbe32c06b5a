"""The sweet spot: the smallest step count from which on no larger one shows a visible change."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ...samplers.stochastic import injects_noise

# A similarity (SSIM) of about 0.95 is where half of all viewers notice a difference.
VISIBLE_SSIM = 0.95
# What is estimated to be left at the reference may be this much more.
_SAFETY = 2.0


Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True)
class SweetSpot:
    """A verdict.

    Attributes:
        steps: the sweet spot, or None where the runs do not show one.
        reason: one sentence that says why, for people.
        confidence: high where the runs show that the reference has converged and the verdict is no close call; low
            where nothing tells whether it has.
    """

    steps: int | None
    reason: str
    confidence: Confidence = "low"


def find_sweet_spot(
    steps: Sequence[int],
    similarity: Sequence[float],
    sampler_name: str,
    reference_similarity: float | None = None,
) -> SweetSpot:
    """Name the smallest step count from which on every larger one looks like the reference.

    Args:
        steps: the step counts that ran, at least one, none twice; the largest is the reference.
        similarity: how alike each one's image is to the reference's on the scale of SSIM, 1 for the reference itself.
        sampler_name: ComfyUI's name of the sampler; for one that injects noise there is no sweet spot.
        reference_similarity: estimated similarity of the reference to what ever more steps would give; None where
            nothing tells.

    Raises:
        ValueError: if the two lists are empty or differ in length.
    """
    if not steps or len(steps) != len(similarity):
        raise ValueError(f"expected as many similarities as step counts, got {len(similarity)} and {len(steps)}")
    ladder = sorted(zip(steps, similarity, strict=True))
    reference = ladder[-1][0]
    if len(ladder) == 1:
        return SweetSpot(None, f"Only {reference} steps ran: nothing to compare them with.")
    if injects_noise(sampler_name):
        why = f"{sampler_name} injects noise: the image keeps changing with the step count and does not settle."
        return SweetSpot(None, why, "high")
    enough = _smallest_enough(ladder)
    confidence = _confidence(ladder, enough, reference_similarity)
    if reference_similarity is not None and reference_similarity < VISIBLE_SSIM:
        # Where every run looks like the reference, nothing but the estimate speaks against it.
        sure: Confidence = "medium" if enough == reference else "low"
        return SweetSpot(None, _not_converged(reference, reference_similarity), sure)
    if enough == reference:
        below, value = ladder[-2]
        differs = f"{below} steps still differ visibly from {reference} (similarity {value:.3f} < {VISIBLE_SSIM:g})"
        if reference_similarity is None:
            return SweetSpot(None, f"Not reached: {differs}; add larger step counts.", confidence)
        why = f"{differs}, and by the estimate no larger count would show a visible change against {reference}."
        return SweetSpot(reference, why, confidence)
    why = (
        f"From {enough} steps on no larger count shows a visible change against {reference} "
        f"(similarity {dict(ladder)[enough]:.3f} >= {VISIBLE_SSIM:g})."
    )
    return SweetSpot(enough, why, confidence)


def find_trained_sweet_spot(
    steps: Sequence[int],
    similarity: Sequence[float],
    trained: tuple[int, int],
) -> SweetSpot:
    """Name the sweet spot of a distilled model: within the step counts that it was trained for.

    More steps than those are no better reference: they leave what the model learned.

    Args:
        steps: the step counts that ran, at least one, none twice.
        similarity: how alike each one's image is to that of the largest trained count that ran.
        trained: lowest and highest trained step count.

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
        why = f"This model was trained for {span} steps, none of which ran: add {highest}."
        return SweetSpot(None, why, "medium")
    enough = smallest_enough([count for count, _ in inside], [value for _, value in inside])
    changed = [str(count) for count, value in ladder if count > highest and value < VISIBLE_SSIM]
    more = f" More steps change the image visibly ({', '.join(changed)})." if changed else ""
    told = f"of these, {enough} are enough"
    if enough == inside[-1][0]:
        told = f"{enough} are the most of these that ran" + (", and fewer differ visibly" if len(inside) > 1 else "")
    return SweetSpot(enough, f"This model was trained for {span} steps; {told}.{more}", "medium")


def _not_converged(reference: int, similarity: float) -> str:
    return (
        f"Not reached: {reference} steps have themselves not converged; by the estimate more of them would still "
        f"change the image visibly (similarity about {max(similarity, 0):.2f}). Add larger step counts."
    )


def smallest_enough(steps: Sequence[int], similarity: Sequence[float]) -> int:
    """Return the smallest step count from which on all are at least this alike to the reference, which is the last.

    Args:
        steps: step counts in rising order.
        similarity: of each.
    """
    return _smallest_enough(list(zip(steps, similarity, strict=True)))


def _smallest_enough(ladder: Sequence[tuple[int, float]]) -> int:
    enough = ladder[-1][0]
    for count, value in reversed(ladder):
        if not value >= VISIBLE_SSIM:
            break
        enough = count
    return enough


def _confidence(ladder: Sequence[tuple[int, float]], enough: int, reference_similarity: float | None) -> Confidence:
    """Return how sure a verdict is: high where it would stand against what ever more steps would give, too.

    1 - SSIM is the square of a distance. By the triangle inequality a count lies from the end at most as far as from
    the reference and the reference from the end together, and at least as far as their difference.
    """
    if reference_similarity is None:
        return "low"
    left = math.sqrt(max(1 - reference_similarity, 0) * _SAFETY)
    distance = {count: math.sqrt(max(1 - value, 0)) for count, value in ladder}
    seen = math.sqrt(1 - VISIBLE_SSIM)
    unseen = all(far + left < seen for count, far in distance.items() if count >= enough)
    below = [far for count, far in distance.items() if count < enough]
    return "high" if unseen and (not below or below[-1] - left > seen) else "medium"
