"""What did run: one record a step, gathered without waiting for the device."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class StepRecord:
    """One step of a run.

    Attributes:
        step: index, from 0.
        sigma: noise level the step started at.
        sigma_next: noise level it led to.
        seconds: wall-clock time since the step before (or the start); on a GPU the time to hand out the work.
        change: ||D_i - D_{i-1}|| / ||D_i|| of the predicted clean image D, None at the first step.
        model_calls: evaluations of the denoiser since the step before, each with its guidance pair.
    """

    step: int
    sigma: float
    sigma_next: float
    seconds: float
    change: float | None
    model_calls: int


@dataclass(frozen=True)
class StepTrace:
    """What a run did.

    Attributes:
        steps_asked: the step count that was asked for.
        steps_scheduled: how many steps the schedule had, after denoise below 1 and schedulers that round.
        steps_run: for how many of them the sampler reported a result.
        model_calls: evaluations of the denoiser in all.
        seconds: wall-clock time from the first step's start to the last one's end, model loading excluded.
        steps: one record a reported step.
    """

    steps_asked: int
    steps_scheduled: int
    steps_run: int
    model_calls: int
    seconds: float
    steps: tuple[StepRecord, ...]

    def to_json(self) -> str:
        """Return the trace as JSON text."""
        return json.dumps(asdict(self), indent=2)


@dataclass
class TraceRecorder:
    """Collects a `StepTrace` while a sampler runs; values stay on the device until `trace`.

    Args:
        steps_asked: the step count that was asked for.
    """

    steps_asked: int
    _sigmas: Sequence[float] = ()
    _started: float = 0.0
    _ended: float = 0.0
    _calls: int = 0
    _last_denoised: Tensor | None = None
    _marks: list[dict[str, Any]] = field(default_factory=list)

    def start(self, sigmas: Sequence[float]) -> None:
        """Begin the run of a schedule; call it when the model is loaded."""
        self._sigmas = sigmas
        self._started = time.perf_counter()

    def model_called(self) -> None:
        """Count one evaluation of the denoiser."""
        self._calls += 1

    def stepped(self, step: int, denoised: Tensor) -> None:
        """Note the end of a step that predicted the clean image `denoised`; does not wait for the device."""
        current = denoised.detach().float()
        change = None
        if self._last_denoised is not None and self._last_denoised.shape == current.shape:
            tiny = torch.finfo(torch.float32).tiny
            change = (current - self._last_denoised).norm() / current.norm().clamp_min(tiny)
        # A copy: a sampler may go on to write into the tensor it reported.
        self._last_denoised = current.clone()
        self._marks.append({"step": step, "at": time.perf_counter(), "change": change, "calls": self._calls})

    def finish(self, samples: Tensor) -> None:
        """Note the end of the run that gave `samples`; waits for the device."""
        # Reading one element waits for all that was queued before it, on any kind of device.
        samples.flatten()[:1].cpu()
        self._ended = time.perf_counter()

    def trace(self) -> StepTrace:
        """Return the trace of the run; empty where none was started."""
        records, at, calls = [], self._started, 0
        for mark in self._marks:
            step = mark["step"]
            records.append(
                StepRecord(
                    step=step,
                    sigma=_level(self._sigmas, step),
                    sigma_next=_level(self._sigmas, step + 1),
                    seconds=mark["at"] - at,
                    change=None if mark["change"] is None else float(mark["change"]),
                    model_calls=mark["calls"] - calls,
                )
            )
            at, calls = mark["at"], mark["calls"]
        return StepTrace(
            steps_asked=self.steps_asked,
            steps_scheduled=max(len(self._sigmas) - 1, 0),
            steps_run=len(records),
            model_calls=self._calls,
            seconds=self._ended - self._started,
            steps=tuple(records),
        )


def _level(sigmas: Sequence[float], index: int) -> float:
    # dpm_adaptive reports more steps than its schedule has: it ends on the last level.
    return sigmas[min(index, len(sigmas) - 1)]
