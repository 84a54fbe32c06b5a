"""Step-Aware Sampler: the stock KSampler's result, bit for bit, and a trace of its steps."""

from typing import Any

from comfy_api.latest import io

from ..presets.plan import StepPlan
from .sampling import SamplerSettings, check_latent, check_sampler, sample_traced
from .schema import (
    Trace,
    conditioning_inputs,
    denoise_input,
    make_schema,
    model_input,
    plan_input,
    sampler_inputs,
    seed_input,
    steps_input,
)


class SweetSpotSampler(io.ComfyNode):
    """Samples as the stock KSampler does and tells what each step did."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's inputs and outputs."""
        return make_schema(
            node_id="SweetSpotSampler",
            display_name="Step-Aware Sampler",
            description="Samples exactly as the stock KSampler and traces each step: noise level, time, change, calls.",
            search_aliases=["KSampler", "steps", "num_inference_steps", "inference_steps", "sample_steps", "trace"],
            inputs=[
                model_input(),
                seed_input(),
                steps_input(),
                *sampler_inputs(),
                *conditioning_inputs(),
                denoise_input(),
                plan_input(),
            ],
            outputs=[
                io.Latent.Output("latent", display_name="latent", tooltip="The denoised latent."),
                Trace.Output("trace", display_name="trace", tooltip="What each step did."),
                io.Int.Output("steps_run", display_name="steps_run", tooltip="How many steps really ran."),
                io.String.Output("trace_json", display_name="trace_json", tooltip="The trace as JSON text."),
            ],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        seed: int,
        steps: int,
        cfg: float,
        sampler_name: str,
        scheduler: str,
        positive: Any,
        negative: Any,
        latent_image: dict[str, Any],
        denoise: float,
        plan: StepPlan | None = None,
    ) -> io.NodeOutput:
        """Sample and trace."""
        settings = SamplerSettings(seed, cfg, sampler_name, scheduler, denoise).overlaid(plan)
        check_sampler(settings)
        check_latent(model, latent_image)
        steps = plan.steps if plan else steps
        latent, trace = sample_traced(model, steps, settings, positive, negative, latent_image)
        return io.NodeOutput(latent, trace, trace.steps_run, trace.to_json())
