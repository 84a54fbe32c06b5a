"""Checks inside ComfyUI whether a finished run had enough steps; the rule is in `comparison/verdict/run_check.py`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import comfy.model_management
import comfy.utils
import torch

from ...comparison.measures.latents import latent_similarity
from ...comparison.measures.levels import to_levels
from ...comparison.measures.measured import Prepared
from ...comparison.runs import Sampling
from ...comparison.verdict.pooling import pooled
from ...comparison.verdict.run_check import (
    CHECK_STEPS,
    LATENTS,
    Answer,
    CheckRun,
    RunCheck,
    first_answer,
    images_scale,
    second_answer,
    settings_of,
)
from ...comparison.verdict.second_opinion import CheckPlan, can_be_checked, plan_check
from ...presets.plan import StepPlan
from ...samplers.stochastic import why_no_sweet_spot
from ...samplers.trace import StepTrace
from ...words import Message
from ..running.job import Job
from ..running.live import tell_check
from ..running.stock import KSamplerSettings, sample_traced, schedule_of
from .images import decode, measuring_device


def check_run(
    job: Job, sampled: dict[str, Any], trace: StepTrace, vae: Any, known: StepPlan, visible: float
) -> RunCheck | Message:
    """Return whether a job's run had enough steps, or why that can't be checked.

    Args:
        job: the job.
        sampled: its latent dict.
        trace: its trace.
        vae: decodes the images that are compared; None to compare latents.
        known: what is known about the model.
        visible: the similarity below which a difference of images is visible.
    """
    why = _why_not(job, trace, known)
    schedule = _schedule(job, trace)
    plan = None if why else _plan(job, schedule)
    if plan is None:
        why = why or Message("unchecked.levels", "it has too few steps.")
        return Message("unchecked.reason", "The run was not checked: {why}", {"why": why})
    checking = _Checking(job, plan, vae, schedule)
    result, scale = checking.seen(sampled), images_scale(visible) if vae is not None else LATENTS
    first = checking.run(CHECK_STEPS[0])
    runs = [first.beside(result)]
    answer: Answer | None = first_answer(runs[0].similarity, scale)
    if answer is None:
        second = checking.run(CHECK_STEPS[1])
        runs.append(second.beside(result))
        answer = second_answer(runs[1].similarity, second.seen.similarity(first.seen), scale)
    return RunCheck(answer, trace.steps_run, settings_of(plan, runs[-1]), runs, vae is not None, plan.from_full_noise)


def _why_not(job: Job, trace: StepTrace, known: StepPlan) -> str:
    settings = job.settings
    if why := why_no_sweet_spot(settings.sampler_name):
        return why
    if known.distilled:
        return Message(
            "unchecked.distilled",
            "{variant} was distilled for few steps, so more steps don't lead to a finished picture.",
            {"variant": known.variant},
        )
    if job.is_part or not settings.add_noise or settings.leave_noise:
        return Message("unchecked.part", "only part of a schedule ran.")
    if not can_be_checked(_sampling(settings), None):
        own = "{sampler} follows another equation than other samplers."
        return Message("unchecked.own_equation", own, {"sampler": settings.sampler_name})
    return "" if trace.steps_run else Message("unchecked.levels", "it has too few steps.")


def _schedule(job: Job, trace: StepTrace) -> list[float]:
    """Return the noise levels of the run; a time budget may have chosen another count than the job's."""
    schedule = schedule_of(job.model, job.steps, job.settings)
    if len(schedule) - 1 != trace.steps_scheduled and trace.steps_scheduled:
        schedule = schedule_of(job.model, trace.steps_scheduled, job.settings)
    return schedule.tolist()


def _plan(job: Job, schedule: Sequence[float]) -> CheckPlan | None:
    stock = [
        KSamplerSettings(job.settings.seed, job.settings.cfg, "euler", scheduler, 1.0)
        for scheduler in ("simple", "karras")
    ]
    two_steps, karras = (schedule_of(job.model, 2, settings).tolist() for settings in stock)
    return plan_check(_sampling(job.settings), schedule, two_steps, karras)


def _sampling(settings: KSamplerSettings) -> Sampling:
    return Sampling(settings.seed, settings.cfg, settings.sampler_name, settings.scheduler)


@dataclass(frozen=True)
class _Seen:
    """What is compared of a result: decoded images, or latents."""

    parts: Sequence[Any]

    def similarity(self, other: "_Seen") -> float:
        """Return how similar both are, pooled over the batch."""
        measure = Prepared.similarity if isinstance(self.parts[0], Prepared) else latent_similarity
        return pooled([measure(one, two) for one, two in zip(other.parts, self.parts, strict=True)])


@dataclass(frozen=True)
class _Finished:
    """A check run."""

    steps: int
    trace: StepTrace
    seen: _Seen

    def beside(self, result: _Seen) -> CheckRun:
        """Return its record, with how similar a result is to its own."""
        trace = self.trace
        return CheckRun(self.steps, trace.model_calls, trace.seconds, self.seen.similarity(result))


@dataclass(frozen=True)
class _Checking:
    """Makes check runs, and what is compared of them."""

    job: Job
    plan: CheckPlan
    vae: Any
    schedule: Sequence[float]

    def run(self, steps: int) -> _Finished:
        """Return a check run of this many steps."""
        job, sampling = self.job, self.plan.at(steps)
        settings = KSamplerSettings(
            sampling.seed,
            sampling.cfg,
            sampling.sampler_name,
            sampling.scheduler,
            1.0,
            sigmas=torch.tensor(sampling.sigmas, dtype=torch.float32),
        )
        # Guidance applies at the same noise levels as in the run, whatever share of the steps that is.
        saver = job.saver and job.saver.of_whole(self.schedule)
        model = saver.on_model(job.model) if saver else job.model
        bar = comfy.utils.ProgressBar(steps)

        def on_step(step: int, *_: Any) -> None:
            comfy.model_management.throw_exception_if_processing_interrupted()
            bar.update_absolute(step + 1, steps)
            tell_check(job.node_id, step + 1, steps)

        sampled, trace = sample_traced(model, steps, settings, job.positive, job.negative, job.latent, on_step)
        return _Finished(steps, trace, self.seen(sampled))

    def seen(self, sampled: dict[str, Any]) -> _Seen:
        """Return what is compared of a latent dict."""
        if self.vae is None:
            samples = sampled["samples"]
            return _Seen(list(samples.unbind()[0] if getattr(samples, "is_nested", False) else samples))
        images, device = to_levels(decode(self.vae, sampled)), measuring_device(self.job.model)
        return _Seen([Prepared(image, device) for image in images])
