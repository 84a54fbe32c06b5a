"""The trace: what really ran, one record per step, collected without waiting for the device."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from .clock import DeviceClock
from .device_numbers import DeviceNumber

# Samplers that step in log(sigma) hit the schedule's levels only up to float32 rounding.
_ROUNDING = 1e-4


class NotFiniteError(ArithmeticError):
    """A model gave NaN or Inf; the message names the step and its noise level."""


@dataclass(frozen=True)
class StepRecord:
    """One step of a run.

    Attributes:
        step: its number in this run, from 1.
        sigma: noise level of the step's first model call.
        sigma_next: noise level at the end of the step.
        timestep: the model's timestep for sigma; None if it has none.
        cfg: guidance scale at the first call; None if the guider doesn't report one; 1 is off.
        model_calls: evaluations of the denoiser, each with its guidance pair.
        halves: conditional and unconditional halves that these calls really computed.
        half_skipped: whether a half that the guider has was skipped.
        seconds: time the step took, measured on the device.
        change: ||D_i - D_{i-1}|| / ||D_i|| of the predicted clean image D, None at the first step.
    """

    step: int
    sigma: float
    sigma_next: float
    timestep: float | None
    cfg: float | None
    model_calls: int
    halves: int
    half_skipped: bool
    seconds: float
    change: float | None


@dataclass(frozen=True)
class StepTrace:
    """What a run did.

    Attributes:
        steps_asked: the requested step count.
        steps_scheduled: how many steps the schedule had; denoise below 1 and schedulers that round can change it.
        steps_run: for how many of them the sampler reported a result.
        model_calls: evaluations of the denoiser in total.
        halves: conditional and unconditional halves computed in total; twice the model calls if none was skipped.
        seconds: time from the start to the end of the last step, without model loading.
        steps: one record per reported step.
        kept: numbers of the steps whose predicted clean latent was kept, from 1.
        notes: what the user should know about this run, one sentence each.
        check: what a check of the run found, as plain data; None if it was not checked.
    """

    steps_asked: int
    steps_scheduled: int
    steps_run: int
    model_calls: int
    halves: int
    seconds: float
    steps: tuple[StepRecord, ...]
    kept: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    check: Mapping[str, Any] | None = None

    def with_notes(self, *notes: str) -> "StepTrace":
        """Return the trace with more notes; empty ones are dropped."""
        return replace(self, notes=(*self.notes, *(note for note in notes if note)))

    def describe(self) -> str:
        """Return a few lines that tell the user what happened."""
        scheduled = f" ({self.steps_scheduled} in the schedule)" if self.steps_scheduled != self.steps_run else ""
        each = f", {self.seconds / self.steps_run:.3g} s per step" if self.steps_run else ""
        lines = [
            f"{self.steps_asked} steps requested, {self.steps_run} ran{scheduled}; {self.seconds:.3g} s{each}",
            f"{self.model_calls} model calls, {self.halves} halves computed",
        ]
        return "\n".join([*lines, *self.notes])

    def to_json(self) -> str:
        """Return the trace as JSON text; numbers that are not finite become null."""
        return json.dumps(_finite(asdict(self)), indent=2)


@dataclass(frozen=True)
class ModelCall:
    """One evaluation of the denoiser, as the sampler made it.

    Attributes:
        sigma: its noise level, one element on the device.
        cfg: the guidance scale used; None if the guider doesn't report one.
        halves: how many halves were computed.
        half_skipped: whether a half that the guider has conditioning for was skipped.
    """

    sigma: Tensor
    cfg: float | None
    halves: int
    half_skipped: bool


@dataclass
class _Step:
    number: int
    calls_before: int
    change: DeviceNumber | None


@dataclass
class TraceRecorder:
    """Collects a `StepTrace` while a sampler runs; values stay on the device until `trace` is called.

    Samplers report a step after its first model call. If a step makes two calls, the second one comes after its
    report. Step i therefore starts with the call just before its own report and ends before the call that leads to
    the next report.

    Args:
        steps_asked: the requested step count.
        ends_at: noise level at which the sampler ends, if that is not the schedule's last one.
    """

    steps_asked: int
    ends_at: float | None = None
    calls: list[ModelCall] = field(default_factory=list)
    last_denoised: Tensor | None = None
    _schedule: tuple[float, ...] = ()
    _clock: DeviceClock | None = None
    _steps: list[_Step] = field(default_factory=list)
    _finite: list[tuple[int, DeviceNumber]] = field(default_factory=list)

    def start(self, schedule: Tensor, device: torch.device) -> None:
        """Begin the run of a schedule, shape (N + 1,); call this once the model is loaded."""
        self._schedule = tuple(schedule.tolist())
        self._clock = DeviceClock(device)
        self._clock.mark()

    def called(self, call: ModelCall, prediction: Tensor) -> None:
        """Record one evaluation of the denoiser and its prediction.

        Raises:
            NotFiniteError: if an evaluation is already known to have given NaN or Inf.
        """
        self.calls.append(call)
        if self._clock is not None:
            self._clock.mark()
        self._finite.append((len(self.calls) - 1, DeviceNumber(torch.isfinite(prediction).all())))
        self._raise_if_not_finite()

    def stepped(self, step: int, denoised: Tensor) -> None:
        """Record the report of a step that predicted the clean image `denoised`; does not wait for the device.

        If the model has not been called since the last report, this is not a new step: some samplers report their
        result a second time.
        """
        if self._steps and self.calls and len(self.calls) == self._steps[-1].calls_before:
            return
        # A copy, because a sampler may later write into the tensor it reported.
        current = denoised.detach().to(torch.float32, copy=True)
        change = None
        if self.last_denoised is not None and self.last_denoised.shape == current.shape:
            tiny = torch.finfo(torch.float32).tiny
            change = DeviceNumber((current - self.last_denoised).norm() / current.norm().clamp_min(tiny))
        self.last_denoised = current
        self._steps.append(_Step(step, len(self.calls), change))

    def finish(self, samples: Tensor) -> None:
        """Record the end of the run that gave `samples`; waits for the device.

        Raises:
            NotFiniteError: if an evaluation gave NaN or Inf.
        """
        # Reading one element waits for everything queued before it, on any kind of device.
        samples.flatten()[:1].cpu()
        if self._clock is not None:
            self._clock.mark()
        self._raise_if_not_finite(wait=True)

    @property
    def steps_run(self) -> int:
        """How many steps the sampler has reported so far."""
        return len(self._steps)

    @property
    def last_change(self) -> float | None:
        """The newest change that has arrived from the device."""
        return next((s.change.read() for s in reversed(self._steps) if s.change and s.change.arrived), None)

    def trace(self, timesteps_of: Callable[[Tensor], Tensor] | None = None) -> StepTrace:
        """Return the trace of the finished run; empty if no run was started.

        Args:
            timesteps_of: the model's timesteps for noise levels of shape (steps,).
        """
        marks = [0.0, *self._call_seconds()]
        starts = self._first_calls()
        levels = self._levels(starts)
        timesteps = _timesteps(levels, timesteps_of)
        last = self.ends_at if self.ends_at is not None else self._schedule[-1] if self._schedule else 0.0
        ends = [*levels[1:], last]
        records = tuple(
            self._record(i, starts[i], starts[i + 1], marks, levels[i], ends[i], timesteps[i])
            for i in range(len(self._steps))
        )
        return StepTrace(
            steps_asked=self.steps_asked,
            steps_scheduled=max(len(self._schedule) - 1, 0),
            steps_run=len(records),
            model_calls=len(self.calls),
            halves=sum(call.halves for call in self.calls),
            seconds=marks[-1],
            steps=records,
        )

    @property
    def _calls_a_step(self) -> int:
        """How many calls lie between two reports so far; 0 if that is unknown or varies."""
        between = {after.calls_before - before.calls_before for before, after in pairwise(self._steps)}
        return between.pop() if len(between) == 1 else 0

    def _call_seconds(self) -> list[float]:
        """Return the seconds from the start to the end of each model call and, once it is over, of the run."""
        return self._clock.seconds()[1:] if self._clock is not None else []

    def _first_calls(self) -> list[int]:
        """Return the index of each step's first call, followed by the number of calls."""
        led_to_report = self._steps[0].calls_before if self._steps else 0
        return [max(step.calls_before - led_to_report, 0) for step in self._steps] + [len(self.calls)]

    def _levels(self, starts: list[int]) -> list[float]:
        """Return the noise level of each step's first call: the one that the model saw, not the schedule's."""
        if not self.calls:
            return [self._schedule[min(i, len(self._schedule) - 1)] for i in range(len(self._steps))]
        seen = torch.stack([call.sigma.reshape(()) for call in self.calls]).tolist()
        return [seen[min(start, len(seen) - 1)] for start in starts[:-1]]

    def _record(
        self, i: int, first: int, end: int, marks: list[float], sigma: float, after: float, timestep: float | None
    ) -> StepRecord:
        calls, change = self.calls[first:end], self._steps[i].change
        until = len(marks) - 1 if i == len(self._steps) - 1 else end
        return StepRecord(
            step=i + 1,
            sigma=sigma,
            sigma_next=after,
            timestep=timestep,
            cfg=calls[0].cfg if calls else None,
            model_calls=len(calls),
            halves=sum(call.halves for call in calls),
            half_skipped=any(call.half_skipped for call in calls),
            seconds=marks[until] - marks[min(first, until)],
            change=None if change is None else change.read(),
        )

    def _raise_if_not_finite(self, *, wait: bool = False) -> None:
        while self._finite and (wait or self._finite[0][1].arrived):
            number, finite = self._finite.pop(0)
            if not finite.read():
                raise NotFiniteError(self._tell_not_finite(number))

    def _tell_not_finite(self, number: int) -> str:
        sigma = float(self.calls[number].sigma)
        step = self._calls_a_step and number // self._calls_a_step + 1
        step = step or max(sum(level >= sigma * (1 - _ROUNDING) for level in self._schedule[:-1]), 1)
        return (
            f"step {step} of {max(len(self._schedule) - 1, 0)} (sigma {sigma:.6g}): the model gave NaN or Inf. "
            "Usual causes: half precision overflows (start ComfyUI with --force-fp32 or --bf16-unet), the model file "
            "is broken, or a LoRA or cfg is far too strong."
        )


def _timesteps(levels: list[float], of: Callable[[Tensor], Tensor] | None) -> list[float | None]:
    if of is None or not levels:
        return [None] * len(levels)
    return of(torch.tensor(levels, dtype=torch.float32)).float().flatten().tolist()


def _finite(value: object) -> object:
    """Return plain data in which numbers that JSON can't express are None."""
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and value - value != 0 else value
