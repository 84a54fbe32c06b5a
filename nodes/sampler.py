"""Step-Aware Sampler: gives the stock KSampler's result, bit for bit, and records each step."""

import json
from dataclasses import replace
from typing import Any

from comfy_api.latest import io

from ..comparison.verdict.run_check import RunCheck
from ..presets.plan import StepPlan
from ..presets.recognition.recognise import recognise
from ..samplers.kept_steps import parse_kept_steps
from ..samplers.schedules import MAX_STEPS
from ..samplers.trace import StepTrace
from ..words import Message, spoken
from .comparing.options import Options
from .comparing.run_check import check_run
from .guidance_inputs import ALWAYS, chosen_saver, window_inputs
from .model.evidence import gather_evidence
from .running.job import NOTHING_KEPT, SNAP, WARN, Job, describe_settings, run_job
from .running.stock import KSamplerSettings
from .running.watched_run import Extras
from .schema import (
    STEP_WORDS,
    Trace,
    check_choice,
    conditioning_inputs,
    denoise_input,
    expert,
    is_linked,
    keep_steps_input,
    make_schema,
    model_input,
    plan_input,
    sampler_inputs,
    seed_input,
    settled_input,
    steps_input,
)

OFF, ON = "off", "on"


class SweetSpotSampler(io.ComfyNode):
    """Samples like the stock KSampler, records each step, and can leave out guidance and steps."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's inputs and outputs."""
        return make_schema(
            node_id="SweetSpotSampler",
            display_name="Step-Aware Sampler",
            description="Samples exactly like the stock KSampler and traces each step. Extras, all off by default: "
            "keep chosen steps, limit guidance to part of the run, stop when settled, set a time budget.",
            search_aliases=["KSampler", "trace", *STEP_WORDS],
            # So that a queue without changes still shows what the node showed.
            has_intermediate_output=True,
            inputs=[
                model_input(),
                seed_input(),
                steps_input(),
                *sampler_inputs(),
                *conditioning_inputs(),
                denoise_input(),
                plan_input(),
                *_part_inputs(),
                keep_steps_input(),
                *window_inputs(),
                settled_input(),
                *_budget_inputs(),
                *_check_inputs(),
            ],
            outputs=_outputs(),
            hidden=[io.Hidden.prompt, io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(cls, keep_steps: str | None = "") -> bool | str:
        """Refuse an invalid step list before anything runs; a linked list is checked once it is known.

        Only this input is named here, because ComfyUI would mark every input that is named as wrong.
        """
        try:
            parse_kept_steps(keep_steps or "")
        except ValueError as error:
            return str(error)
        return True

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
        add_noise: str = "enable",
        start_at_step: int = 0,
        end_at_step: int = MAX_STEPS,
        return_with_leftover_noise: str = "disable",
        keep_steps: str = "",
        guidance_window: str = ALWAYS,
        window_start: float = 0.0,
        window_end: float = 1.0,
        stop_when_settled: float = 0.0,
        time_budget: float = 0.0,
        off_trained_steps: str = WARN,
        check: str = OFF,
        vae: Any = None,
    ) -> io.NodeOutput:
        """Sample and trace."""
        for name, value in (("add_noise", add_noise), ("return_with_leftover_noise", return_with_leftover_noise)):
            check_choice(name, value, ("enable", "disable"))
        check_choice("check", check, (OFF, ON))
        check_choice("off_trained_steps", off_trained_steps, (WARN, SNAP))
        part = (add_noise == "enable", start_at_step, end_at_step, return_with_leftover_noise == "enable")
        settings = KSamplerSettings(seed, cfg, sampler_name, scheduler, denoise, *part)
        extras = Extras(parse_kept_steps(keep_steps), stop_when_settled, time_budget)
        saver = chosen_saver(guidance_window, window_start, window_end, model)
        job = Job(model, steps, settings, positive, negative, latent_image, extras, saver, node_id=cls.hidden.unique_id)
        job = job.planned(plan, off_trained_steps)
        job.check()
        latent, trace, kept = run_job(job)
        if not trace.kept and is_linked(cls.hidden.prompt, cls.hidden.unique_id, 4):
            trace = trace.with_notes(NOTHING_KEPT)
        checked: RunCheck | Message | None = None
        if check == ON:
            checked = cls._checked(job, latent, trace, vae, plan)
            trace = _with_check(trace, checked)
        text, summary = trace.to_json(), f"{describe_settings(job, planned=plan is not None)}\n{trace.describe()}"
        numbers = ", ".join(map(str, trace.kept))
        shown = {"text": [summary], "trace": [text], **_shown(checked)}
        return io.NodeOutput(latent, trace, trace.steps_run, text, kept, numbers, summary, ui=shown)

    @classmethod
    def _checked(
        cls, job: Job, latent: dict[str, Any], trace: StepTrace, vae: Any, plan: StepPlan | None
    ) -> RunCheck | Message:
        known = plan or recognise(gather_evidence(job.model, cls.hidden.prompt, cls.hidden.unique_id)).plan
        return check_run(job, latent, trace, vae, known, Options.usual().visible.below)


def _with_check(trace: StepTrace, checked: RunCheck | Message) -> StepTrace:
    if isinstance(checked, RunCheck):
        return replace(trace, check=checked.to_dict()).with_notes(checked.text)
    return trace.with_notes(checked)


def _shown(checked: RunCheck | Message | None) -> dict[str, list[str]]:
    """Return what the node shows of a check: the answer, and the text in the form that can be translated."""
    if checked is None:
        return {}
    text = checked.text if isinstance(checked, RunCheck) else checked
    answer = checked.answer if isinstance(checked, RunCheck) else "not checked"
    return {"check": [json.dumps({"answer": answer, "text": spoken(text)})]}


def _part_inputs() -> list[io.Input]:
    # Names, options and defaults are those of the stock KSampler (Advanced).
    return [
        io.Combo.Input(
            "add_noise",
            options=["enable", "disable"],
            default="enable",
            optional=True,
            tooltip="Set to disable if the latent is already noisy, e.g. from a sampler that left noise in it.",
            **expert(),
        ),
        io.Int.Input(
            "start_at_step",
            default=0,
            min=0,
            max=MAX_STEPS,
            optional=True,
            tooltip="The first step of the schedule that runs, counted from 0.",
            **expert(),
        ),
        io.Int.Input(
            "end_at_step",
            default=MAX_STEPS,
            min=0,
            max=MAX_STEPS,
            optional=True,
            tooltip="The run ends before this step of the schedule, counted from 0.",
            **expert(),
        ),
        io.Combo.Input(
            "return_with_leftover_noise",
            options=["disable", "enable"],
            default="disable",
            optional=True,
            tooltip="Set to enable to leave the remaining noise in the latent, for a sampler that continues from here.",
            **expert(),
        ),
    ]


def _budget_inputs() -> list[io.Input]:
    return [
        io.Float.Input(
            "time_budget",
            default=0.0,
            min=0.0,
            max=86400.0,
            step=0.1,
            optional=True,
            tooltip="Seconds that sampling may take; 0 is no limit. Runs as many steps as fit: at most the requested "
            "count, at least the plan's minimum. Loading and decoding aren't counted.",
        ),
        io.Combo.Input(
            "off_trained_steps",
            options=[WARN, SNAP],
            default=WARN,
            optional=True,
            tooltip="What to do if a plan asks a distilled model for steps it wasn't trained for: warn runs them with "
            "a warning, snap uses the nearest trained count.",
            **expert(),
        ),
    ]


def _check_inputs() -> list[io.Input]:
    return [
        io.Combo.Input(
            "check",
            options=[OFF, ON],
            default=OFF,
            optional=True,
            tooltip="Checks whether the steps were enough, with a short run of another solver from the same noise: 12 "
            "more model calls if they were, else 36.",
        ),
        io.Vae.Input(
            "vae",
            optional=True,
            tooltip="Decodes the images that `check` compares. Without it, latents are compared, which is less sure.",
        ),
    ]


def _outputs() -> list[io.Output]:
    return [
        io.Latent.Output("latent", display_name="latent", tooltip="The denoised latent."),
        Trace.Output("trace", display_name="trace", tooltip="What each step did."),
        io.Int.Output("steps_run", display_name="steps_run", tooltip="How many steps actually ran."),
        io.String.Output("trace_json", display_name="trace_json", tooltip="The trace as JSON text."),
        io.Latent.Output("kept", display_name="kept", tooltip="Predicted clean latents of the steps in keep_steps."),
        io.String.Output(
            "kept_steps", display_name="kept_steps", tooltip="The numbers of the kept steps, e.g. 4, 8, 25."
        ),
        io.String.Output(
            "text", display_name="text", tooltip="What happened, in words: what was used, what wasn't, and why."
        ),
    ]
