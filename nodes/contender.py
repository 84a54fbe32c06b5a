"""Contender: another way to sample, which a comparison runs at every step count, too."""

from typing import Any

from comfy_api.latest import io

from ..presets.plan import StepPlan
from ..presets.recognition.evidence import Evidence
from ..presets.recognition.recognise import recognise
from .comparing.changes import Changes
from .model.evidence import gather_evidence
from .schema import ContenderSocket, Plan, check_choice, check_number, make_schema, sampler_names, scheduler_names

SAME = "same"
_SAME_CFG = -1.0


class SweetSpotContender(io.ComfyNode):
    """Says what another contender of a comparison changes."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's inputs and outputs."""
        return make_schema(
            node_id="SweetSpotContender",
            display_name="Contender",
            description="Another model, quantisation, LoRA, cache, plan, sampler, scheduler or cfg to compare in "
            "Multi-Step Compare. It runs every step count.",
            search_aliases=["compare samplers", "compare models", "benchmark", "xy plot"],
            hidden=[io.Hidden.prompt, io.Hidden.unique_id],
            inputs=[
                io.Model.Input(
                    "model",
                    optional=True,
                    tooltip="Another model for the same latent, e.g. quantised, with a LoRA, or with a cache. Leave it "
                    "unlinked for the same model.",
                ),
                Plan.Input("plan", optional=True, tooltip="Another plan: its cfg, sampler, scheduler and schedule."),
                io.Combo.Input(
                    "sampler_name",
                    options=[SAME, *sampler_names()],
                    default=SAME,
                    optional=True,
                    tooltip="The sampler. same: that of the plan, or else of the comparison.",
                ),
                io.Combo.Input(
                    "scheduler",
                    options=[SAME, *scheduler_names()],
                    default=SAME,
                    optional=True,
                    tooltip="The scheduler. same: that of the plan, or else of the comparison.",
                ),
                io.Float.Input(
                    "cfg",
                    default=_SAME_CFG,
                    min=_SAME_CFG,
                    max=100.0,
                    step=0.1,
                    round=0.01,
                    optional=True,
                    tooltip="Guidance scale; 1 is off. -1: that of the plan, or else of the comparison.",
                ),
                io.String.Input(
                    "label",
                    default="",
                    optional=True,
                    tooltip="Name to show in the viewer and the report. Empty: its model or its settings.",
                ),
            ],
            outputs=[
                ContenderSocket.Output("contender", display_name="contender", tooltip="For Multi-Step Compare."),
            ],
        )

    @classmethod
    def execute(
        cls,
        model: Any = None,
        plan: StepPlan | None = None,
        sampler_name: str = SAME,
        scheduler: str = SAME,
        cfg: float = _SAME_CFG,
        label: str = "",
    ) -> io.NodeOutput:
        """Check the values, also linked ones, and return them."""
        check_choice("sampler_name", sampler_name, [SAME, *sampler_names()])
        check_choice("scheduler", scheduler, [SAME, *scheduler_names()])
        check_number("cfg", cfg, _SAME_CFG, 100)
        evidence = None if model is None else gather_evidence(model, cls.hidden.prompt, cls.hidden.unique_id)
        known_plan = plan if plan is not None or evidence is None else recognise(evidence).plan
        changes = Changes(
            model,
            plan,
            known_plan,
            None if sampler_name == SAME else sampler_name,
            None if scheduler == SAME else scheduler,
            None if cfg < 0 else cfg,
            label.strip(),
            _name_of(evidence) if evidence is not None else "",
        )
        return io.NodeOutput(changes)


def _name_of(evidence: Evidence) -> str:
    """Return a model's file with its LoRAs; empty if it doesn't come from one file."""
    if len(evidence.files) != 1:
        return ""
    names = [evidence.files[0], *(lora.name for lora in evidence.active_loras)]
    return " + ".join(name.replace("\\", "/").rpartition("/")[2] for name in names)
