"""What a comparison runs, and what came of it: tasks, runs, and series of runs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .measures.levels import Levels
from .measures.structure import Image

LARGEST_SEED = 0xFFFFFFFFFFFFFFFF


@dataclass(frozen=True)
class Sampling:
    """How to sample, but for the step count.

    Attributes:
        seed: of the starting noise.
        cfg: guidance scale in ComfyUI's convention, 1 is off.
        sampler_name: ComfyUI's sampler name.
        scheduler: ComfyUI's scheduler name.
        denoise: share of the noise that is applied, 0 to 1.
        sigmas: an exact schedule in place of the scheduler's, falling; empty for none.
    """

    seed: int
    cfg: float
    sampler_name: str
    scheduler: str
    denoise: float = 1.0
    sigmas: tuple[float, ...] = ()

    def with_seed(self, number: int) -> "Sampling":
        """Return the same with the seed that many further on. Past the largest comes 0, as in ComfyUI's own control."""
        return replace(self, seed=(self.seed + number) % (LARGEST_SEED + 1))


@dataclass(frozen=True)
class Task:
    """One image, or batch of images, to make.

    Attributes:
        sampling: how.
        steps: the step count.
    """

    sampling: Sampling
    steps: int


@dataclass(frozen=True)
class Settings:
    """What all runs of a series have in common.

    Attributes:
        engine: what ran it: `comfyui` or `diffusers`.
        variant: the model's variant, or `unknown`.
        source: where the model or the knowledge of its variant comes from.
        sampler: ComfyUI's sampler name.
        scheduler: ComfyUI's scheduler name.
        cfg: guidance scale in ComfyUI's convention, 1 is off.
        seed: seed of the starting noise, the first one of several.
        seeds: how many seeds ran, each one more than the one before.
        denoise: share of the noise that was applied.
        same_start: whether all step counts start at the same noise level: below a denoise of 1 some schedulers do not.
        label: sets the series apart from another one of the same sampler, scheduler and cfg; empty where not needed.
        trained_steps: lowest and highest step count that a distilled model was trained for, None for others.
    """

    engine: str
    variant: str
    source: str
    sampler: str
    scheduler: str
    cfg: float
    seed: int
    seeds: int = 1
    trained_steps: tuple[int, int] | None = None
    denoise: float = 1.0
    same_start: bool = True
    label: str = ""

    @property
    def name(self) -> str:
        """What sets a series apart from the others of its comparison."""
        name = f"{self.sampler}, {self.scheduler}, cfg {self.cfg:g}"
        name += f", denoise {self.denoise:g}" if self.denoise < 1 else ""
        return f"{name}, {self.label}" if self.label else name


@dataclass(frozen=True)
class Run:
    """One step count of a comparison.

    Attributes:
        steps: the step count.
        model_calls: evaluations of the denoiser, of one sampling.
        seconds: sampling time, warm, without model loading and decoding; the mean over the seeds.
        images: decoded images, shape (images, height, width, channels): 8-bit levels, or floats in [0, 1].
        reused: whether it was computed by an earlier comparison.
        together: whether it shared its model calls with other runs; `seconds` is then what its calls take alone.
        own_solver: whether this pack's solver made it, not the engine's own sampler.
        embeddings: what a vision model says of each image, shape (images, features); None where none was asked.
    """

    steps: int
    model_calls: int
    seconds: float
    images: Image | Levels
    reused: bool = False
    together: bool = False
    own_solver: bool = False
    embeddings: NDArray[np.floating] | None = None


@dataclass(frozen=True)
class Series:
    """The runs of one sampler, scheduler and guidance.

    Attributes:
        settings: what they have in common.
        runs: one for each step count.
    """

    settings: Settings
    runs: Sequence[Run]


def over_seeds(runs: Sequence[Run]) -> Run:
    """Return the runs of one step count and several seeds as one: all images, in the order of the seeds."""
    if len(runs) == 1:
        return runs[0]
    embeddings = [run.embeddings for run in runs if run.embeddings is not None]
    return replace(
        runs[0],
        seconds=float(np.mean([run.seconds for run in runs])),
        images=np.concatenate([run.images for run in runs]),
        reused=all(run.reused for run in runs),
        together=any(run.together for run in runs),
        embeddings=np.concatenate(embeddings) if len(embeddings) == len(runs) else None,
    )
