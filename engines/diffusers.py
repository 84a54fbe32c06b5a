"""The engine outside ComfyUI: runs a comparison in diffusers' own pipelines, with ComfyUI's noise, schedule and cfg."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ..comparison.frames import choose_frames
from ..comparison.runs import Run, Sampling, Task
from ..samplers.noise_levels import NoiseLevels
from ..samplers.schedulers import SCHEDULERS, make_schedule
from ..samplers.schedules import MAX_STEPS
from ..samplers.solvers import SOLVERS
from .conventions import Size, convention_of
from .finished_runs import FinishedRuns
from .step_scheduler import FLOW, Plan, StepScheduler, asked_levels
from .trained_levels import levels_of, prediction_of, shift_of

# Returns a pipeline's arguments for a prompt and a negative prompt; the latter is None if it plays no part.
Words = Callable[[str, str | None], Mapping[str, Any]]
# Above this denoise, ComfyUI uses the whole schedule.
_WHOLE = 0.9999


@dataclass(frozen=True)
class Scene:
    """What all runs of a comparison show.

    Attributes:
        positives: prompts, of which each run uses one.
        negative: prompt to steer away from, usually empty.
        size: width and height in pixels.
        length: frames of a video; 1 for an image.
        frames: which frames of a video to keep.
    """

    positives: tuple[str, ...]
    negative: str = ""
    size: tuple[int, int] = (128, 128)
    length: int = 1
    frames: str = "first, middle, last"


class OutOfMemoryError(RuntimeError):
    """A GPU's memory was not enough for a run of so many `steps` with a sampler."""

    def __init__(self, steps: int, sampler_name: str) -> None:
        super().__init__(f"{steps} steps: the GPU's memory is not enough; try --offload model or another --size")
        self.steps, self.sampler_name = steps, sampler_name


