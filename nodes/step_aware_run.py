"""One run of a sampler inside ComfyUI, watched at the place where every sampler passes: `sampler.sample`.

The KSampler comes here through ComfyUI's SAMPLER_SAMPLE wrapper, a SAMPLER of the custom-sampling graph through an
object that holds it. Nothing here changes what is computed, unless a run is told to stop when it has settled.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import comfy.model_management
import comfy.nested_tensor
import comfy.utils
import torch
from comfy.model_patcher import create_model_options_clone, set_model_options_post_cfg_function
from comfy.patcher_extension import WrappersMP, add_wrapper_with_key

from ..samplers.kept_steps import KeptSteps
from ..samplers.settling import SettleJudge
from ..samplers.stochastic import why_not_settling
from ..samplers.time_budget import MEASURED_STEPS
from ..samplers.trace import ModelCall, StepTrace, TraceRecorder
from .guidance import saver_notes
from .guiders import halves_there, scale_in_force
from .live import LiveTrace

OnStep = Callable[[int, Any, Any, int], None]
SampleFunction = Callable[..., torch.Tensor]

_KEY = "sweetspot_trace"


@dataclass(frozen=True)
class Extras:
    """What a run may do beyond sampling; all off by default.

    Attributes:
        keep_steps: steps whose predicted clean latent is kept, from 1, or from the end as -1.
        tolerance: share of the image's contrast that may be left to change when the run stops; 0 runs to the end.
        seconds: time budget; the run is given up early where it cannot be met. 0 is none.
    """

    keep_steps: tuple[int, ...] = ()
    tolerance: float = 0.0
    seconds: float = 0.0


class TooSlowError(Exception):
    """The first steps of a run show that it will not end within its time budget.

    Attributes:
        step_seconds: what one step takes.
        spent: what the run took until it was given up.
    """

    def __init__(self, step_seconds: float, spent: float) -> None:
        """Keep what was measured."""
        super().__init__(f"a step takes {step_seconds:.3g} s")
        self.step_seconds, self.spent = step_seconds, spent


class _Settled(Exception):  # noqa: N818 - no error: it ends a run
    def __init__(self, denoised: torch.Tensor) -> None:
        self.denoised = denoised


class StepAwareRun:
    """Watches one run: its trace, kept steps, live messages, and whether it has settled.

    Args:
        steps_asked: the step count that was asked for; None takes that of the schedule.
        sampler_name: ComfyUI's name of the sampler, empty where there is none.
        extras: what to do beyond watching.
        on_step: called in place of the sampler's own callback; that one where None.
        live: where messages to the browser go, None for none.
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
        self.recorder = TraceRecorder(steps_asked or 0)
        self._steps_asked, self._sampler_name, self._on_step, self._live = steps_asked, sampler_name, on_step, live
        self._judge: SettleJudge | None = None
        self._schedule: list[float] = []
        self._halves, self._scales = 0, list[Any]()
        self._trace: StepTrace | None = None

    def sample(
        self,
        run: SampleFunction,
        guider: Any,
        sigmas: torch.Tensor,
        extra_args: dict[str, Any],
        callback: OnStep | None,
        *rest: Any,
    ) -> torch.Tensor:
        """Let `run` sample as a Sampler's `sample` does, and watch it.

        Raises:
            ValueError: if a step is to be kept that the schedule does not have; before the model is called.
            NotFiniteError: if the model gives NaN or Inf.
            TooSlowError: if the run cannot meet its time budget.
        """
        self._begin(guider, sigmas)
        options_before = guider.model_options
        observed = {**extra_args, "model_options": self._counting(extra_args["model_options"])}
        guider.model_options = self._watching(options_before)
        try:
            samples = run(guider, sigmas, observed, self._step_done(callback, sigmas), *rest)
        except _Settled as settled:
            samples = settled.denoised
        finally:
            guider.model_options = options_before
        self.recorder.finish(samples)
        self._finish(guider)
        self.notes += saver_notes(options_before)
        return samples

    def trace(self) -> StepTrace:
        """Return the trace of the run, after it."""
        trace = replace(self._trace or self.recorder.trace(), kept=tuple(self.kept.numbers))
        return trace.with_notes(*self.notes)

    def _begin(self, guider: Any, sigmas: torch.Tensor) -> None:
        steps = len(sigmas) - 1
        self.kept.start(steps, strict=not self.extras.seconds)
        self.recorder = TraceRecorder(steps if self._steps_asked is None else self._steps_asked)
        self.notes.clear()
        self._schedule = sigmas.tolist()
        self._judge = self._make_judge(guider)
        self.recorder.start(sigmas, guider.model_patcher.load_device)
        if self._live is not None:
            self._live.started()

    def _make_judge(self, guider: Any) -> SettleJudge | None:
        if not self.extras.tolerance > 0:
            return None
        why = why_not_settling(self._sampler_name)
        if not why and self._schedule[-1] > 0:
            why = "this run leaves noise in its latent"
        if why:
            self.notes.append(f"stop when settled: not used, as {why}.")
            return None
        return SettleJudge(self.extras.tolerance, flow=is_flow(guider.inner_model.model_sampling))

    def _counting(self, model_options: dict[str, Any]) -> dict[str, Any]:
        """Return options that tell what a call really did: which halves it computed, and the scale between them."""

        def calc_cond_batch(executor: Any, model: Any, conds: list[Any], *rest: Any) -> Any:
            self._halves += sum(cond is not None for cond in conds)
            return executor(model, conds, *rest)

        def post_cfg(args: dict[str, Any]) -> torch.Tensor:
            self._scales.append(args["cond_scale"])
            return args["denoised"]

        options = create_model_options_clone(model_options)
        add_wrapper_with_key(WrappersMP.CALC_COND_BATCH, _KEY, calc_cond_batch, options, is_model_options=True)
        return set_model_options_post_cfg_function(options, post_cfg)

    def _watching(self, model_options: dict[str, Any]) -> dict[str, Any]:
        """Return options whose model calls are recorded, and refused once the user has cancelled."""

        def predict_noise(executor: Any, x: torch.Tensor, timestep: torch.Tensor, *rest: Any) -> Any:
            comfy.model_management.throw_exception_if_processing_interrupted()
            guider = executor.class_obj
            self._halves, self._scales = 0, []
            prediction = executor(x, timestep, *rest)
            call = ModelCall(
                sigma=timestep.detach().flatten()[:1].float().clone(),
                cfg=scale_in_force(guider, self._scales),
                halves=self._halves,
                halves_there=halves_there(guider),
            )
            self.recorder.called(call, prediction)
            return prediction

        options = create_model_options_clone(model_options)
        add_wrapper_with_key(WrappersMP.PREDICT_NOISE, _KEY, predict_noise, options, is_model_options=True)
        return options

    def _step_done(self, callback: OnStep | None, sigmas: torch.Tensor) -> OnStep:
        report = self._on_step or callback
        steps = len(sigmas) - 1

        def step_done(step: int, denoised: Any, x: Any, total_steps: int) -> None:
            self.recorder.stepped(step, denoised)
            self.kept.stepped(step, denoised)
            if self._live is not None:
                self._live.stepped(self.recorder, self._schedule, step)
            if report is not None:
                report(step, denoised, x, total_steps)
            self._check_time(steps)
            self._check_settled(step, steps, denoised)

        return step_done

    def _check_time(self, steps: int) -> None:
        if self.extras.seconds > 0 and self.recorder.steps_run == MEASURED_STEPS < steps:
            first, spent = self.recorder.report_seconds()[-MEASURED_STEPS:]
            step_seconds = spent - first
            if spent + (steps - MEASURED_STEPS) * step_seconds > self.extras.seconds:
                raise TooSlowError(step_seconds, spent)

    def _check_settled(self, step: int, steps: int, denoised: torch.Tensor) -> None:
        if self._judge is None or not self._judge.settled(denoised, self._schedule[step]) or step + 1 >= steps:
            return
        self.notes.append(
            f"stopped when settled: after step {step + 1} of {steps}; what is left could change at most "
            f"{self._judge.estimate:.2%} of the contrast by the estimate."
        )
        raise _Settled(denoised)

    def _finish(self, guider: Any) -> None:
        self.kept.finish(self.recorder.steps_run, self.recorder.last_denoised)
        if self.kept.missing:
            self.notes.append(f"keep_steps: this run had no step {', '.join(map(str, self.kept.missing))}.")
        if self.kept.latents:
            self.kept_samples = _latent_of(guider, torch.cat(self.kept.latents))
            self.kept.latents.clear()
        if self.recorder.steps_run and not self.recorder.calls:
            self.notes.append(f"model calls: {type(guider).__name__} does not let them be counted.")
        sampling, device = guider.inner_model.model_sampling, guider.model_patcher.load_device
        self._trace = self.recorder.trace(lambda levels: sampling.timestep(levels.to(device)).cpu())
        # A run may be remembered for long; what it held on the device is not.
        self.recorder.last_denoised = self._judge = None


def is_flow(model_sampling: Any) -> bool:
    """Return whether the model's noise levels are those of flow matching, x = (1 - t) image + t noise."""
    from comfy.model_sampling import CONST

    return isinstance(model_sampling, CONST)


def _latent_of(guider: Any, samples: torch.Tensor) -> Any:
    """Return predictions inside the sampler as samples of a LATENT: as the guider does with the sampler's result."""
    shapes = _latent_shapes(guider)
    samples = guider.inner_model.process_latent_out(samples.float()).to(comfy.model_management.intermediate_device())
    if shapes is None or len(shapes) < 2:
        return samples
    return comfy.nested_tensor.NestedTensor(comfy.utils.unpack_latents(samples, shapes))


def _latent_shapes(guider: Any) -> Any:
    """Return the shapes of a latent of several parts (video and audio), which samplers see packed into one."""
    shapes = getattr(guider.inner_model, "latent_shapes", None)
    if shapes is not None:
        return shapes
    # Before ComfyUI 0.28 only the model's own conditions tell them.
    conds = [cond for part in guider.conds.values() for cond in part]
    told = [
        cond["model_conds"]["latent_shapes"].cond for cond in conds if "latent_shapes" in cond.get("model_conds", {})
    ]
    return told[0] if told else None
