"""How good a recipe's images are: first how many look finished, then how similar they are on average."""

from collections.abc import Sequence
from dataclasses import dataclass

# Means of few images that differ by less than this may as well be the other way round.
_SLACK = 0.002


@dataclass(frozen=True, order=True)
class Score:
    """The images of one recipe against the references, over some cases. Larger is better.

    A schedule may lower the mean error and still turn more images into other ones, so their number comes first.

    Attributes:
        share: the share of images that do not visibly differ from their references.
        mean: the mean similarity.
        worst: the lowest similarity.
        images: how many images there are.
    """

    share: float
    mean: float
    worst: float
    images: int

    @classmethod
    def of(cls, similarity: Sequence[float], visible: float) -> "Score":
        """Return the score of images with these similarities to their references.

        Args:
            similarity: of each image, at least one.
            visible: the similarity below which a difference is visible.
        """
        alike = sum(value >= visible for value in similarity)
        count = len(similarity)
        return cls(alike / count, sum(similarity) / count, min(similarity), count)

    @property
    def finished(self) -> int:
        """How many images look finished."""
        return round(self.share * self.images)

    def is_no_worse_than(self, other: "Score") -> bool:
        """Return whether no fewer images look finished, and these are as similar on average, to within rounding."""
        return self.share > other.share or (self.share == other.share and self.mean >= other.mean - _SLACK)
