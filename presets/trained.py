"""Trained steps: which step counts a distilled model was trained for, and at which timesteps."""

from dataclasses import replace

from ..words import Message
from .catalogue import Variant
from .plan import StepPlan

TRAINED_TIMESTEPS = 1000


def trained_steps(variant: Variant, steps: int) -> tuple[int, int] | None:
    """Return the lowest and highest step count that a distilled model was trained for, None for others.

    Args:
        variant: the catalogue's entry.
        steps: the plan's step count. It is the trained one if the file's name gives it or the schedule is fixed.
    """
    if not variant.distilled:
        return None
    fixed = {"sigmas", "timesteps"} & variant.settings.keys()
    if variant.steps_in_name or (fixed and not variant.steps_range):
        return steps, steps
    entries = variant.settings["steps"].values()
    counts = [count for entry in entries for count in (entry["value"], entry.get("min"), entry.get("max")) if count]
    counts += variant.steps_range or ()
    return min(counts), max(counts)


def trailing_timesteps(steps: int) -> tuple[int, ...]:
    """Return the timesteps of trailing spacing: the last one in each of N equal parts of the 1000 trained ones.

    Source: Lin et al., "Common Diffusion Noise Schedules and Sample Steps are Flawed", 2023, table 2; diffusers'
    `timestep_spacing="trailing"`.

    Args:
        steps: the step count N, 1 to 1000.
    """
    return tuple(round(TRAINED_TIMESTEPS - part * TRAINED_TIMESTEPS / steps) - 1 for part in range(steps))


def off_trained_steps(plan: StepPlan) -> str:
    """Return, in words, that a plan's step count is outside the trained ones; empty if it is within them."""
    trained = plan.trained_steps
    if trained is None or trained[0] <= plan.steps <= trained[1]:
        return ""
    count = f"{trained[0]}" if trained[0] == trained[1] else f"{trained[0]} to {trained[1]}"
    off = "was trained for {trained} steps, not for {count}"
    return Message("caution.trained", off, {"trained": count, "count": plan.steps})


def off_trained_levels(plan: StepPlan, steps: int, denoise: float) -> str:
    """Return, in words, which step count fits a few-step model at less than the full noise; empty if this one does.

    N steps at denoise d are the last N of N / d, so only d times the trained steps start at levels that it knows.

    Args:
        plan: the model's plan for the full noise.
        steps: the step count that runs.
        denoise: the share of the noise that is applied, 0 to 1.
    """
    fitting = max(1, round(plan.steps * denoise))
    if not plan.distilled or not 0 < denoise < 1 or steps == fitting:
        return ""
    count = f"{fitting} step{'s' if fitting > 1 else ''}"
    return f"With denoise {denoise:g}, use {count}: other counts miss the noise levels that a few-step model knows."


def snapped(plan: StepPlan) -> StepPlan:
    """Return the plan with the nearest trained step count."""
    if plan.trained_steps is None:
        return plan
    lowest, highest = plan.trained_steps
    return replace(plan, steps=min(max(plan.steps, lowest), highest))


def least_steps(plan: StepPlan) -> int:
    """Return the lowest sensible step count: the lowest trained one, else the sources' lowest, else the draft's."""
    if plan.trained_steps is not None:
        return plan.trained_steps[0]
    return plan.steps_min or plan.draft_steps or 1


def fixed_schedule(plan: StepPlan) -> bool:
    """Return whether the plan has a fixed schedule for exactly its step count."""
    return plan.steps in (len(plan.sigmas) - 1, len(plan.timesteps)) and bool(plan.sigmas or plan.timesteps)


def at_steps(plan: StepPlan, steps: int) -> StepPlan:
    """Return the plan with another step count: trailing timesteps are spaced again, other fixed schedules dropped."""
    if steps == plan.steps:
        return plan
    trailing = bool(plan.timesteps) and plan.timesteps == trailing_timesteps(len(plan.timesteps))
    timesteps = trailing_timesteps(steps) if trailing and steps <= TRAINED_TIMESTEPS else ()
    return replace(plan, steps=steps, sigmas=(), timesteps=timesteps)
