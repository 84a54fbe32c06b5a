"""The sweet spot: the smallest step count from which on no larger one shows a visible change."""

from collections.abc import Sequence
from dataclasses import dataclass

from .stochastic import injects_noise

# An SSIM of about 0.95 is where half of all viewers notice a difference.
VISIBLE_SSIM = 0.95


@dataclass(frozen=True)
class SweetSpot:
    """A verdict.

    Attributes:
        steps: the sweet spot, or None where the runs do not show one.
        reason: one sentence that says why, for people.
    """

    steps: int | None
    reason: str


def find_sweet_spot(
    steps: Sequence[int], similarity: Sequence[float], sampler_name: str, visible: float = VISIBLE_SSIM
) -> SweetSpot:
    """Name the smallest step count from which on every larger one looks like the reference.

    Args:
        steps: the step counts that ran, at least one, none twice; the largest is the reference.
        similarity: SSIM of each one's image against the reference's, 1 for the reference itself.
        sampler_name: ComfyUI's name of the sampler; for one that injects noise there is no sweet spot.
        visible: the SSIM below which a change counts as visible.

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
        return SweetSpot(
            None, f"{sampler_name} injects noise: the image keeps changing with the step count and does not settle."
        )
    enough = reference
    for count, value in reversed(ladder):
        if not value >= visible:
            break
        enough = count
    if enough == reference:
        below, value = ladder[-2]
        return SweetSpot(
            None,
            f"Not reached: {below} steps still differ visibly from {reference} (SSIM {value:.3f} < {visible:g}); "
            "add larger step counts.",
        )
    value = dict(ladder)[enough]
    return SweetSpot(
        enough,
        f"From {enough} steps on no larger count shows a visible change against {reference} "
        f"(SSIM {value:.3f} >= {visible:g}).",
    )
