"""Runs the stock KSampler under a watch: its own function does the work, and ComfyUI's wrappers let us watch.

With all extras off, nothing changes what is computed, so the result is identical to the stock one, bit for bit, in
every version of ComfyUI.
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import comfy.samplers
import torch
from comfy.patcher_extension import WrappersMP
from nodes import common_ksampler  # pyright: ignore[reportAttributeAccessIssue] - ComfyUI's nodes, not ours

from ...samplers.schedules import MAX_STEPS
from ...samplers.trace import StepTrace
from .watched_run import OnStep, WatchedRun

_KEY = "sweetspot_run"


@dataclass(frozen=True)
class KSamplerSettings:
    """The settings of the stock KSampler and KSampler (Advanced), with their names.

    Attributes:
        seed: seed of the starting noise.
        cfg: guidance scale, 1 is off.
        sampler_name: ComfyUI's name of the sampler.
        scheduler: ComfyUI's name of the scheduler.
        denoise: how much noise is applied, 0 to 1.
        add_noise: whether noise is added to the latent at the start.
        start_at_step: first step of the schedule that runs.
        end_at_step: the step before which the run ends.
        leave_noise: whether the noise remaining at end_at_step stays in the latent.
        sigmas: exact schedule, used instead of the scheduler's; None if there is none.
    """

    seed: int
    cfg: float
    sampler_name: str
    scheduler: str
    denoise: float
    add_noise: bool = True
    start_at_step: int = 0
    end_at_step: int = MAX_STEPS
    leave_noise: bool = False
    sigmas: torch.Tensor | None = None


def check_sampler(settings: KSamplerSettings) -> None:
    """Refuse names that this ComfyUI does not have; its KSampler would silently use the first one instead.

    Raises:
        ValueError: names the input, what is allowed and what was given.
    """
    for name, allowed, came in (
        ("sampler_name", comfy.samplers.KSampler.SAMPLERS, settings.sampler_name),
        ("scheduler", comfy.samplers.KSampler.SCHEDULERS, settings.scheduler),
    ):
        if came not in allowed:
            raise ValueError(f"{name}: expected one of {', '.join(allowed)}; got {came!r}")


def check_latent(model: Any, latent: dict[str, Any]) -> None:
    """Refuse a latent with content whose channel count does not fit the model; ComfyUI adapts an empty one.

    Raises:
        ValueError: names the input, the model's channel count and the latent's.
    """
    samples = latent["samples"]
    if getattr(samples, "is_nested", False):
        return
    expected = model.get_model_object("latent_format").latent_channels
    if samples.shape[1] != expected and torch.count_nonzero(samples) > 0:
        raise ValueError(
            f"latent_image: expected {expected} channels for this model, got {samples.shape[1]}; "
            "encode the image with the model's own VAE"
        )


def run_length(model: Any, steps: int, settings: KSamplerSettings) -> int:
    """Return how many steps a run will take, given denoise, start and end, and schedulers that round the count."""
    if settings.sigmas is not None:
        return max(len(_part_of_schedule(settings)) - 1, 0)
    sigmas = schedule_of(model, steps, settings)
    return max(min(len(sigmas) - 1, settings.end_at_step) - settings.start_at_step, 0)


def schedule_of(model: Any, steps: int, settings: KSamplerSettings) -> torch.Tensor:
    """Return the schedule that the stock KSampler would make, or the settings' own, after denoise, on the CPU."""
    if settings.sigmas is not None:
        return _after_denoise(settings.sigmas, settings.denoise)
    stock = comfy.samplers.KSampler(
        model,
        steps=steps,
        device=torch.device("cpu"),
        sampler=settings.sampler_name,
        scheduler=settings.scheduler,
        denoise=settings.denoise,
        model_options=model.model_options,
    )
    return stock.sigmas


