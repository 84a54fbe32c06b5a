"""Several step counts of one comparison in shared model calls: one noise level a sample.

ComfyUI's own samplers take one noise level for the batch, so that the solvers of `samplers/lockstep.py` run here, in
the place where ComfyUI's sampler would: noise, conditions and model are as the stock KSampler prepares them.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import comfy.model_management
import comfy.samplers
import torch
from torch import Tensor

from ..samplers.lockstep import Batching, sample_lockstep
from .kept_latents import as_latent, as_result

AUTO, ON, OFF = MODES = ("auto", "on", "off")

# A shared call has to save at least this share of the time.
_LEAST_GAIN = 0.05
_JUDGED_CALLS = 3
# Numbers of half precision differ this much from batch to batch, a wrong noise level makes many times that.
_LEAST_LIKE = 0.02

# On devices for which torch has no error of its own, ComfyUI names every Exception here.
_OUT_OF_MEMORY = comfy.model_management.OOM_EXCEPTION
if _OUT_OF_MEMORY is Exception:
    _OUT_OF_MEMORY = torch.cuda.OutOfMemoryError

OnCall = Callable[[int, int, Tensor], None]


@dataclass(frozen=True)
class Finished:
    """One finished step count.

    Attributes:
        latent: samples as of a LATENT.
        model_calls: how many calls it took part in.
    """

    latent: Tensor
    model_calls: int


class TogetherRun:
    """Stands in for ComfyUI's sampler and carries all schedules at once; used as a `StepAwareRun` is.

    Args:
        schedules: one for each step count, on the CPU.
        sampler_name: one of lockstep's solvers.
        mode: `auto` shares calls only while that is measured to pay, `on` always.
        on_call: called after each call of a run, with its number, the number of its call and the prediction.
    """

    def __init__(self, schedules: Sequence[Tensor], sampler_name: str, mode: str, on_call: OnCall) -> None:
        self._schedules, self._sampler_name, self._on_call = list(schedules), sampler_name, on_call
        self._calls = _Calls(mode)
        self.finished: dict[int, Finished] = {}

    @property
    def note(self) -> str:
        """Why calls were not shared, or not to the end; empty where they were."""
        if self._calls.note or self._calls.batching.most >= len(self._schedules):
            return self._calls.note
        return f"for want of memory at most {self._calls.batching.most} shared a call"

    @property
    def shared(self) -> bool:
        """Whether any call was shared."""
        return self._calls.shared

    @property
    def seconds_alone(self) -> float:
        """What a call takes for one run alone, on average."""
        return self._calls.seconds_alone

    def sample(
        self,
        _run: Any,
        guider: Any,
        _sigmas: Tensor,
        extra_args: dict[str, Any],
        _callback: Any,
        noise: Tensor,
        latent_image: Tensor | None = None,
        *_rest: Any,
        **_options: Any,
    ) -> Tensor:
        """Sample all schedules from the same noise; return the last one's samples, as ComfyUI expects some."""

        def keep(number: int, samples: Tensor, model_calls: int) -> None:
            result = as_result(guider, float(self._schedules[number][-1]), samples)
            self.finished[number] = Finished(as_latent(guider, samples), model_calls)
            results[number] = result

        results: dict[int, Tensor] = {}
        denoise = self._calls.of(guider, extra_args)
        starts = self._starts(guider, noise, latent_image)
        sample_lockstep(denoise, starts, self._schedules, self._sampler_name, self._on_call, keep, self._calls.batching)
        return results[len(self._schedules) - 1]

    def _starts(self, guider: Any, noise: Tensor, latent_image: Tensor | None) -> list[Tensor]:
        """Return each schedule's noisy start; those that begin at the same level share it."""
        sampler, starts = comfy.samplers.Sampler(), dict[float, Tensor]()
        scale = guider.inner_model.model_sampling.noise_scaling
        for schedule in self._schedules:
            level = schedule[0].to(noise.device)
            if float(level) not in starts:
                starts[float(level)] = scale(level, noise, latent_image, sampler.max_denoise(guider, schedule))
        return [starts[float(schedule[0])] for schedule in self._schedules]


class _Calls:
    """The model's calls: timed, the first shared one checked against one alone."""

    def __init__(self, mode: str) -> None:
        self._mode = mode
        # The very first call is made alone, to know what that takes.
        self.batching = Batching(1, (_OUT_OF_MEMORY,))
        self.note = ""
        self.shared = False
        self._checked = False
        self._alone: list[float] = []
        self._gains: list[float] = []

    @property
    def seconds_alone(self) -> float:
        return sum(self._alone) / len(self._alone) if self._alone else 0.0

    def of(self, guider: Any, extra_args: dict[str, Any]) -> Callable[[Tensor, Tensor], Tensor]:
        """Return the denoiser for samples of shape (runs, batch, ...) at one noise level a run."""

        def call(samples: Tensor, sigmas: Tensor) -> Tensor:
            comfy.model_management.throw_exception_if_processing_interrupted()
            runs, batch = samples.shape[:2]
            levels = sigmas.to(samples.device).repeat_interleave(batch)
            try:
                denoised = guider(samples.flatten(0, 1), levels, **extra_args)
            except _OUT_OF_MEMORY:
                comfy.model_management.soft_empty_cache()
                raise
            return denoised.unflatten(0, (runs, batch))

        def denoise(samples: Tensor, sigmas: Tensor) -> Tensor:
            if len(samples) == 1:
                return self._one(call, samples, sigmas)
            return self._several(call, samples, sigmas)

        return denoise

    def _one(self, call: Callable[[Tensor, Tensor], Tensor], samples: Tensor, sigmas: Tensor) -> Tensor:
        denoised, seconds = _timed(call, samples, sigmas)
        if not self._alone and not self.note:
            self.batching.most = len(samples) << 16
        self._alone.append(seconds)
        return denoised

    def _several(self, call: Callable[[Tensor, Tensor], Tensor], samples: Tensor, sigmas: Tensor) -> Tensor:
        denoised, seconds = _timed(call, samples, sigmas)
        if not self._checked:
            # The one whose level is farthest from the first sample's shows best whether the model reads only that.
            place = int((sigmas - sigmas[0]).abs().argmax())
            alone, took = _timed(call, samples[place : place + 1], sigmas[place : place + 1])
            self._alone.append(took)
            self._checked = True
            if not _alike(denoised[place], alone[0]):
                self._give_up("this model does not take one noise level a sample")
                return torch.cat([call(samples[n : n + 1], sigmas[n : n + 1]) for n in range(len(samples))])
        self.shared = True
        self._gains.append(1 - seconds / (len(samples) * self.seconds_alone))
        if self._mode == AUTO and len(self._gains) == _JUDGED_CALLS and max(self._gains) < _LEAST_GAIN:
            times = len(samples) * (1 - max(self._gains))
            self._give_up(f"a call for {len(samples)} takes {times:.2f} times that for one, which does not pay")
        return denoised

    def _give_up(self, why: str) -> None:
        self.batching.most, self.note = 1, why


def _timed(call: Callable[[Tensor, Tensor], Tensor], samples: Tensor, sigmas: Tensor) -> tuple[Tensor, float]:
    """Return the prediction and its seconds; waits for the device, as what comes next depends on the time."""
    start = time.perf_counter()
    denoised = call(samples, sigmas)
    denoised.flatten()[:1].cpu()
    return denoised, time.perf_counter() - start


def _alike(one: Tensor, other: Tensor) -> bool:
    return bool((one - other).norm() <= _LEAST_LIKE * other.norm())
