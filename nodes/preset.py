"""Model Step Preset: recognises the model and gives its recommended settings."""

from typing import Any

from comfy_api.latest import io

from ..presets.detection import recognise
from .evidence import gather_evidence
from .schema import Plan, make_schema, model_input


class SweetSpotPreset(io.ComfyNode):
    """Looks at the model that is really in the graph and sets what is recommended for it."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's inputs and outputs."""
        return make_schema(
            node_id="SweetSpotPreset",
            display_name="Model Step Preset",
            description="Recognises the model and sets its recommended steps, cfg, sampler and scheduler; tells why.",
            search_aliases=["steps", "num_inference_steps", "inference_steps", "sample_steps", "recommended settings"],
            inputs=[model_input()],
            outputs=[
                io.Model.Output("model", display_name="model", tooltip="The model, to pass on to a sampler."),
                Plan.Output("plan", display_name="plan", tooltip="All settings in one, for this pack's nodes."),
                io.Int.Output("steps", display_name="steps", tooltip="Recommended step count."),
                io.Float.Output("cfg", display_name="cfg", tooltip="Recommended guidance scale; 1 is off."),
                # Any type: a COMBO output is refused by the stock KSampler, a list type by other packs' samplers.
                io.AnyType.Output("sampler_name", display_name="sampler_name", tooltip="Recommended sampler."),
                io.AnyType.Output("scheduler", display_name="scheduler", tooltip="Recommended scheduler."),
                io.String.Output(
                    "text", display_name="text", tooltip="What was recognised, and the source of each number."
                ),
            ],
        )

    @classmethod
    def execute(cls, model: Any) -> io.NodeOutput:
        """Recognise the model and hand out its plan."""
        found = recognise(gather_evidence(model))
        plan = found.plan
        return io.NodeOutput(
            model,
            plan,
            plan.steps,
            plan.cfg,
            plan.sampler_name,
            plan.scheduler,
            found.text,
            ui={"text": [found.text]},
        )
