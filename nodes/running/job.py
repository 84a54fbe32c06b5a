"""The Step-Aware Sampler's extras around sampling: a plan's exact schedule, a time budget, a guidance window."""

from dataclasses import dataclass, replace
from typing import Any

from comfy_execution.graph_utils import ExecutionBlocker

from ...presets.plan import StepPlan
from ...presets.trained import fixed_schedule, least_steps, off_trained_levels, off_trained_steps, snapped
from ...samplers.kept_steps import resolve_kept_steps
from ...samplers.schedules import MAX_STEPS
from ...samplers.stochastic import OWN_STEPS
from ...samplers.time_budget import StepTimes, run_within
from ...samplers.trace import StepTrace
from ..model.plan_on_model import exact_sigmas
from .guidance_saver import GuidanceSaver
from .live import LiveTrace
from .stock import KSamplerSettings, check_latent, check_sampler, run_length, sample_watched, schedule_of
from .watched_run import Extras, WatchedRun

WARN, SNAP = "warn", "snap"
NOTHING_KEPT = "No steps were kept: set keep_steps (e.g. 4, 8, -1). Nodes connected to this output were skipped."

_TIMES = StepTimes()


@dataclass(frozen=True)
class Job:
    """One run of the Step-Aware Sampler.

    Attributes:
        model: ModelPatcher; it is left unchanged.
        steps: the requested step count; the plan's if one is linked.
        settings: the KSampler's settings; the plan's if one is linked.
        positive: conditioning.
        negative: conditioning.
        latent: latent dict.
        extras: what to do besides sampling.
        saver: the guidance window; None for guidance in every step.
        least_steps: the lowest sensible step count for the model.
        notes: what the user should know about the plan.
        node_id: the node that live messages name; None for no messages.
    """

    model: Any
    steps: int
    settings: KSamplerSettings
    positive: Any
    negative: Any
    latent: dict[str, Any]
    extras: Extras
    saver: GuidanceSaver | None = None
    least_steps: int = 1
    notes: tuple[str, ...] = ()
    node_id: str | None = None

    def planned(self, plan: StepPlan | None, off_trained: str) -> "Job":
        """Return the job with a linked plan's settings, including steps and schedule.

        Args:
            plan: the plan; None if none is linked.
            off_trained: `warn` or `snap`: what to do if a distilled model was not trained for the steps.
        """
        if plan is None:
            return self
        off = off_trained_steps(plan)
        if off and off_trained == SNAP:
            plan, off = snapped(plan), f"{off}; set to {snapped(plan).steps}, the nearest trained count"
        notes = [f"plan: {plan.variant} {off}."] if off else []
        if (plan.sigmas or plan.timesteps) and not fixed_schedule(plan):
            notes.append(f"plan: its fixed schedule does not have {plan.steps} steps, so {plan.scheduler} is used.")
        exact = exact_sigmas(self.model, plan)
        missed = off_trained_levels(plan, plan.steps, self.settings.denoise) if exact is None else ""
        notes += [f"plan: {missed}"] if missed else []
        settings = replace(self.settings, **plan.overrides, sigmas=exact)
        # A time budget never shortens an exact schedule, because other counts have no such schedule.
        least = plan.steps if exact is not None else least_steps(plan)
        return replace(self, steps=plan.steps, settings=settings, least_steps=least, notes=(*self.notes, *notes))

    def check(self) -> None:
        """Refuse a job that cannot run, before any work is done.

        Raises:
            ValueError: names the input, what is allowed and what was given.
        """
        check_sampler(self.settings)
        check_latent(self.model, self.latent)
        if not self.extras.seconds >= 0:
            raise ValueError(f"time_budget: expected 0 or more seconds, got {self.extras.seconds:g}")
        if self.extras.seconds > 0 and self.is_part:
            raise ValueError(
                "time_budget: expected 0 if start_at_step or end_at_step is set, because another step count would move "
                f"them; got {self.extras.seconds:g}"
            )
        if self.extras.keep_steps:
            resolve_kept_steps(self.extras.keep_steps, run_length(self.model, self.steps, self.settings))

    @property
    def is_part(self) -> bool:
        """Whether only part of the schedule runs."""
        return self.settings.start_at_step > 0 or self.settings.end_at_step < MAX_STEPS


