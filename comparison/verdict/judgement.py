"""The result of judging a series: each run's measurements, the estimate of what is left, and the verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..measures.measured import Measured
from ..runs import Run, Settings
from .estimate import Estimate
from .second_opinion import Better, Check
from .sweet_spot import SweetSpot

# Measures and statistics of which a run's entry in the report holds the mean, with its digits.
MEANS = {"ssim": 6, "ms_ssim": 6, "delta_e": 4, "semantic": 6, "sharpness": 3, "contrast": 3, "noise": 3}


@dataclass(frozen=True)
class JudgedRun:
    """One step count of a series, measured over all its images.

    Attributes:
        run: the run itself.
        measured: the measurements of each image.
        similarity: the pooled similarity to the reference.
        check_similarity: the pooled similarity to the check run; None without one.
        psnr: PSNR of the images' mean error; None if all images equal the reference's.
        worst_tile: the lowest worst tile of all images.
        means: means of the other measures and statistics, by name; None if a measure is missing.
        enough_for: for how many images this count and all larger ones look like the reference and the check.
    """

    run: Run
    measured: Sequence[Measured]
    similarity: float
    check_similarity: float | None
    psnr: float | None
    worst_tile: float
    means: Mapping[str, float | None]
    enough_for: int


@dataclass(frozen=True)
class Judgement:
    """The judged series.

    Attributes:
        settings: what its runs have in common.
        runs: its runs, by rising step count, each measured.
        reference: the step count that the others are measured against.
        sweet_spot: the verdict over all images.
        own: each image's own sweet spot; None for an image that has none.
        reference_similarity: similarity of the reference to the converged image: to the check run, or else estimated;
            None if neither is known.
        to_ends: for each count up to the reference, the pooled similarity on which the verdict is based.
        convergence: the estimate from three of the runs; None if they don't allow one.
        knee: the step count that gives most of the gain; None if the curve has no knee.
        settled_from: the step count from which on the statistics stay the same; None if the images don't show that.
        check: what a second opinion showed about the reference; None without one.
        better: settings that reach the converged image with fewer model calls; None if none are known.
        check_run: the last check run; None without one.
    """

    settings: Settings
    runs: tuple[JudgedRun, ...]
    reference: int
    sweet_spot: SweetSpot
    own: tuple[int | None, ...]
    reference_similarity: float | None
    to_ends: tuple[float, ...]
    convergence: Estimate | None
    knee: int | None
    settled_from: int | None
    check: Check | None = None
    better: Better | None = None
    check_run: Run | None = None

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