class DiffusersModel:
    """A pipeline whose scheduler is replaced by ours.

    Args:
        pipeline: one of the classes in `conventions.py`.
        words: turns prompts into arguments; by default, the pipeline reads the prompts itself.
        shift: the linear shift of a flow-matching model; None for what the pipeline's scheduler says.

    Raises:
        ValueError: if the pipeline's class or scheduler is not supported.
    """

    def __init__(self, pipeline: Any, words: Words | None = None, shift: float | None = None) -> None:
        self.pipeline, self.name = pipeline, type(pipeline).__name__
        self.convention = convention_of(self.name)
        scheduler = pipeline.scheduler
        self._config = {**scheduler.config, "_class_name": type(scheduler).__name__}
        self.prediction = prediction_of(self._config)
        if shift is not None and self.prediction != FLOW:
            raise ValueError(f"shift: expected none, because this model predicts {self.prediction}; got {shift:g}")
        self._words, self._shift = words or _as_text(negative=self.convention.negative), shift
        self._scheduler = StepScheduler(self.prediction)
        pipeline.scheduler = self._scheduler
        pipeline.set_progress_bar_config(disable=True)

    @property
    def place(self) -> str:
        """The device and the dtype with which it computes."""
        denoiser = getattr(self.pipeline, "unet", None) or self.pipeline.transformer
        return f"{self.pipeline._execution_device} {denoiser.dtype}"  # noqa: SLF001 - offloading moves `device`

    @property
    def notes(self) -> list[str]:
        """What the user should know of this pipeline."""
        return [self.convention.note] if self.convention.note else []

    @property
    def has_cfg(self) -> bool:
        """Whether the model has classifier-free guidance."""
        return bool(self.convention.scale) and not self.pipeline.config.get("is_distilled")

    def check(self, scene: Scene) -> None:
        """Refuse a scene that the pipeline can't make.

        Raises:
            ValueError: names what, what is allowed and what came.
        """
        multiple, step = self.convention.multiple(self.pipeline), self.convention.frames_step
        if any(side <= 0 or side % multiple for side in scene.size):
            raise ValueError(f"size: expected width and height as multiples of {multiple}, got {scene.size}")
        if scene.length < 1 or (scene.length - 1) % step if step else scene.length != 1:
            allowed = f"1 more than a multiple of {step}" if step else "1, because this model makes images"
            raise ValueError(f"length: expected {allowed}, got {scene.length}")
        if scene.negative and not self.convention.negative:
            raise ValueError(
                f"negative: expected an empty text, because {self.name} takes none; got {scene.negative!r}"
            )

    def check_cfg(self, cfg: float) -> None:
        """Refuse a cfg that the pipeline can't apply.

        Raises:
            ValueError: names what is allowed and what came.
        """
        if not self.has_cfg and cfg != 1:
            raise ValueError(f"cfg: expected 1, because this {self.name} has no classifier-free guidance; got {cfg:g}")
        if not cfg >= 1:
            raise ValueError(f"cfg: expected at least 1 on diffusers, got {cfg:g}")

    def levels(self, scene: Scene) -> NoiseLevels:
        """Return the model's noise levels for images of a scene's size."""
        shift = 1.0
        if self._shift is not None:
            shift = self._shift
        elif self.convention.mu:
            shift = math.exp(self.convention.mu)
        elif self.prediction == FLOW:
            positions = math.prod(self.convention.shape(self.pipeline, _size_of(scene))[1:])
            shift = shift_of(self._config, positions // self.convention.positions)
        return levels_of(self._config, shift, self.convention.trained_levels(self.pipeline))

    def run(
        self,
        scene: Scene,
        sampling: Sampling,
        levels: Sequence[float],
        guidance: float | None = None,
        on_call: Callable[[int, int], None] = lambda _done, _calls: None,
    ) -> tuple[int, float, Tensor]:
        """Make one image or video.

        Args:
            scene: what it shows.
            sampling: seed, cfg and sampler.
            levels: falling noise levels.
            guidance: distilled guidance; None for the pipeline's own default.
            on_call: called after each model call with its number, from 1, and how many there are.

        Returns:
            Model calls, seconds of the sampling, and the images, in [0, 1], shape (images, height, width, channels).

        Raises:
            ValueError: if the image contains NaN or Inf.
        """
        calls, ended = len(asked_levels(sampling.sampler_name, levels)), 0.0

        def watch(number: int, clean: Tensor) -> None:
            nonlocal ended
            on_call(number + 1, calls)
            if number + 1 == calls:
                # Reading one element waits until the device has finished.
                clean.flatten()[:1].cpu()
                ended = time.perf_counter()

        trained = None if self.prediction == FLOW else self.levels(scene)
        plan = Plan(tuple(levels), sampling.sampler_name, watch)
        denoiser = getattr(self.pipeline, "unet", None) or self.pipeline.transformer
        self._scheduler.plan(plan, trained, denoiser.dtype)
        made = self.pipeline(
            **self._arguments(scene, sampling, guidance),
            latents=self._start(scene, sampling.seed, levels[0]),
            num_inference_steps=len(levels) - 1,
            output_type="pt",
        )
        images = _frames_of(made, scene.frames)
        if not torch.isfinite(images).all():
            raise ValueError("image: expected finite numbers, got NaN or Inf; try another --dtype, e.g. float32")
        return calls, ended - self._scheduler.began, images

    def _start(self, scene: Scene, seed: int, first_level: float) -> Tensor:
        """Return the noise that ComfyUI draws, as the pipeline takes it; the empty latent adds nothing to it."""
        shape = (1, *self.convention.shape(self.pipeline, _size_of(scene)))
        noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
        # The other pipelines multiply by `init_noise_sigma` themselves.
        return self.convention.given(noise * first_level if self.prediction == FLOW else noise)

    def _arguments(self, scene: Scene, sampling: Sampling, guidance: float | None) -> dict[str, Any]:
        row = self.convention
        words = self._words(scene.positives[sampling.prompt], scene.negative if sampling.cfg > 1 else None)
        arguments = {**words, "width": scene.size[0], "height": scene.size[1]}
        if row.frames_step:
            arguments["num_frames"] = scene.length
        if row.scale:
            arguments[row.scale] = sampling.cfg - row.below
        if row.guidance and guidance is not None:
            arguments[row.guidance] = guidance
        return arguments


class DiffusersEngine:
    """Runs a comparison's tasks on diffusers; see `comparison/engine.py`. Ctrl+C cancels.

    Args:
        model: the model.
        scene: prompts and image size of all runs.
        guidance: distilled guidance; None for the pipeline's default.
        finished: keeps finished runs; None keeps none.
        progress: called with what runs, the model calls that are done, and how many there are.
        notes: what the user should know besides.
    """

    name = "diffusers"

    def __init__(
        self,
        model: DiffusersModel,
        scene: Scene,
        guidance: float | None = None,
        finished: FinishedRuns | None = None,
        progress: Callable[[str, int, int], None] = lambda _what, _done, _calls: None,
        notes: Sequence[str] = (),
    ) -> None:
        model.check(scene)
        self._more = notes
        self._model, self._scene, self._guidance = model, scene, guidance
        self._levels, self._warm = model.levels(scene), False
        self._finished, self._progress = finished or FinishedRuns(None, {}), progress

    @property
    def device(self) -> str:
        """The model's device where that is an NVIDIA or AMD GPU, and the CPU otherwise."""
        device = self._model.pipeline._execution_device  # noqa: SLF001 - offloading moves `device`
        return str(device) if device.type == "cuda" else "cpu"

    @property
    def notes(self) -> Sequence[str]:
        """What the user should know of the pipeline."""
        return [*self._model.notes, *self._more]

    def check(self, sampling: Sampling) -> None:
        """Refuse settings that this engine does not support.

        Raises:
            ValueError: if there is one; names the input, what is allowed and what it got.
        """
        for name, allowed in (("sampler_name", tuple(SOLVERS)), ("scheduler", tuple(SCHEDULERS))):
            if getattr(sampling, name) not in allowed:
                got = getattr(sampling, name)
                raise ValueError(f"{name}: expected one of {', '.join(allowed)} on diffusers, got {got!r}")
        if not 0 < sampling.denoise <= 1:
            raise ValueError(f"denoise: expected more than 0 and at most 1, got {sampling.denoise:g}")
        if self._model.prediction != FLOW and sampling.denoise <= _WHOLE:
            raise ValueError(f"denoise: expected 1, because a run begins with noise alone; got {sampling.denoise:g}")
        self._model.check_cfg(sampling.cfg)

    def schedule(self, sampling: Sampling, steps: int) -> list[float]:
        """Return the noise levels of a run, falling; the end of a longer schedule below denoise 1, as in ComfyUI.

        Raises:
            ValueError: if steps is outside its range.
        """
        if sampling.sigmas:
            return list(sampling.sigmas)
        if not 1 <= steps <= MAX_STEPS:
            raise ValueError(f"steps: expected 1 to {MAX_STEPS}, got {steps}")
        if sampling.denoise > _WHOLE:
            return make_schedule(sampling.scheduler, self._levels, steps).tolist()
        return make_schedule(sampling.scheduler, self._levels, int(steps / sampling.denoise))[-(steps + 1) :].tolist()

    def exact_schedule(self, sampling: Sampling, plan: Any, steps: int) -> tuple[float, ...]:  # noqa: ARG002 - the protocol's
        """Return a plan's own levels if it has some for this step count."""
        sigmas = getattr(plan, "sigmas", ())
        return tuple(sigmas) if len(sigmas) == steps + 1 else ()

    def check_cancelled(self) -> None:
        """Do nothing, because Python itself raises KeyboardInterrupt."""

    def run(self, tasks: Sequence[Task]) -> list[Run]:
        """Make each task's image, after one discarded step that warms the device up.

        Raises:
            ValueError: if an image contains NaN or Inf; names the step count.
            OutOfMemoryError: if the GPU's memory is not enough. Runs that finished before are kept.
        """
        return [self._run(task) for task in tasks]

    def _run(self, task: Task) -> Run:
        sampling = task.sampling
        kept = self._finished.get(task, self._scene)
        if kept is not None:
            return kept
        levels = self.schedule(sampling, task.steps)
        try:
            if not self._warm:
                self._model.run(self._scene, sampling, (levels[0], 0.0), self._guidance)
                self._warm = True
            what = f"{sampling.sampler_name}, seed {sampling.seed}, {task.steps} steps"
            on_call = partial(self._progress, what)
            calls, seconds, images = self._model.run(self._scene, sampling, levels, self._guidance, on_call)
        except ValueError as error:
            raise ValueError(f"{task.steps} steps: {error}") from error
        except torch.cuda.OutOfMemoryError as error:
            raise OutOfMemoryError(task.steps, sampling.sampler_name) from error
        run = Run(task.steps, calls, seconds, images.float().cpu().numpy())
        return self._finished.put(task, self._scene, run)


def _as_text(*, negative: bool) -> Words:
    def words(positive: str, other: str | None) -> Mapping[str, Any]:
        return {"prompt": positive} | ({"negative_prompt": other} if negative and other is not None else {})

    return words


def _size_of(scene: Scene) -> Size:
    return (*scene.size, scene.length)


def _frames_of(made: Any, frames: str) -> Tensor:
    """Return a pipeline's images, or the chosen frames of its video, shape (images, height, width, channels)."""
    images = made.images if hasattr(made, "images") else made.frames
    if images.ndim == 5:
        images = images[0][choose_frames(frames, images.shape[1])]
    return images.movedim(1, -1)
