"""What judging a series gives: each run measured, the estimate of what is left, and the verdict."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..runs import Run, Settings
from .sweet_spot import SweetSpot

# Measures and statistics of which a run's entry in the report holds the mean, with its digits.
MEANS = {"ssim": 6, "ms_ssim": 6, "delta_e": 4, "semantic": 6, "sharpness": 3, "contrast": 3, "noise": 3}


@dataclass(frozen=True)
class Measured:
    """One image against that of its own seed at the reference: see `Structure`, `psnr`, `delta_e`, `statistics`."""

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


# What was measured of a step count against its reference, both by their numbers.
Measurements = dict[tuple[int, int], tuple[Measured, ...]]


@dataclass(frozen=True)
class JudgedRun:
    """One step count of a series, measured over all its images.

    Attributes:
        run: what ran.
        measured: of each image.
        similarity: the pooled similarity, which the verdict goes by.
        psnr: of the images' mean error, None where all are equal to the reference's.
        worst_tile: the lowest of the images'.
        means: of the other measures and statistics, by name; None where there is none.
        enough_for: for how many images this count, and all others up to the reference, are like the reference.
    """

    run: Run
    measured: tuple[Measured, ...]
    similarity: float
    psnr: float | None
    worst_tile: float
    means: Mapping[str, float | None]
    enough_for: int


@dataclass(frozen=True)
class Estimate:
    """What three of the runs say of the reference, by extrapolation.

    Attributes:
        steps: the three step counts.
        order: median order of convergence over the images, None where none of them moves any more.
        reference_similarity: estimated similarity of the reference to what ever more steps would give, pooled.
        enough_at: step count by which nothing visible would be left to change; None where none is near, or where the
            sweet spot has been found.
    """

    steps: tuple[int, int, int]
    order: float | None
    reference_similarity: float
    enough_at: int | None


@dataclass(frozen=True)
class Judgement:
    """What a series shows.

    Attributes:
        settings: what its runs have in common.
        runs: its runs, rising, each measured.
        reference: the step count that the others are measured against.
        sweet_spot: the verdict over all images.
        own: each image's own sweet spot, None where it has none.
        reference_similarity: estimated similarity of the reference to what ever more steps would give, None where
            there is no estimate.
        convergence: the estimate from three of the runs, None where they allow none.
        knee: where most of the gain is reached; None where the curve has no knee.
        settled_from: the count from which on the statistics stay the same, None where that is not shown.
    """

    settings: Settings
    runs: tuple[JudgedRun, ...]
    reference: int
    sweet_spot: SweetSpot
    own: tuple[int | None, ...]
    reference_similarity: float | None
    convergence: Estimate | None
    knee: int | None
    settled_from: int | None

    @property
    def counts(self) -> list[int]:
        """The step counts, rising."""
        return [judged.run.steps for judged in self.runs]

    @property
    def similarity(self) -> list[float]:
        """The pooled similarity of each run."""
        return [judged.similarity for judged in self.runs]

    @property
    def reference_run(self) -> Run:
        """The run that the others are measured against."""
        return self.runs[self.counts.index(self.reference)].run
