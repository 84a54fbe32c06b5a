"""Plan Sigmas: turns a plan into a schedule and a sampler for the custom-sampling graph."""

from typing import Any

import comfy.samplers
from comfy_api.latest import io

from ..presets.plan import StepPlan
from .model.plan_on_model import exact_sigmas
from .running.stock import KSamplerSettings, check_sampler, schedule_of
from .schema import Plan, denoise_input, make_schema, model_input


class SweetSpotPlanSigmas(io.ComfyNode):
    """Returns a plan's schedule as SIGMAS and its sampler as SAMPLER."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's inputs and outputs."""
        return make_schema(
            node_id="SweetSpotPlanSigmas",
            display_name="Plan Sigmas",
            description="The plan's sampler, and its schedule for this model: the one that the KSampler would run, or "
            "the exact noise levels that a distilled model was trained on.",
            search_aliases=["BasicScheduler", "sigmas", "trained timesteps", "ManualSigmas"],
            inputs=[
                model_input(),
                Plan.Input("plan", tooltip="A plan, e.g. from Model Step Preset."),
                denoise_input(),
            ],
            outputs=[
                io.Sigmas.Output("sigmas", display_name="sigmas", tooltip="The noise levels of the run."),
                io.Sampler.Output("sampler", display_name="sampler", tooltip="The plan's sampler."),
                io.Int.Output("steps", display_name="steps", tooltip="How many steps the schedule has."),
            ],
        )

    @classmethod
    def execute(cls, model: Any, plan: StepPlan, denoise: float = 1.0) -> io.NodeOutput:
        """Make the schedule."""
        exact = exact_sigmas(model, plan)
        settings = KSamplerSettings(0, plan.cfg, plan.sampler_name, plan.scheduler, denoise, sigmas=exact)
        check_sampler(settings)
        sigmas = schedule_of(model, plan.steps, settings)
        sampler = comfy.samplers.sampler_object(plan.sampler_name)
        return io.NodeOutput(sigmas, sampler, max(len(sigmas) - 1, 0))
