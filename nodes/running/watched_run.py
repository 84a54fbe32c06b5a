"""Watches one run of a sampler inside ComfyUI, in the function that every sampler goes through: `sampler.sample`.

The KSampler gets here through ComfyUI's SAMPLER_SAMPLE wrapper, and a SAMPLER of the custom-sampling graph through an
object that wraps it. Nothing here changes what is computed, except that a run may be set to stop when it has settled.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import comfy.model_management
import torch
from comfy.model_patcher import create_model_options_clone
from comfy.patcher_extension import WrappersMP

from ...samplers.kept_steps import KeptSteps
from ...samplers.settling import SettleJudge
from ...samplers.stochastic import OWN_STEPS, why_not_settling
from ...samplers.time_budget import PaceCheck
from ...samplers.trace import ModelCall, StepTrace, TraceRecorder
from ..model.noise_levels import to_noise_ratio
from .guidance_saver import GuidanceSaver, savers_on
from .guiders import CallObserver, scale_in_force
from .latents import as_latent, as_result, in_parts
from .live import LiveTrace

OnStep = Callable[[int, Any, Any, int], None]
SampleFunction = Callable[..., torch.Tensor]

_KEY = "sweetspot_trace"


@dataclass(frozen=True)
class Extras:
    """What a run may do besides sampling; all off by default.

    Attributes:
        keep_steps: steps whose predicted clean latent is kept, counted from 1; -1 is the last.
        tolerance: stop once the remaining steps can change at most this share of the contrast; 0 runs to the end.
        seconds: time that the run may take; if its first steps show that it will take longer, it is stopped. 0 is no
            limit.
        strict: whether it is an error if the run doesn't have a step to keep; if not, a note reports it.
    """

    keep_steps: tuple[int, ...] = ()
    tolerance: float = 0.0
    seconds: float = 0.0
    strict: bool = True


class _Settled(Exception):  # noqa: N818 - not an error: it ends a run
    def __init__(self, denoised: torch.Tensor) -> None:
        self.denoised = denoised


class WatchedRun:
    """Watches one run: records its trace, keeps steps, sends live messages, and checks whether it has settled.

    Args:
        steps_asked: the requested step count; None uses that of the schedule.
        sampler_name: ComfyUI's name of the sampler; empty if it has none.
        extras: what to do besides watching.
        on_step: called instead of the sampler's own callback; None keeps the sampler's own.
        live: sends messages to the browser; None for no messages.
    """

    def __init__(
        self,
        steps_asked: int | None,
        sampler_name: str,
        extras: Extras | None = None,
        on_step: OnStep | None = None,
        live: LiveTrace | None = None,
    ) -> None:
        self.extras = extras or Extras()
        self.kept = KeptSteps(self.extras.keep_steps)
        self.kept_samples: Any = None
        self.notes: list[str] = []
        # Average seconds per step.
        self.step_seconds: float | None = None
        self._pace = PaceCheck(0.0, ())
        self._steps_asked, self._sampler_name, self._on_step, self._live = steps_asked, sampler_name, on_step, live
        self._recorder = TraceRecorder(steps_asked or 0)
        self._observer = CallObserver()
        self._judge: SettleJudge | None = None
        self._held_back = ""
        self._savers: list[GuidanceSaver] = []
        self._schedule: list[float] = []
        self._guided: list[bool] = []
        self._trace: StepTrace | None = None

    def sample(
        self,
        inner_sample: SampleFunction,
        guider: Any,
        sigmas: torch.Tensor,
        extra_args: dict[str, Any],
        callback: OnStep | None,
        *rest: Any,
        **options: Any,
    ) -> torch.Tensor:
        """Call `inner_sample`, which works like a Sampler's `sample`, and watch it.

        Raises:
            ValueError: if the schedule doesn't have a step to keep; raised before the model is called.
            NotFiniteError: if the model gives NaN or Inf.
            TooSlowError: if the run cannot meet its time budget.
        """
        options_before = guider.model_options
        self._begin(guider, sigmas, options_before)
        counted = create_model_options_clone(extra_args["model_options"])
        self._observer.lay_on(counted, _KEY)
        guider.model_options = self._watching(options_before)
        try:
            step_done = self._step_done(guider, callback, len(sigmas) - 1)
            samples = inner_sample(
                guider, sigmas, {**extra_args, "model_options": counted}, step_done, *rest, **options
            )
        except _Settled as settled:
            samples = as_result(guider, self._schedule[-1], settled.denoised)
        finally:
            guider.model_options = options_before
        self._recorder.finish(samples)
        self._finish(guider)
        return samples

    def trace(self) -> StepTrace:
        """Return the trace of the finished run."""
        trace = replace(self._trace or self._recorder.trace(), kept=tuple(self.kept.numbers))
        return trace.with_notes(*self.notes)

    def _begin(self, guider: Any, sigmas: torch.Tensor, model_options: dict[str, Any]) -> None:
        steps = len(sigmas) - 1
        self.kept.start(steps, strict=self.extras.strict)
        self.notes.clear()
        self._schedule = sigmas.tolist()
        self._guided = [True] * steps
        self._savers = savers_on(model_options)
        for saver in self._savers:
            self._guided = [a and b for a, b in zip(self._guided, saver.guided_steps(self._schedule), strict=True)]
        self._judge = self._make_judge(guider)
        ends_at = self._schedule[-2] if self._sampler_name in OWN_STEPS and self._schedule[-1] == 0 else None
        self._recorder = TraceRecorder(steps if self._steps_asked is None else self._steps_asked, ends_at)
        self._recorder.start(sigmas, guider.model_patcher.load_device)
        self._pace = PaceCheck(self.extras.seconds, [1.0 if guided else 0.5 for guided in self._guided])
        if self._live is not None:
            self._live.started()

    def _make_judge(self, guider: Any) -> SettleJudge | None:
        if not self.extras.tolerance > 0:
            return None
        noise_ratio = to_noise_ratio(guider.inner_model.model_sampling)
        why = why_not_settling(self._sampler_name)
        if not why and self._schedule[-1] > 0:
            why = "this run leaves noise in its latent"
        if why or noise_ratio is None:
            self.notes.append(f"stop when settled: not used, because {why or 'this model has no real noise levels'}.")
            return None
        return SettleJudge(self.extras.tolerance, noise_ratio)

    def _watching(self, model_options: dict[str, Any]) -> dict[str, Any]:
        """Return options whose model calls are recorded, and refused once the user has cancelled.

        The recording wrapper comes first, so that it also sees calls that another wrapper answers from a cache.
        """

        def predict_noise(
            executor: Any, x: torch.Tensor, timestep: torch.Tensor, *rest: Any, **options: Any
        ) -> torch.Tensor:
            comfy.model_management.throw_exception_if_processing_interrupted()
            guider = executor.class_obj
            self._observer.begin()
            prediction = executor(x, timestep, *rest, **options)
            call = ModelCall(
                sigma=timestep.detach().flatten()[:1].float().clone(),
                cfg=1.0
                if any(saver.unguided for saver in self._savers)
                else scale_in_force(guider, self._observer.scales),
                halves=self._observer.halves,
                half_skipped=self._observer.half_skipped(guider),
            )
            self._recorder.called(call, prediction)
            return prediction

        options = create_model_options_clone(model_options)
        wrappers = options.setdefault("transformer_options", {}).setdefault("wrappers", {})
        # The key is unique, because a watched SAMPLER may wrap another watched one.
        key = f"{_KEY}_{id(self)}"
        wrappers[WrappersMP.PREDICT_NOISE] = {key: [predict_noise], **wrappers.get(WrappersMP.PREDICT_NOISE, {})}
        return options

    def _reporting(self, guider: Any) -> OnStep | None:
        """Return `on_step` for samplers, which see the parts of a latent packed into one; ComfyUI's does the same."""
        on_step = self._on_step
        if on_step is None:
            return None
        return lambda step, denoised, x, total: on_step(step, in_parts(guider, denoised), in_parts(guider, x), total)

    def _step_done(self, guider: Any, callback: OnStep | None, steps: int) -> OnStep:
        report = self._reporting(guider) or callback

        def step_done(step: int, denoised: Any, x: Any, total_steps: int) -> None:
            self._recorder.stepped(step, denoised)
            self.kept.stepped(step, denoised)
            if self._live is not None:
                self._live.stepped(self._recorder, self._schedule, step)
            if report is not None:
                report(step, denoised, x, total_steps)
            self._check_pace(denoised)
            self._check_settled(step, steps, denoised)

        return step_done

    def _check_pace(self, denoised: torch.Tensor) -> None:
        if self._pace.measures:
            # Reading one element waits until the work is done, on any kind of device.
            denoised.flatten()[:1].cpu()
            self._pace.stepped()
            self.step_seconds = self._pace.step_seconds

    def _check_settled(self, step: int, steps: int, denoised: torch.Tensor) -> None:
        if self._judge is None or not self._judge.settled(denoised, self._schedule[step]) or step + 1 >= steps:
            return
        # If a guidance window has yet to open or close, the remaining steps use a different denoiser.
        if any(guided != self._guided[step] for guided in self._guided[step + 1 :]):
            self._held_back = "; it waited for the guidance window"
            return
        self.notes.append(
            f"stopped when settled: after step {step + 1} of {steps}; the remaining steps could change at most about "
            f"{self._judge.estimate:.2%} of the contrast."
        )
        raise _Settled(denoised)

    def _finish(self, guider: Any) -> None:
        recorder = self._recorder
        self.kept.finish(recorder.steps_run, recorder.last_denoised)
        if self.kept.missing:
            self.notes.append(f"keep_steps: this run had no step {', '.join(map(str, self.kept.missing))}.")
        if self.kept.latents:
            self.kept_samples = as_latent(guider, torch.cat(self.kept.latents))
            self.kept.latents.clear()
        if recorder.steps_run and not recorder.calls:
            self.notes.append(f"model calls: they can't be counted with {type(guider).__name__}.")
        self.notes += [note for saver in self._savers for note in saver.notes]
        if self._judge is not None and recorder.steps_run >= len(self._schedule) - 1:
            self.notes.append(f"stop when settled: the run did not settle before the end{self._held_back}.")
        sampling, device = guider.inner_model.model_sampling, guider.model_patcher.load_device
        self._trace = recorder.trace(lambda levels: sampling.timestep(levels.to(device)).cpu())
        if recorder.steps_run:
            # The first step includes warming up. If it was measured separately, leave it out.
            first = self._pace.first_step if recorder.steps_run > 1 else None
            warm, apart = (0, 0.0) if first is None else (1, first)
            self.step_seconds = (self._trace.seconds - apart) / (recorder.steps_run - warm)
        # A run may be remembered for a long time, so free what it holds on the device.
        self._recorder, self._judge = TraceRecorder(recorder.steps_asked), None
