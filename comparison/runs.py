"""What a comparison runs and the results: tasks, runs, and series of runs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .measures.levels import Image, Levels
from .measures.visibility import SIDE_BY_SIDE, Visible

# How a run's seconds came about: measured around the sampling of a warm model; the same, but a model's first run; the
# time of whole sampler nodes; worked out from other runs; or not known.
Timing = Literal["sampling", "first run", "node", "estimated", "unknown"]

LARGEST_SEED = 0xFFFFFFFFFFFFFFFF


@dataclass(frozen=True)
class Sampling:
    """How to sample, except for the step count.

    Attributes:
        seed: seed of the starting noise.
        cfg: guidance scale in ComfyUI's convention, 1 is off; nan if it is not known.
        sampler_name: ComfyUI's sampler name.
        scheduler: ComfyUI's scheduler name.
        denoise: share of the noise that is applied, 0 to 1.
        sigmas: an exact falling schedule instead of the scheduler's; empty to use the scheduler's.
        model: which of the engine's models, from 0.
        prompt: which of the engine's prompts, from 0.
    """

    seed: int
    cfg: float
    sampler_name: str
    scheduler: str
    denoise: float = 1.0
    sigmas: tuple[float, ...] = ()
    model: int = 0
    prompt: int = 0

    def with_seed(self, number: int) -> "Sampling":
        """Return the same settings with the seed higher by `number`; after the largest seed comes 0, as in ComfyUI."""
        return replace(self, seed=(self.seed + number) % (LARGEST_SEED + 1))


@dataclass(frozen=True)
class Task:
    """One image, or batch of images, to make.

    Attributes:
        sampling: how to sample.
        steps: the step count.
    """

    sampling: Sampling
    steps: int


@dataclass(frozen=True)
class Settings:
    """What all runs of a series have in common.

    Attributes:
        engine: the engine that ran it, `comfyui` or `diffusers`.
        variant: the model's variant, or `unknown`.
        source: where the model, or the information about its variant, comes from.
        sampler: ComfyUI's sampler name.
        scheduler: ComfyUI's scheduler name.
        cfg: guidance scale in ComfyUI's convention, 1 is off; None if it is not known.
        seed: seed of the starting noise; the first one if there are several.
        seeds: how many seeds ran, each one higher by 1 than the last.
        prompts: how many prompts ran, each with every seed.
        denoise: share of the noise that was applied.
        same_start: whether all step counts start at the same noise level; below denoise 1, some schedulers don't.
        label: the name to show; empty to make it from the settings.
        trained_steps: lowest and highest step count that a distilled model was trained for; None for others.
        visible: which differences count: those seen side by side, or also those seen when flipped in place.
        noisy: whether a test has shown that the sampler injects noise, although its name doesn't say so.
    """

    engine: str
    variant: str
    source: str
    sampler: str
    scheduler: str
    cfg: float | None
    seed: int
    seeds: int = 1
    prompts: int = 1
    trained_steps: tuple[int, int] | None = None
    denoise: float = 1.0
    same_start: bool = True
    label: str = ""
    visible: Visible = SIDE_BY_SIDE
    noisy: bool = False

    @property
    def name(self) -> str:
        """A name that distinguishes the series from the others of its comparison."""
        if self.label:
            return self.label
        name = f"{self.sampler}, {self.scheduler}"
        name += "" if self.cfg is None else f", cfg {self.cfg:g}"
        return f"{name}, denoise {self.denoise:g}" if self.denoise < 1 else name


@dataclass(frozen=True)
class Run:
    """One step count of a comparison.

    Attributes:
        steps: the step count.
        model_calls: evaluations of the denoiser for one seed.
        seconds: sampling time, warm, without model loading and decoding; the mean over the seeds.
        images: decoded images, shape (images, height, width, channels): 8-bit levels, or floats in [0, 1].
        reused: whether an earlier comparison computed it.
        together: whether it shared its model calls with other runs; if so, `seconds` is what its calls take alone.
        own_solver: whether this pack's solver made it instead of the engine's own sampler.
        embeddings: a vision model's embedding of each image, shape (images, features); None without a vision model.
        clip: name of a file with the whole video or sound, in the viewer's folder; empty without one.
        levels: the noise levels that it visited, falling; empty if they are not known.
        timing: how the seconds came about. The model calls are not known, and 0, if it is `node`, `unknown`, or
            `estimated` from runs of which they are not known.
    """

    steps: int
    model_calls: int
    seconds: float
    images: Image | Levels
    reused: bool = False
    together: bool = False
    own_solver: bool = False
    embeddings: NDArray[np.floating] | None = None
    timing: Timing = "sampling"
    levels: tuple[float, ...] = ()
    clip: str = ""

    @property
    def counted(self) -> bool:
        """Whether the model calls are known."""
        return self.model_calls > 0 or self.timing in ("sampling", "first run")


@dataclass(frozen=True)
class Series:
    """The runs of one sampler, scheduler and guidance.

    Attributes:
        settings: what the runs have in common.
        runs: one for each step count.
    """

    settings: Settings
    runs: Sequence[Run]


def joined(runs: Sequence[Run]) -> Run:
    """Combine the runs of one step count, with several prompts and seeds, into one run with all images, in order."""
    if len(runs) == 1:
        return runs[0]
    embeddings = [run.embeddings for run in runs if run.embeddings is not None]
    timed = [run for run in runs if run.timing != "unknown"] or list(runs)
    return replace(
        timed[0],
        seconds=float(np.mean([run.seconds for run in timed])),
        images=np.concatenate([run.images for run in runs]),
        reused=all(run.reused for run in runs),
        together=any(run.together for run in runs),
        embeddings=np.concatenate(embeddings) if len(embeddings) == len(runs) else None,
    )
