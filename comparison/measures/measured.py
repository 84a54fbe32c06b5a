"""Everything that is measured of one image against its reference."""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from .colour import delta_e, lab_seen
from .own import statistics
from .pixels import to_pixels
from .structure import Windows, psnr, rms, scales, structure
from .visibility import Look


@dataclass(frozen=True)
class Measured:
    """One image, measured against the reference's image of the same seed.

    See `Look`, `Structure`, `psnr`, `delta_e` and `statistics`.
    """

    similarity: float
    ssim: float
    ms_ssim: float
    worst_tile: float
    psnr: float
    delta_e: float
    semantic: float | None
    sharpness: float
    contrast: float
    noise: float


class Prepared:
    """An image, prepared for being measured: each part is computed once, when it is first used.

    Args:
        image: 8-bit levels or floats in [0, 1], shape (height, width, channels).
        device: the torch device that measures.
    """

    def __init__(self, image: NDArray[Any], device: str = "cpu") -> None:
        self._image, self._device = image, device

    @cached_property
    def pixels(self) -> Tensor:
        """Its values in [0, 1], shape (channels, height, width)."""
        return to_pixels(self._image, self._device)

    @cached_property
    def look(self) -> Look:
        """What a person sees of it."""
        return Look.of(self.pixels)

    @cached_property
    def windows(self) -> list[Windows]:
        """Its scales for SSIM."""
        return list(scales(self.pixels))

    @cached_property
    def lab(self) -> Tensor:
        """Its colours."""
        return lab_seen(self.pixels)

    def similarity(self, reference: "Prepared") -> float:
        """Return how similar both look; see `Look.similarity`."""
        return self.look.similarity(reference.look)

    def distance(self, other: "Prepared") -> float:
        """Return the root mean square of the difference of both."""
        return rms(self.pixels, other.pixels)

    def measured(self, reference: "Prepared", semantic: float | None = None) -> Measured:
        """Return all measurements.

        Args:
            reference: the reference's image.
            semantic: the semantic distance to it; None without a vision model.

        Raises:
            ValueError: if the images differ in shape.
        """
        # Only a reference is used again, so what is large of another image is not kept.
        is_reference = self is reference
        look = self.look if is_reference else Look.of(self.pixels)
        similarity = look.similarity(reference.look)
        del look
        own = self.windows if is_reference else scales(self.pixels)
        return Measured(
            similarity=similarity,
            **asdict(structure(own, reference.windows)),
            psnr=psnr(self.pixels, reference.pixels),
            delta_e=delta_e(self.lab, reference.lab),
            semantic=semantic,
            **asdict(statistics(self.pixels)),
        )
