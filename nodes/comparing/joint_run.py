"""Runs several step counts of one comparison in shared model calls, with one noise level per sample.

ComfyUI's own samplers use one noise level for the whole batch, so the solvers of `samplers/lockstep.py` run here in
place of ComfyUI's sampler. Noise, conditions and model are prepared by the stock KSampler.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import comfy.samplers
import torch
from torch import Tensor

from ...samplers.device_numbers import DeviceNumber
from ...samplers.lockstep import sample_lockstep
from ...samplers.trace import NotFiniteError
from ..running.latents import as_latent, as_result
from .shared_calls import SharedCalls

OnCall = Callable[[int, int, Tensor], None]


@dataclass(frozen=True)
class Finished:
    """One finished step count.

    Attributes:
        latent: samples of a LATENT.
        model_calls: how many calls it was part of.
    """

    latent: Tensor
    model_calls: int


class JointRun:
    """Replaces ComfyUI's sampler and runs all schedules at once; used like a `WatchedRun`.

    Args:
        schedules: one per step count, on the CPU.
        sampler_name: one of lockstep's solvers.
        calls: makes the model calls.
        on_call: called after each call of a run, with the run's number, the call's number and the prediction.
    """

    def __init__(self, schedules: Sequence[Tensor], sampler_name: str, calls: SharedCalls, on_call: OnCall) -> None:
        self._schedules, self._sampler_name = list(schedules), sampler_name
        self._calls, self._on_call = calls, on_call
        self.finished: dict[int, Finished] = {}
        # Whether each call gave finite numbers: run, call, answer.
        self._checks: deque[tuple[int, int, DeviceNumber]] = deque()

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
        """Sample all schedules from the same noise; return the last one's samples, because ComfyUI expects a result.

        Raises:
            NotFiniteError: if the model gives NaN or Inf.
        """
        results: dict[int, Tensor] = {}

        def keep(number: int, samples: Tensor, model_calls: int) -> None:
            self._raise_if_not_finite(wait=True)
            level = float(self._schedules[number][-1])
            results[number] = as_result(guider, level, samples)
            self.finished[number] = Finished(as_latent(guider, samples, level), model_calls)

        def watch(number: int, call: int, denoised: Tensor) -> None:
            self._checks.append((number, call, DeviceNumber(torch.isfinite(denoised).all())))
            self._raise_if_not_finite()
            self._on_call(number, call, denoised)

        longest = max(self._schedules, key=len)
        # Levels stay on the CPU, so that reading them doesn't wait for the device.
        middle = longest[len(longest) // 2]
        scale = guider.inner_model.model_sampling.noise_scaling
        probe = scale(middle.to(noise.device), noise, latent_image)
        denoise = self._calls.of(guider, extra_args, (probe, middle))
        starts = self._starts(guider, noise, latent_image)
        sample_lockstep(denoise, starts, self._schedules, self._sampler_name, watch, keep, self._calls.batching)
        return results[len(self._schedules) - 1]

    def _raise_if_not_finite(self, *, wait: bool = False) -> None:
        """Look at the calls whose results have arrived from the device, or wait for all."""
        while self._checks and (wait or self._checks[0][2].arrived):
            number, call, finite = self._checks.popleft()
            if not finite.read():
                steps = len(self._schedules[number]) - 1
                raise NotFiniteError(f"the model gave NaN or Inf in call {call + 1} of the run of {steps} steps")

    def _starts(self, guider: Any, noise: Tensor, latent_image: Tensor | None) -> list[Tensor]:
        """Return each schedule's noisy start; schedules that begin at the same level share one."""
        sampler, starts = comfy.samplers.Sampler(), dict[float, Tensor]()
        scale = guider.inner_model.model_sampling.noise_scaling
        for schedule in self._schedules:
            level = schedule[0].to(noise.device)
            if float(level) not in starts:
                starts[float(level)] = scale(level, noise, latent_image, sampler.max_denoise(guider, schedule))
        return [starts[float(schedule[0])] for schedule in self._schedules]
