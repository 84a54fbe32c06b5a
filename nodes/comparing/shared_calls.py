"""Model calls shared by several runs: checked once, timed, and abandoned if they fail or save no time."""

import statistics
from collections import deque
from collections.abc import Callable
from typing import Any

import comfy.model_management
import torch
from torch import Tensor

from ...samplers.clock import DeviceClock
from ...samplers.lockstep import BatchDenoiser, Batching
from ...words import Message

AUTO, ON, OFF = MODES = ("auto", "on", "off")

# A shared call must save at least this share of the time.
_LEAST_GAIN = 0.05
_JUDGED_CALLS = 3
# More runs per call save little more, and each one takes memory.
_MOST_RUNS = 8
# Calls sometimes take more memory than ComfyUI estimates.
_MEMORY_SLACK = 1.5
# In half precision, results differ by up to this much between batch sizes; a wrong noise level changes far more.
_LEAST_LIKE = 0.02

Call = Callable[[Tensor, Tensor], Tensor]


class SharedCalls:
    """Makes the model calls for runs that advance together.

    Args:
        mode: `auto` shares calls only while measurements show that it saves time, `on` always does.
    """

    def __init__(self, mode: str) -> None:
        self._mode, self._most = mode, 1
        # The first call is for one run only, because it also checks the model.
        self.batching = Batching(1, is_out_of_memory, comfy.model_management.soft_empty_cache)
        self.shared = False
        self._why, self._checked = "", False
        self._alone: list[float] = []
        self._gains: list[float] = []
        # Calls whose times are not read yet, each with its number of runs.
        self._running: deque[tuple[int, DeviceClock]] = deque()

    @property
    def note(self) -> str:
        """Why calls were not shared, or not by all runs; empty if they were."""
        if not self._why and self.batching.most < self._most:
            short = "memory was short, so at most {most} runs shared a call"
            return Message("alone.memory", short, {"most": self.batching.most})
        return self._why

    @property
    def seconds_alone(self) -> float:
        """Seconds of a call for one run alone: the median of the calls made; waits for them."""
        self._read_times(wait=True)
        return statistics.median(self._alone) if self._alone else 0.0

    def of(self, guider: Any, extra_args: dict[str, Any], probe: tuple[Tensor, Tensor]) -> BatchDenoiser:
        """Return the denoiser for samples of shape (runs, batch, ...), with one noise level per run.

        Args:
            guider: ComfyUI's guider, during sampling.
            extra_args: what ComfyUI's samplers pass to it.
            probe: a noisy sample, shape (batch, ...), and its level, on the CPU, far from the schedules' first levels.
        """
        self._most = _room(guider, probe[0])

        def call(samples: Tensor, sigmas: Tensor) -> Tensor:
            comfy.model_management.throw_exception_if_processing_interrupted()
            runs, batch = samples.shape[:2]
            levels = sigmas.to(samples.device).repeat_interleave(batch)
            return guider(samples.flatten(0, 1), levels, **extra_args).unflatten(0, (runs, batch))

        def denoise(samples: Tensor, sigmas: Tensor) -> Tensor:
            if not self._checked:
                self._checked = True
                return self._check(call, samples, sigmas, probe)
            denoised, clock = _timed(call, samples, sigmas)
            self._running.append((len(samples), clock))
            self._read_times(wait=False)
            return denoised

        return denoise

    def _check(self, call: Call, samples: Tensor, sigmas: Tensor, probe: tuple[Tensor, Tensor]) -> Tensor:
        """Make the first call for one run together with a probe at another level, then call the probe alone.

        If the model supports one noise level per sample, both results for the probe are the same.
        """
        probe_sample, probe_sigma = probe[0].unsqueeze(0), probe[1].reshape(1)
        both = None if self._most < 2 else self._try(call, (samples, probe_sample), (sigmas, probe_sigma))
        if both is None:
            self._give_up("there is not enough memory for a shared call" if self._most < 2 else self._why)
            return call(samples, sigmas)
        alone, clock = _timed(call, probe_sample, probe_sigma)
        self._alone.append(clock.seconds()[-1])
        if not bool((both[1] - alone[0]).norm() <= _LEAST_LIKE * alone.norm()):
            self._give_up("this model does not support one noise level per sample")
            return call(samples, sigmas)
        self.shared, self.batching.most = True, self._most
        return both[:1]

    def _try(self, call: Call, samples: tuple[Tensor, ...], sigmas: tuple[Tensor, ...]) -> Tensor | None:
        try:
            return call(torch.cat(samples), torch.cat(sigmas))
        except comfy.model_management.InterruptProcessingException:
            raise
        except Exception as error:  # noqa: BLE001 - an unrelated fault comes up again when runs are alone
            self._why = f"a shared call failed: {str(error)[:200]}"
        comfy.model_management.soft_empty_cache()
        return None

    def _read_times(self, *, wait: bool) -> None:
        """Read the times of the calls that are over, or of all."""
        while self._running and (wait or self._running[0][1].arrived):
            runs, clock = self._running.popleft()
            (*_, seconds) = clock.seconds()
            if runs == 1:
                self._alone.append(seconds)
            else:
                self._judge(runs, seconds)

    def _judge(self, runs: int, seconds: float) -> None:
        """Record the time of a shared call; give up if the first three save too little time."""
        self._gains.append(1 - seconds / (runs * statistics.median(self._alone)))
        if self._mode == AUTO and len(self._gains) == _JUDGED_CALLS and max(self._gains) < _LEAST_GAIN:
            times = runs * (1 - max(self._gains))
            self._give_up(f"a call for {runs} runs takes {times:.2f} times as long as for one, which saves too little")

    def _give_up(self, why: str) -> None:
        self.batching.most, self._why = 1, why


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that the device is out of memory."""
    management = comfy.model_management
    if hasattr(management, "is_oom"):
        return management.is_oom(error)
    # If torch has no error type of its own for this, ComfyUI sets this to Exception, which would match any error.
    error_type = management.OOM_EXCEPTION
    return isinstance(error, torch.cuda.OutOfMemoryError if error_type is Exception else error_type)


def _room(guider: Any, sample: Tensor) -> int:
    """Return how many runs fit into the free memory in one call, by ComfyUI's own estimate."""
    shape = [2 * sample.shape[0], *sample.shape[1:]]
    needed = _MEMORY_SLACK * guider.inner_model.memory_required(shape)
    free = comfy.model_management.get_free_memory(sample.device)
    return max(1, min(_MOST_RUNS, int(free // max(needed, 1))))


def _timed(call: Call, samples: Tensor, sigmas: Tensor) -> tuple[Tensor, DeviceClock]:
    """Return the prediction, and a clock with marks before and after the call."""
    clock = DeviceClock(samples.device)
    clock.mark()
    denoised = call(samples, sigmas)
    clock.mark(after=denoised)
    return denoised, clock
