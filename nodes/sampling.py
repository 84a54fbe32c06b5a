"""The stock KSampler, traced: its own function does the work, ComfyUI's wrapper interface watches.

Nothing here changes what is computed, so the result is the stock one bit for bit, on every version of ComfyUI.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import comfy.samplers
import torch
from comfy.patcher_extension import WrappersMP
from nodes import common_ksampler  # pyright: ignore[reportAttributeAccessIssue] - ComfyUI's nodes, not ours

from ..presets.plan import StepPlan
from ..samplers.trace import StepTrace, TraceRecorder

OnStep = Callable[[int, Any, Any, int], None]

_KEY = "sweetspot_trace"


@dataclass(frozen=True)
class SamplerSettings:
    """The settings of the stock KSampler, under its own names."""

    seed: int
    cfg: float
    sampler_name: str
    scheduler: str
    denoise: float

    def overlaid(self, plan: StepPlan | None) -> "SamplerSettings":
        """Return these settings with those of a linked plan laid over them."""
        if plan is None:
            return self
        return SamplerSettings(self.seed, plan.cfg, plan.sampler_name, plan.scheduler, self.denoise)


def check_sampler(settings: SamplerSettings) -> None:
    """Refuse names that this ComfyUI does not have; its KSampler would silently take its first one instead.

    Raises:
        ValueError: names the input, what is allowed and what came.
    """
    for name, allowed, came in (
        ("sampler_name", comfy.samplers.KSampler.SAMPLERS, settings.sampler_name),
        ("scheduler", comfy.samplers.KSampler.SCHEDULERS, settings.scheduler),
    ):
        if came not in allowed:
            raise ValueError(f"{name}: expected one of {', '.join(allowed)}; got {came!r}")


def check_latent(model: Any, latent: dict[str, Any]) -> None:
    """Refuse a latent with content whose channels are not the model's; an empty one is adapted by ComfyUI.

    Raises:
        ValueError: names the input, the channels the model has and those that came.
    """
    samples = latent["samples"]
    if getattr(samples, "is_nested", False):
        return
    expected = model.get_model_object("latent_format").latent_channels
    if samples.shape[1] != expected and torch.count_nonzero(samples) > 0:
        raise ValueError(
            f"latent_image: this model's latents have {expected} channels, got {samples.shape[1]}; "
            "encode the image with the VAE that belongs to the model"
        )


def sample_traced(
    model: Any,
    steps: int,
    settings: SamplerSettings,
    positive: Any,
    negative: Any,
    latent: dict[str, Any],
    on_step: OnStep | None = None,
) -> tuple[dict[str, Any], StepTrace]:
    """Run the stock KSampler and return its latent and the trace.

    Args:
        model: ModelPatcher; a clone of it is used, itself it is left as it was.
        steps: step count.
        settings: the other settings of the KSampler.
        positive: conditioning.
        negative: conditioning.
        latent: latent dict.
        on_step: called as ComfyUI's sampler callbacks (step, denoised, x, total steps) in place of the stock
            progress bar; the stock one where None.
    """
    recorder = TraceRecorder(steps)
    traced = _watched(model, recorder, on_step)
    (sampled,) = common_ksampler(
        traced,
        settings.seed,
        steps,
        settings.cfg,
        settings.sampler_name,
        settings.scheduler,
        positive,
        negative,
        latent,
        denoise=settings.denoise,
    )
    return sampled, recorder.trace()


def _watched(model: Any, recorder: TraceRecorder, on_step: OnStep | None) -> Any:
    """Return a clone of the model whose runs report to the recorder."""

    def sampler_sample(
        executor: Any, guider: Any, sigmas: torch.Tensor, extra_args: Any, callback: OnStep | None, *rest: Any
    ) -> Any:
        report = on_step or callback

        def step_done(step: int, denoised: Any, x: Any, total_steps: int) -> None:
            recorder.stepped(step, denoised)
            if report is not None:
                report(step, denoised, x, total_steps)

        recorder.start(sigmas.tolist())
        samples = executor(guider, sigmas, extra_args, step_done, *rest)
        recorder.finish(samples)
        return samples

    def predict_noise(executor: Any, *arguments: Any, **options: Any) -> Any:
        recorder.model_called()
        return executor(*arguments, **options)

    watched = model.clone()
    watched.add_wrapper_with_key(WrappersMP.SAMPLER_SAMPLE, _KEY, sampler_sample)
    watched.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, _KEY, predict_noise)
    return watched
