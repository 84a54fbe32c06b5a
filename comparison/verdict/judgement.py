"""The result of judging a series: each run's measurements, the estimate of what is left, and the verdict."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..runs import Run, Settings
from .second_opinion import Check
from .sweet_spot import SweetSpot

# Measures and statistics of which a run's entry in the report holds the mean, with its digits.
MEANS = {"ssim": 6, "ms_ssim": 6, "delta_e": 4, "semantic": 6, "sharpness": 3, "contrast": 3, "noise": 3}


@dataclass(frozen=True)
class Measured:
    """One image, measured against the reference's image of the same seed.

    See `Structure`, `psnr`, `delta_e` and `statistics`.
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


# Measurements of a run's images, by the step counts of the run and its reference.
Measurements = dict[tuple[int, int], tuple[Measured, ...]]


@dataclass(frozen=True)
class JudgedRun:
    """One step count of a series, measured over all its images.

    Attributes:
        run: the run itself.
        measured: the measurements of each image.
        similarity: the pooled similarity, on which the verdict is based.
        psnr: PSNR of the images' mean error; None if all images equal the reference's.
        worst_tile: the lowest worst tile of all images.
        means: means of the other measures and statistics, by name; None if a measure is missing.
        enough_for: for how many images this count and all larger ones up to the reference look like the reference.
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
    """An estimate of how far the reference has converged, extrapolated from three of the runs.

    Attributes:
        steps: the three step counts.
        order: median order of convergence over the images; None if none of them changes any more.
        reference_similarity: estimated similarity of the reference to the fully converged image, pooled.
        enough_at: estimated step count from which no visible change is left; None if that is far above the largest
            run, or if the sweet spot has been found.
    """

    steps: tuple[int, int, int]
    order: float | None
    reference_similarity: float
    enough_at: int | None


@dataclass(frozen=True)
class Judgement:
    """The judged series.

    Attributes:
        settings: what its runs have in common.
        runs: its runs, by rising step count, each measured.
        reference: the step count that the others are measured against.
        sweet_spot: the verdict over all images.
        own: each image's own sweet spot; None for an image that has none.
        reference_similarity: estimated similarity of the reference to the fully converged image; None without an
            estimate.
        convergence: the estimate from three of the runs; None if they don't allow one.
        knee: the step count that gives most of the gain; None if the curve has no knee.
        settled_from: the step count from which on the statistics stay the same; None if the images don't show that.
        check: what a second opinion showed about the reference; None without one.
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
    check: Check | None = None

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
