"""Where a second model takes over in a run that two samplers share: Wan 2.2's high and low noise models, a refiner."""

from collections.abc import Sequence

from .plan import StepPlan


def split_step(plan: StepPlan, levels: Sequence[float] = ()) -> int:
    """Return the step before which the first model runs and from which on the second one does; 0 if one runs alone.

    A boundary is a noise level: the first model takes the steps that start at or above it. At least one step is left to
    each. Source: Wan-Video/Wan2.2, wan/text2video.py.

    Args:
        plan: the plan.
        levels: the schedule's falling noise levels, one more than steps; by default, those of the plan's shift.
    """
    if plan.split is None or plan.steps < 2:
        return 0
    if plan.split.unit == "share":
        count = round(plan.split.value * plan.steps)
    else:
        starts = list(levels or _shifted_levels(plan))[: plan.steps]
        count = sum(level >= plan.split.value for level in starts)
    return min(max(count, 1), plan.steps - 1)


def _shifted_levels(plan: StepPlan) -> list[float]:
    """Return the levels of evenly spaced timesteps under the plan's linear shift, which ComfyUI's `simple` gives."""
    shift = plan.shift.value if plan.shift is not None and plan.shift.unit == "linear" else 1.0
    times = [1 - step / plan.steps for step in range(plan.steps + 1)]
    return [shift * time / (1 + (shift - 1) * time) for time in times]
