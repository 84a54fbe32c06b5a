"""Step Plan: makes a plan by hand, or changes a linked one."""

from itertools import pairwise

import torch
from comfy_api.latest import io

from ..presets.by_hand import CHANGES, KEEP, changed_by_hand
from ..presets.plan import StepPlan
from ..presets.trained import off_trained_steps
from ..samplers.schedules import MAX_STEPS
from .running.stock import KSamplerSettings, check_sampler
from .schema import Plan, make_schema, sampler_names, scheduler_names


class SweetSpotPlan(io.ComfyNode):
    """Makes a plan, or changes one."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's inputs and outputs."""
        return make_schema(
            node_id="SweetSpotPlan",
            display_name="Step Plan",
            description="Makes a plan by hand, or changes a linked plan: steps, cfg, sampler, scheduler, exact sigmas.",
            search_aliases=["override steps", "num_inference_steps"],
            # So that a queue without changes still shows what the node showed.
            has_intermediate_output=True,
            inputs=[
                Plan.Input("plan", optional=True, tooltip="The plan to change. Leave it unlinked to make one by hand."),
                io.Int.Input(
                    "steps",
                    default=0,
                    min=0,
                    max=MAX_STEPS,
                    optional=True,
                    tooltip="Step count. 0 keeps the plan's; without a plan, 0 means 25.",
                ),
                io.Float.Input(
                    "cfg",
                    default=-1.0,
                    min=-1.0,
                    max=100.0,
                    step=0.1,
                    optional=True,
                    tooltip="Guidance scale; 1 is off. -1 keeps the plan's; without a plan, -1 means 8.",
                ),
                io.Combo.Input(
                    "sampler_name",
                    options=[KEEP, *sampler_names()],
                    default=KEEP,
                    optional=True,
                    tooltip='The sampler. "from plan" keeps the plan\'s; without a plan, it means euler.',
                ),
                io.Combo.Input(
                    "scheduler",
                    options=[KEEP, *scheduler_names()],
                    default=KEEP,
                    optional=True,
                    tooltip='The scheduler. "from plan" keeps the plan\'s; without a plan, it means simple.',
                ),
                io.Sigmas.Input(
                    "sigmas",
                    optional=True,
                    tooltip="An exact schedule, e.g. from ManualSigmas. It also sets the step count.",
                ),
            ],
            outputs=[
                Plan.Output("plan", display_name="plan", tooltip="The plan, for this pack's other nodes."),
                io.String.Output("text", display_name="text", tooltip="The plan's settings and where each comes from."),
            ],
        )

    @classmethod
    def execute(
        cls,
        plan: StepPlan | None = None,
        steps: int = 0,
        cfg: float = -1.0,
        sampler_name: str = KEEP,
        scheduler: str = KEEP,
        sigmas: torch.Tensor | None = None,
    ) -> io.NodeOutput:
        """Apply the changes to the plan."""
        levels = _checked_levels(sigmas, steps) if sigmas is not None else ()
        changed = changed_by_hand(plan, steps, cfg, sampler_name, scheduler, levels)
        check_sampler(KSamplerSettings(0, changed.cfg, changed.sampler_name, changed.scheduler, 1.0))
        text = _describe(changed)
        return io.NodeOutput(changed, text, ui={"text": [text]})


def _checked_levels(sigmas: torch.Tensor, steps: int) -> tuple[float, ...]:
    """Return the noise levels of an exact schedule.

    Raises:
        ValueError: if the levels do not fall, or `steps` asks for another count.
    """
    levels: list[float] = sigmas.tolist()
    falls = len(levels) >= 2 and all(after < before for before, after in pairwise(levels))
    if not falls or not levels[-1] >= 0:
        raise ValueError(f"sigmas: expected at least 2 falling noise levels, none below 0; got {levels[:8]}")
    if steps not in (0, len(levels) - 1):
        raise ValueError(f"steps: expected 0 or {len(levels) - 1}, the step count of the sigmas; got {steps}")
    return tuple(levels)


def _describe(plan: StepPlan) -> str:
    lines = [f"Plan: {plan.variant}"]
    lines += [f"{name}: {getattr(plan, name)} (source: {plan.sources.get(name, 'plan')})" for name in CHANGES]
    lines += [f"{plan.scheduler}'s {name}: {value:g}" for name, value in plan.scheduler_options.items()]
    if plan.sigmas:
        lines.append("sigmas: " + ", ".join(f"{level:g}" for level in plan.sigmas))
    off = off_trained_steps(plan)
    return "\n".join([*lines, f"Warning: {plan.variant} {off}."] if off else lines)
