"""The rare settings of a comparison, as Compare Options passes them to the comparison nodes."""

from dataclasses import dataclass, field, replace
from typing import Any

from ...comparison.measures.visibility import SIDE_BY_SIDE, Visible
from ...comparison.report import Price
from ..model.user_settings import memory_megabytes, threshold_percent
from .shared_calls import AUTO


@dataclass(frozen=True)
class Options:
    """The rare settings of a comparison.

    Attributes:
        visible: which differences count.
        check: whether another solver checks the reference.
        together: `auto`, `on` or `off`: whether step counts share model calls if they can.
        cache_megabytes: memory for finished images, in MB; 0 clears it.
        price: what sampling costs.
        frames: which frames of a video to compare.
        full_precision: whether images are kept as they are decoded, instead of as 8-bit levels.
        clip_vision: CLIP_VISION for the semantic distance; None for no such distance.
    """

    visible: Visible = SIDE_BY_SIDE
    check: bool = True
    together: str = AUTO
    cache_megabytes: int = 1024
    price: Price = field(default_factory=Price)
    frames: str = "first, middle, last"
    full_precision: bool = False
    clip_vision: Any = None

    @classmethod
    def usual(cls) -> "Options":
        """Return those of a comparison without a Compare Options node: the user's own, or else the defaults."""
        default = cls()
        threshold = threshold_percent(100 * default.visible.below)
        return replace(
            default, visible=Visible.of(threshold / 100), cache_megabytes=memory_megabytes(default.cache_megabytes)
        )

    def __repr__(self) -> str:
        """Return a short text, because ComfyUI shows inputs in error messages."""
        return "comparison options"
