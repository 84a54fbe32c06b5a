"""Save Step Preset: saves settings for a model. From then on, Model Step Preset prefers them."""

import json
import math
from typing import Any

from comfy_api.latest import io

from ..presets.plan import StepPlan
from ..presets.qualities import QUALITIES
from ..presets.sources.settings import CFG_NAMES, STEPS_NAMES, from_text
from ..presets.sources.user import UserPresetsError, key_of, save_preset
from .model.evidence import gather_evidence
from .model.user_folder import presets_file
from .schema import Plan, make_schema, model_input, sampler_inputs, steps_input


class SweetSpotSavePreset(io.ComfyNode):
    """Saves settings, e.g. a sweet spot that was found, in the user's folder."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's inputs and outputs."""
        return make_schema(
            node_id="SweetSpotSavePreset",
            display_name="Save Step Preset",
            description="Saves steps, cfg, sampler and scheduler for this model. Model Step Preset then prefers them.",
            search_aliases=["save steps", "save settings", "num_inference_steps", "step preset"],
            inputs=[
                model_input(),
                steps_input(),
                *sampler_inputs(),
                io.Combo.Input(
                    "quality",
                    options=list(QUALITIES),
                    default="balanced",
                    tooltip="The quality in Model Step Preset that these settings are for.",
                ),
                io.String.Input(
                    "file",
                    default="",
                    optional=True,
                    tooltip="The model's file name, or a type such as SDXL for all its models. Leave it empty to use "
                    "the file that the model was loaded from.",
                ),
                io.String.Input(
                    "pasted",
                    default="",
                    multiline=True,
                    optional=True,
                    tooltip="Settings as text, which override the inputs above: A1111's parameters, JSON with steps or "
                    "num_inference_steps, or a diffusers scheduler_config.json or model_index.json.",
                ),
                Plan.Input(
                    "plan",
                    optional=True,
                    tooltip="A plan, e.g. from Calibrate Steps. Its settings, shift and exact schedule are saved, with "
                    "their source, instead of those above.",
                ),
            ],
            outputs=[
                io.String.Output("text", display_name="text", tooltip="What was saved, and in which file."),
            ],
            hidden=[io.Hidden.prompt, io.Hidden.unique_id],
            is_output_node=True,
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        quality: str,
        file: str = "",
        pasted: str = "",
        plan: StepPlan | None = None,
        **settings: Any,
    ) -> io.NodeOutput:
        """Save the settings under the model's file name."""
        settings = _settings_of(plan) if plan is not None else settings
        if pasted.strip():
            settings = _laid_over(settings, from_text(pasted)[0])
        evidence = gather_evidence(model, cls.hidden.prompt, cls.hidden.unique_id)
        name = file or _only_file(evidence.files)
        loras = [lora.name for lora in evidence.active_loras]
        target = presets_file()
        source = plan.sources.get("steps", "") if plan is not None else ""
        saved = save_preset(target, name, settings, quality, loras, source)  # pyright: ignore[reportArgumentType] - the combo's
        key = key_of(name, loras)
        text = f"Saved for {key}, {quality}: {json.dumps(saved.presets[key][quality])}\nIn {target}"
        text += f"\n{saved.problem}." if saved.problem else ""
        return io.NodeOutput(text, ui={"text": [text]})


def _settings_of(plan: StepPlan) -> dict[str, Any]:
    """Return what a plan sets, as it is saved: the shift as the linear one."""
    settings: dict[str, Any] = {"steps": plan.steps, **plan.overrides}
    if plan.shift is not None:
        value = plan.shift.value
        settings["shift"] = round(math.exp(value) if plan.shift.unit == "mu" else value, 6)
    if plan.scheduler_options:
        settings["scheduler_options"] = dict(plan.scheduler_options)
    return settings | ({"sigmas": list(plan.sigmas)} if plan.sigmas else {})


def _laid_over(settings: dict[str, Any], pasted: dict[str, Any]) -> dict[str, Any]:
    """Return the settings, overridden by the pasted ones, which may use other names for steps and cfg."""
    hidden = [
        ours for ours, names in (("steps", STEPS_NAMES), ("cfg", CFG_NAMES)) if any(name in pasted for name in names)
    ]
    return {name: value for name, value in settings.items() if name not in hidden} | pasted


def _only_file(files: tuple[str, ...]) -> str:
    if len(files) != 1:
        came = ", ".join(files) or "none"
        raise UserPresetsError(
            f"model: expected one that comes from one file, got {came}; write the file name into `file`"
        )
    return files[0]