def sample_traced(
    model: Any,
    steps: int,
    settings: KSamplerSettings,
    positive: Any,
    negative: Any,
    latent: dict[str, Any],
    on_step: OnStep | None = None,
) -> tuple[dict[str, Any], StepTrace]:
    """Run the stock KSampler and return its latent and the trace.

    Args:
        model: ModelPatcher; a clone is used, so it is left unchanged.
        steps: step count.
        settings: the other settings of the KSampler.
        positive: conditioning.
        negative: conditioning.
        latent: latent dict.
        on_step: called like ComfyUI's sampler callbacks (step, denoised, x, total steps) instead of the stock progress
            bar; None keeps the stock one.
    """
    run = WatchedRun(steps, settings.sampler_name, on_step=on_step)
    sampled = sample_watched(run, model, steps, settings, positive, negative, latent)
    return sampled, run.trace()


class Watch(Protocol):
    """Something that wraps or replaces a sampler's `sample`."""

    def sample(self, run: Any, guider: Any, sigmas: torch.Tensor, /, *rest: Any, **options: Any) -> torch.Tensor:
        """Sample; `run` is ComfyUI's own function."""
        ...


def sample_watched(
    run: Watch,
    model: Any,
    steps: int,
    settings: KSamplerSettings,
    positive: Any,
    negative: Any,
    latent: dict[str, Any],
) -> dict[str, Any]:
    """Run the stock KSampler under a watch, such as a `WatchedRun`, and return its latent.

    If the settings have their own schedule, the stock SamplerCustom runs it; otherwise, the KSampler runs.
    """
    watched = model.clone()
    watched.add_wrapper_with_key(WrappersMP.SAMPLER_SAMPLE, _KEY, run.sample)
    if settings.sigmas is not None:
        return _sample_custom(watched, settings, positive, negative, latent)
    # The stock KSampler passes None; KSampler (Advanced) differs from it only in these arguments.
    whole = settings.start_at_step == 0 and settings.end_at_step >= MAX_STEPS
    (sampled,) = common_ksampler(
        watched,
        settings.seed,
        steps,
        settings.cfg,
        settings.sampler_name,
        settings.scheduler,
        positive,
        negative,
        latent,
        denoise=settings.denoise,
        disable_noise=not settings.add_noise,
        start_step=None if whole else settings.start_at_step,
        last_step=None if whole else settings.end_at_step,
        force_full_denoise=not whole and not settings.leave_noise,
    )
    return sampled


def _sample_custom(
    model: Any, settings: KSamplerSettings, positive: Any, negative: Any, latent: dict[str, Any]
) -> dict[str, Any]:
    from comfy_extras.nodes_custom_sampler import SamplerCustom

    sigmas = _part_of_schedule(settings)
    if len(sigmas) < 2:
        return latent
    sampler = comfy.samplers.sampler_object(settings.sampler_name)
    output = SamplerCustom.execute(
        model, settings.add_noise, settings.seed, settings.cfg, positive, negative, sampler, sigmas, latent
    )
    return output.args[0]


def _part_of_schedule(settings: KSamplerSettings) -> torch.Tensor:
    """Return the part of an exact schedule that runs, cut in the same way as the KSampler cuts its own."""
    if settings.sigmas is None:
        return torch.zeros(0)
    sigmas = _after_denoise(settings.sigmas, settings.denoise)
    if settings.end_at_step < len(sigmas) - 1:
        sigmas = sigmas[: settings.end_at_step + 1]
        if not settings.leave_noise:
            sigmas[-1] = 0
    return sigmas[settings.start_at_step :]


def _after_denoise(sigmas: torch.Tensor, denoise: float) -> torch.Tensor:
    """Return the last steps of an exact schedule: the share that `denoise` asks for, at least one step."""
    steps = len(sigmas) - 1
    kept = min(steps, max(1, math.floor(steps * denoise + 0.5)))
    return sigmas[-(kept + 1) :].clone() if denoise > 0 else sigmas[:0]
