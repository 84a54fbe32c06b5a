"""Measures the images of runs against those of other runs, each pair once."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from ..measures.measured import Measured, Prepared
from ..runs import Run


class Measuring:
    """Keeps all measurements of a comparison, because most runs are judged again after each round.

    Only one image of the run that the others are measured against is prepared at a time, to save memory.

    Args:
        device: the torch device that measures.
        watch: called before each image is measured; may raise to stop.
    """

    def __init__(self, device: str = "cpu", watch: Callable[[], None] = lambda: None) -> None:
        self._device, self._watch = device, watch
        self._known: dict[tuple[int, int, str], list[Any]] = {}
        # Runs are told apart by their address, so none may be freed and its address be used again.
        self._held: list[Run] = []

    def measured(self, runs: Sequence[Run], reference: Run) -> list[list[Measured]]:
        """Return all measurements of each run's images.

        Raises:
            ValueError: if the images differ in shape or number.
        """

        def measure(run: Run, number: int, end: Prepared) -> Measured:
            image = end if run is reference else Prepared(run.images[number], self._device)
            return image.measured(end, _semantic(run, reference, number))

        return self._each(runs, reference, "measured", measure)

    def similarity(self, runs: Sequence[Run], other: Run) -> list[list[float]]:
        """Return how similar each run's images look to those of another run.

        Raises:
            ValueError: if the images differ in shape or number.
        """

        def measure(run: Run, number: int, end: Prepared) -> float:
            return Prepared(run.images[number], self._device).similarity(end)

        return self._each(runs, other, "similarity", measure)

    def distance(self, run: Run, other: Run) -> list[float]:
        """Return the root mean square of the difference of each image of two runs."""

        def measure(run: Run, number: int, end: Prepared) -> float:
            return Prepared(run.images[number], self._device).distance(end)

        return self._each([run], other, "distance", measure)[0]

    def _each(
        self, runs: Sequence[Run], other: Run, what: str, measure: Callable[[Run, int, Prepared], Any]
    ) -> list[list[Any]]:
        for run in runs:
            _check_number(run, other)
        keys = [(id(run), id(other), what) for run in runs]
        missing = [(key, run) for key, run in zip(keys, runs, strict=True) if key not in self._known]
        found: dict[tuple[int, int, str], list[Any]] = {key: [] for key, _ in missing}
        for number in range(len(other.images) if missing else 0):
            end = Prepared(other.images[number], self._device)
            for key, run in missing:
                self._watch()
                try:
                    found[key].append(measure(run, number, end))
                except torch.cuda.OutOfMemoryError:
                    # The model fills the GPU: go on beside it.
                    self._device = "cpu"
                    end = Prepared(other.images[number], self._device)
                    found[key].append(measure(run, number, end))
        self._known |= found
        self._held += [*(run for _, run in missing), other]
        return [self._known[key] for key in keys]


def _check_number(run: Run, other: Run) -> None:
    if len(run.images) != len(other.images):
        raise ValueError(
            f"images: expected {len(other.images)}, as many as the run of {other.steps} steps has, got "
            f"{len(run.images)} at {run.steps} steps"
        )


def _semantic(run: Run, reference: Run, number: int) -> float | None:
    """Return 1 - the cosine of the angle between the embeddings of an image and its reference; None without them."""
    if run.embeddings is None or reference.embeddings is None:
        return None
    image, end = (values[number].astype(np.float64) for values in (run.embeddings, reference.embeddings))
    length = float(np.linalg.norm(image) * np.linalg.norm(end))
    return max(0.0, 1 - float(image @ end) / length) if length else 0.0
