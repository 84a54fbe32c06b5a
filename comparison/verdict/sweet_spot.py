"""The sweet spot: the smallest step count beyond which no larger one shows a visible change."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ...samplers.stochastic import why_no_sweet_spot

# At a similarity (SSIM) of about 0.95, half of all viewers notice a difference.
VISIBLE_SSIM = 0.95
# The real remaining error of the reference may be larger than estimated by this factor.
_SAFETY = 2.0


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
) -> SweetSpot:
    """Find the smallest step count that looks like the reference, as do all larger ones.

    Args:
        steps: the step counts that ran, at least one, none twice; the largest is the reference.
        similarity: similarity of each one's image to the reference's on the scale of SSIM, 1 for the reference itself.
        sampler_name: ComfyUI's name of the sampler; one that injects noise or chooses its own steps has
            no sweet spot.
        reference_similarity: estimated similarity of the reference to the fully converged image; None without an
            estimate.

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
    enough = _smallest_enough(ladder)
    confidence = _confidence(ladder, enough, reference_similarity)
    if reference_similarity is not None and reference_similarity < VISIBLE_SSIM:
        # If other runs look like the reference, only the estimate contradicts it.
        sure: Confidence = "medium" if enough == reference else "low"
        return SweetSpot(None, _not_converged(reference, reference_similarity), sure)
    if enough == reference:
        below, value = ladder[-2]
        differs = f"{below} steps still differ visibly from {reference} (similarity {value:.3f} < {VISIBLE_SSIM:g})"
        if reference_similarity is None:
            return SweetSpot(None, f"Not reached: {differs}; add larger step counts.", confidence)
        why = f"{differs}, but more than {reference} steps would probably not change the image visibly."
        return SweetSpot(reference, why, confidence)
    why = (
        f"From {enough} steps on, no step count differs visibly from {reference} "
        f"(similarity {dict(ladder)[enough]:.3f} >= {VISIBLE_SSIM:g})."
    )
    return SweetSpot(enough, why, confidence)


def find_trained_sweet_spot(
    steps: Sequence[int],
    similarity: Sequence[float],
    trained: tuple[int, int],
) -> SweetSpot:
    """Find the sweet spot of a distilled model, among the step counts that it was trained for.

    Larger counts are no better reference: the model has not learned them.

    Args:
        steps: the step counts that ran, at least one, none twice.
        similarity: similarity of each one's image to that of the largest trained count that ran.
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
        why = f"This model was trained for {span} steps, but no such step count ran: add {highest}."
        return SweetSpot(None, why, "medium")
    enough = smallest_enough([count for count, _ in inside], [value for _, value in inside])
    changed = [str(count) for count, value in ladder if count > highest and value < VISIBLE_SSIM]
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
        f"visibly (estimated similarity about {max(similarity, 0):.2f}). Add larger step counts."
    )


def smallest_enough(steps: Sequence[int], similarity: Sequence[float]) -> int:
    """Return the smallest step count from which on all counts look like the reference, which is the last one.

    Args:
        steps: step counts in rising order.
        similarity: similarity of each count to the reference.
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
    """Return how sure a verdict is: high if it would be the same with the fully converged image as the reference.

    1 - SSIM is the square of a distance. By the triangle inequality, a count's distance to the converged image is at
    most the sum of its distance to the reference and the reference's distance to the converged image, and at least
    their difference.
    """
    if reference_similarity is None:
        return "low"
    left = math.sqrt(max(1 - reference_similarity, 0) * _SAFETY)
    distance = {count: math.sqrt(max(1 - value, 0)) for count, value in ladder}
    seen = math.sqrt(1 - VISIBLE_SSIM)
    unseen = all(far + left < seen for count, far in distance.items() if count >= enough)
    below = [far for count, far in distance.items() if count < enough]
    return "high" if unseen and (not below or below[-1] - left > seen) else "medium"