def run_job(job: Job) -> tuple[dict[str, Any], StepTrace, Any]:
    """Run a job and return its latent, its trace, and the kept latents as a latent dict.

    If no steps were kept, a blocker that names the input takes the place of the kept latents.
    """
    latent, run, notes = _within_time(job)
    trace = run.trace()
    idle = "" if trace.steps_scheduled else "nothing ran: denoise, start_at_step and end_at_step leave no steps."
    return latent, trace.with_notes(*job.notes, *notes, idle), kept_latent(run)


def describe_settings(job: Job, *, planned: bool) -> str:
    """Return the settings that were used, in one line."""
    settings = job.settings
    schedule = "an exact schedule" if settings.sigmas is not None else settings.scheduler
    part = f", steps {settings.start_at_step} to {min(settings.end_at_step, job.steps)} of the schedule"
    source = " (from the plan)" if planned else ""
    used = f"{settings.sampler_name}, {schedule}, {job.steps} steps, cfg {settings.cfg:g}"
    return f"{used}{part if job.is_part else ''}{source}"


def kept_latent(run: WatchedRun) -> Any:
    """Return what a run kept as a latent dict, or a blocker that names the input if nothing was kept."""
    if run.kept_samples is not None:
        return {"samples": run.kept_samples}
    return ExecutionBlocker(NOTHING_KEPT)


def _within_time(job: Job) -> tuple[dict[str, Any], WatchedRun, tuple[str, ...]]:
    """Run the job, within its time budget if it has one."""
    budget, name = job.extras.seconds, job.settings.sampler_name
    free = replace(job.extras, seconds=0, strict=not budget)
    if not budget > 0 or name in OWN_STEPS:
        notes = (f"time budget: not used, because {name} chooses its own steps.",) if budget > 0 else ()
        return (*_run(job, job.steps, replace(free, strict=True)), notes)
    asked = run_length(job.model, job.steps, job.settings)

    def attempt(steps: int, limit: float) -> tuple[tuple[dict[str, Any], WatchedRun], float]:
        # For the full length, request the job's own count: some schedulers round it to another number of steps.
        finished = _run(job, job.steps if steps >= asked else steps, replace(free, seconds=limit))
        return finished, finished[1].trace().seconds

    least = min(job.least_steps, asked)
    (latent, run), notes = run_within(budget, asked, least, _TIMES.recall(_time_key(job)), attempt)
    return latent, run, notes


def _run(job: Job, steps: int, extras: Extras) -> tuple[dict[str, Any], WatchedRun]:
    live = LiveTrace(job.node_id) if job.node_id else None
    run = WatchedRun(job.steps, job.settings.sampler_name, extras, live=live)
    saver = job.saver
    if saver is not None and job.is_part:
        saver = saver.of_whole(schedule_of(job.model, steps, job.settings).tolist())
    model = saver.on_model(job.model) if saver is not None else job.model
    latent = sample_watched(run, model, steps, job.settings, job.positive, job.negative, job.latent)
    if run.step_seconds:
        _TIMES.remember(_time_key(job), run.step_seconds)
    return latent, run


def _time_key(job: Job) -> tuple[Any, ...]:
    """Return what the seconds per step depend on: the kind of model, the latent's size, and what a step calls."""
    samples = job.latent["samples"]
    shapes = tuple(tuple(part.shape) for part in (samples.unbind() if samples.is_nested else [samples]))
    conditions = [condition for part in (job.positive, job.negative) for condition in part]
    return (
        type(job.model.model).__name__,
        job.model.model_size(),
        str(job.model.load_device),
        shapes,
        job.settings.sampler_name,
        job.settings.cfg != 1,
        job.saver.description if job.saver else "",
        len(conditions),
        sum("control" in condition[1] for condition in conditions),
    )
