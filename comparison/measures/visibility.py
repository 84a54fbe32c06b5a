"""How similar two images look to a person, on one scale: 1 - the mean FLIP of the worst tile of 16 pixels.

Measured on 36 kinds of alterations of photographs (see tests/comparison/measures/alterations.py): all that are visible
side by side are below the first threshold, none that is invisible is, and nearly all that show when two images are
flipped in place are below the second.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from .flip import Seen, flip_map, seen, worst_tile
from .structure import Image

Visible = Literal["side by side", "flipped in place"]
# Below it, a difference is visible that way.
THRESHOLDS: dict[Visible, float] = {"side by side": 0.895, "flipped in place": 0.94}
SIDE_BY_SIDE: Visible = "side by side"
# 1 - similarity grows with this power of the difference of two images: FLIP's 0.7 for colours, a little more at edges.
EXPONENT = 0.72


@dataclass(frozen=True)
class Look:
    """What a person sees of an image; a reference is prepared once for all images that are compared with it."""

    seen: Seen

    @classmethod
    def of(cls, image: Image, device: str = "cpu") -> "Look":
        """Return what is seen of an image in [0, 1], shape (height, width, channels); grey images have one channel."""
        colours = image[..., :3] if image.shape[-1] >= 3 else np.repeat(image[..., :1], 3, axis=-1)
        channels = torch.from_numpy(np.ascontiguousarray(colours, dtype=np.float32)).to(device).permute(2, 0, 1)
        return cls(seen(channels))

    def similarity(self, reference: "Look") -> float:
        """Return how similar they look, 0 to 1; 1 for equal images.

        Raises:
            ValueError: if the images differ in size.
        """
        sizes = [tuple(each.seen.edges.shape) for each in (self, reference)]
        if sizes[0] != sizes[1]:
            raise ValueError(f"image: expected (height, width) like the reference's {sizes[1]}, got {sizes[0]}")
        return 1 - worst_tile(flip_map(self.seen, reference.seen))
