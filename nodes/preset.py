"""Model Step Preset: recognises the model and sets its recommended settings."""

from typing import Any

from comfy_api.latest import io

from ..presets.catalogue import AUTO, chosen_variant, load_catalogue
from ..presets.qualities import QUALITIES, Quality
from ..presets.recognition.finding import CONFIDENCES
from ..presets.splits import split_step
from .model.evidence import gather_evidence
from .model.plan_on_model import apply_sampling, known_names, plan_sigmas
from .model.recognise_here import recognise_here
from .model.user_folder import presets_stamp
from .model.user_settings import usual_quality
from .schema import STEP_WORDS, Plan, expert, make_schema, model_input


class SweetSpotPreset(io.ComfyNode):
    """Looks at the model that is actually in the graph and sets the recommended settings."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's inputs and outputs."""
        return make_schema(
            node_id="SweetSpotPreset",
            display_name="Model Step Preset",
            description="Recognises the model, sets its recommended steps, cfg, sampler and scheduler, and shows why.",
            search_aliases=[*STEP_WORDS, "recommended settings", "best settings", "lightning", "turbo", "distilled"],
            # So that a queue without changes still shows what the node showed.
            has_intermediate_output=True,
            inputs=[model_input(), *_preset_inputs()],
            outputs=_outputs(),
            hidden=[io.Hidden.prompt, io.Hidden.unique_id],
        )

    @classmethod
    def fingerprint_inputs(cls, **_: Any) -> str:
        """Run again when the user's presets have changed."""
        return presets_stamp()

    @classmethod
    def execute(
        cls, model: Any, quality: Quality | None = None, variant: str = AUTO, min_confidence: str = CONFIDENCES[0]
    ) -> io.NodeOutput:
        """Recognise the model and return its plan."""
        choice = chosen_variant(variant)
        recognition = recognise_here(
            gather_evidence(model, cls.hidden.prompt, cls.hidden.unique_id, choice),
            quality or usual_quality(),
            min_confidence,
        )
        plan, replaced = known_names(recognition.plan)
        patched, done = apply_sampling(model, plan)
        sigmas = plan_sigmas(patched, plan)
        text = "\n".join(part for part in (recognition.text, *(f"Warning: {each}" for each in replaced), done) if part)
        return io.NodeOutput(
            patched,
            plan,
            plan.steps,
            plan.cfg,
            plan.sampler_name,
            plan.scheduler,
            text,
            plan.guidance or 0.0,
            sigmas,
            split_step(plan, sigmas.tolist()),
            ui={"text": [text]},
        )


def _preset_inputs() -> list[io.Input]:
    # Optional, so that workflows saved before these inputs existed still run the same way.
    return [
        io.Combo.Input(
            "quality",
            options=list(QUALITIES),
            default="balanced",
            optional=True,
            tooltip="draft for trying out prompts, balanced for the numbers in ComfyUI's official template, best for "
            "the publisher's numbers.",
        ),
        io.Combo.Input(
            "variant",
            options=[AUTO, *(variant.id for variant in load_catalogue())],
            default=AUTO,
            optional=True,
            tooltip="auto detects the model. Pick the variant yourself if detection can't tell.",
        ),
        io.Combo.Input(
            "min_confidence",
            options=list(CONFIDENCES),
            default=CONFIDENCES[0],
            optional=True,
            tooltip='Minimum confidence. Less certain matches fall back to 25 steps; "unknown" accepts any match.',
            **expert(),
        ),
    ]


def _outputs() -> list[io.Output]:
    return [
        io.Model.Output(
            "model", display_name="model", tooltip="The model with the recommended shift or sampling type applied."
        ),
        Plan.Output("plan", display_name="plan", tooltip="All settings in one, for this pack's other nodes."),
        io.Int.Output("steps", display_name="steps", tooltip="Recommended step count."),
        io.Float.Output("cfg", display_name="cfg", tooltip="Recommended guidance scale; 1 is off."),
        # Any type: the stock KSampler refuses a COMBO output, and other packs' samplers refuse a list type.
        io.AnyType.Output("sampler_name", display_name="sampler_name", tooltip="Recommended sampler."),
        io.AnyType.Output("scheduler", display_name="scheduler", tooltip="Recommended scheduler."),
        io.String.Output("text", display_name="text", tooltip="What was recognised, and the source of each number."),
        io.Float.Output(
            "guidance", display_name="guidance", tooltip="Distilled guidance for FluxGuidance; 0 if the model has none."
        ),
        io.Sigmas.Output(
            "sigmas",
            display_name="sigmas",
            tooltip="The schedule for SamplerCustom; exact if the model has a fixed one.",
        ),
        io.Int.Output(
            "split_step",
            display_name="split_step",
            tooltip="Where the second of two models takes over, e.g. for Wan 2.2; 0 if one runs alone.",
        ),
    ]
