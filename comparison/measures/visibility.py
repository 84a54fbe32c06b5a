"""How similar two images look to a person, on one scale: 1 - the mean FLIP of the worst tile of 16 pixels.

Measured on 36 kinds of alterations of photographs (see tests/comparison/measures/alterations.py): all that are visible
side by side are below the first threshold, none that is invisible is, and nearly all that show when two images are
flipped in place are below the second.
"""

from dataclasses import dataclass

from torch import Tensor

from .filters import tile_means
from .flip import Seen, flip_map, seen

# 1 - similarity grows with this power of the difference of two images: FLIP's 0.7 for colours, a little more at edges.
EXPONENT = 0.72
_TILE = 16


@dataclass(frozen=True)
class Visible:
    """Which differences count.

    Attributes:
        when: when they are seen: `side by side`, `flipped in place`, or `to you`, by a threshold of the user's own.
        below: the similarity below which a difference is seen that way.
    """

    when: str
    below: float

    @classmethod
    def of(cls, below: float) -> "Visible":
        """Return which differences have less than this similarity."""
        known = (each for each in (SIDE_BY_SIDE, FLIPPED_IN_PLACE) if abs(each.below - below) < _SAME)
        return next(known, cls("to you", below))


SIDE_BY_SIDE = Visible("side by side", 0.895)
FLIPPED_IN_PLACE = Visible("flipped in place", 0.94)
_SAME = 1e-6


@dataclass(frozen=True)
class Look:
    """What a person sees of an image; a reference is prepared once for all images that are compared with it."""

    seen: Seen

    @classmethod
    def of(cls, image: Tensor) -> "Look":
        """Return what is seen of an image in [0, 1], shape (channels, height, width); grey images have one channel."""
        colours = image[:3] if len(image) >= 3 else image[:1].expand(3, -1, -1)
        if len(image) == 4:
            # What is transparent is seen before grey.
            colours = colours * image[3] + 0.5 * (1 - image[3])
        return cls(seen(colours))

    def similarity(self, reference: "Look") -> float:
        """Return how similar they look, 0 to 1; 1 for equal images.

        Raises:
            ValueError: if the images differ in size.
        """
        sizes = [tuple(each.seen.edges.shape) for each in (self, reference)]
        if sizes[0] != sizes[1]:
            raise ValueError(f"image: expected (height, width) like the reference's {sizes[1]}, got {sizes[0]}")
        return 1 - float(tile_means(flip_map(self.seen, reference.seen), _TILE).max())


def difference_of(similarity: float) -> float:
    """Return a number in proportion to the difference of two images that look this similar."""
    return max(1 - similarity, 0.0) ** (1 / EXPONENT)
