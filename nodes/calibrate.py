"""Calibrate Steps: finds the schedule with which a model's images are finished after few steps."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from comfy_api.latest import io, ui

from ..comparison.calibration.recipe import Recipe
from ..comparison.calibration.report import details, draw, headline, to_dict, viewer_data
from ..comparison.calibration.search import (
    CALLS_FOR_ONE_SOLVER,
    LEAST_CASES,
    LEAST_STEPS,
    MOST_STEPS,
    SCHEDULERS,
    SOLVERS,
    Calibration,
    CalibrationError,
    Wanted,
    calibrate,
)
from ..comparison.runs import Sampling
from ..comparison.step_counts import parse_numbers
from ..presets.plan import StepPlan
from ..presets.recognition.recognise import recognise
from ..samplers.stochastic import why_no_sweet_spot
from .compare_inputs import check_seeds, prompts_input, seeds_input
from .comparing.calibration_progress import CalibrationProgress
from .comparing.engine import ComfyEngine, Subject
from .comparing.live_runs import LiveRuns
from .comparing.options import Options
from .comparing.progress import ComparisonProgress
from .comparing.viewer_files import SUBFOLDER, keep_image
from .model.calibrated_plan import calibrated_plan, how_to_use
from .model.evidence import gather_evidence
from .model.plan_on_model import apply_sampling
from .running.stock import KSamplerSettings, check_latent, check_sampler
from .schema import (
    FIXED_SEED,
    STEP_WORDS,
    Plan,
    check_choice,
    check_number,
    expert,
    make_schema,
    model_input,
    sampler_inputs,
    scheduler_names,
    seed_input,
)

# The more solvers, the more calls.
_CHOICES = {name: (name,) for name in SOLVERS} | {"all": SOLVERS}
_MOST_CALLS = 100_000


class SweetSpotCalibrate(io.ComfyNode):
    """Tries schedules at one step count against long runs, and returns the best one as a plan."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's inputs and outputs."""
        return make_schema(
            node_id="SweetSpotCalibrate",
            display_name="Calibrate Steps",
            description="Finds the schedule with which this model needs the fewest steps: tries samplers, schedulers "
            "and shifts at one step count, against finished images of your own prompts.",
            search_aliases=[*STEP_WORDS, "fewer steps", "best scheduler", "best sampler", "shift", "tune schedule"],
            is_output_node=True,
            hidden=[io.Hidden.prompt, io.Hidden.unique_id],
            inputs=_inputs(),
            outputs=[
                io.Model.Output("model", display_name="model", tooltip="The model with the shift that was found."),
                Plan.Output("plan", display_name="plan", tooltip="The settings that were found, as a plan."),
                io.String.Output("text", display_name="text", tooltip="What was found, and how to use it."),
                io.String.Output("report", display_name="report", tooltip="All figures, as JSON text."),
                io.Image.Output(
                    "images", display_name="images", tooltip="Before, after, and the finished images, side by side."
                ),
            ],
        )

    @classmethod
    def validate_inputs(
        cls,
        sampler_name: str | None,
        prompts: Any = None,  # noqa: ARG003 - ComfyUI passes growing lists whether they are asked for or not
    ) -> bool | str:
        """Refuse a sampler whose images never settle before anything runs.

        No other input is named here, because ComfyUI would mark every input that is named as wrong.
        """
        return why_no_sweet_spot(sampler_name or "") or True

    @classmethod
    def execute(
        cls,
        model: Any,
        negative: Any,
        latent_image: dict[str, Any],
        vae: Any,
        seed: int,
        steps: int,
        cfg: float,
        sampler_name: str,
        scheduler: str,
        solvers: str,
        clip: Any = None,
        texts: str = "",
        prompts: Mapping[str, Any] | None = None,
        seeds: int = 1,
        budget: int = 0,
        other_steps: str = "",
    ) -> io.NodeOutput:
        """Calibrate, and return the plan."""
        check_number("steps", steps, LEAST_STEPS, MOST_STEPS)
        check_number("cfg", cfg, 0, 100)
        check_choice("solvers", solvers, list(_CHOICES))
        check_seeds(seeds)
        others = parse_numbers(other_steps, "other_steps")
        check_latent(model, latent_image)
        check_sampler(KSamplerSettings(seed, cfg, sampler_name, scheduler, 1.0))
        lines = [line.strip() for line in texts.splitlines() if line.strip()]
        given = list((prompts or {}).values())
        cases = _cases(Sampling(seed, cfg, sampler_name, scheduler), len(lines) + len(given), seeds)
        known = recognise(gather_evidence(model, cls.hidden.prompt, cls.hidden.unique_id)).plan
        _check_undistilled(known)
        positives = (*_encoded(clip, lines), *given)
        wanted = Wanted(
            steps,
            cases,
            Recipe(sampler_name, scheduler),
            _CHOICES[solvers],
            [name for name in SCHEDULERS if name in scheduler_names()],
            budget,
            Options.usual().visible,
            others,
        )
        wanted.check()
        engine = _engine(cls, Subject((model,), positives, negative, latent_image, vae))
        found = calibrate(engine, wanted, tell=CalibrationProgress(cls.hidden.unique_id))
        plan = calibrated_plan(known, found, _source(found, latent_image, vae))
        patched, done = apply_sampling(model, plan)
        lines = [headline(found), *details(found), *filter(None, (done, how_to_use(found)))]
        text = "\n".join(lines)
        grid = torch.from_numpy(draw(found)).unsqueeze(0)
        report = json.dumps(to_dict(found), indent=2)
        shown = {**ui.PreviewImage(grid, cls=cls).as_dict(), "text": [text]}
        shown["report"] = [report]
        shown["found"] = [json.dumps(viewer_data(found, lines, SUBFOLDER, keep_image))]
        return io.NodeOutput(patched, plan, text, report, grid, ui=shown)


def _inputs() -> list[io.Input]:
    """Return the inputs; newer ones come last, so that saved workflows keep their values."""
    return [
        model_input(),
        io.Conditioning.Input("negative", tooltip="The negative prompt."),
        io.Latent.Input("latent_image", tooltip="An empty latent of the size to calibrate for."),
        io.Vae.Input("vae", tooltip="Decodes the images that are compared."),
        seed_input(control=FIXED_SEED),
        io.Int.Input("steps", default=8, min=LEAST_STEPS, max=MOST_STEPS, tooltip="The count that should be enough."),
        *sampler_inputs(),
        io.Combo.Input(
            "solvers",
            options=list(_CHOICES),
            default=SOLVERS[0],
            tooltip="Which samplers to try. all: the three, with three times the model calls.",
        ),
        io.Clip.Input("clip", optional=True, tooltip="Encodes `texts`."),
        io.String.Input(
            "texts",
            default="",
            multiline=True,
            optional=True,
            tooltip="Prompts, one on each line. Together with `prompts`, eight are a good number.",
        ),
        prompts_input(),
        seeds_input("`seed`, for each prompt"),
        io.Int.Input(
            "budget",
            default=0,
            min=0,
            max=_MOST_CALLS,
            optional=True,
            tooltip="The most model calls of the search, beyond those for finished images to compare with. 0: "
            f"{CALLS_FOR_ONE_SOLVER} for each solver; with many steps, as many as it needs.",
            **expert(),
        ),
        io.String.Input(
            "other_steps",
            default="",
            optional=True,
            tooltip="More step counts, e.g. 4, 12..24:4. Says from which one on most images are finished, and "
            "how many steps your own settings need for as much. Each takes about 12 more images.",
        ),
    ]


def _engine(cls: Any, subject: Subject) -> ComfyEngine:
    progress = ComparisonProgress(subject.models[0], LiveRuns(cls.hidden.unique_id))
    return ComfyEngine(subject, progress, Options.usual().cache_megabytes << 20)


def _encoded(clip: Any, lines: Sequence[str]) -> list[Any]:
    """Return a conditioning for each text."""
    if lines and clip is None:
        raise CalibrationError("clip: expected one for `texts`, got none; link it, or use `prompts`")
    return [clip.encode_from_tokens_scheduled(clip.tokenize(line)) for line in lines]


def _cases(base: Sampling, prompts: int, seeds: int) -> list[Sampling]:
    """Return every prompt with its own seeds: other noise makes other images of one prompt, too."""
    if prompts * seeds < LEAST_CASES:
        raise CalibrationError(
            f"prompts, texts: expected at least {LEAST_CASES} prompts, or as many with `seeds`; got {prompts} with "
            f"{seeds} each"
        )
    numbered = [(prompt, prompt * seeds + number) for prompt in range(prompts) for number in range(seeds)]
    return [replace(base.with_seed(number), prompt=prompt) for prompt, number in numbered]


def _check_undistilled(plan: StepPlan) -> None:
    """Refuse a model that was distilled for few steps: its schedule is part of its training."""
    if plan.distilled:
        raise CalibrationError(
            "model: expected one that isn't distilled, because more steps must lead to a finished image; got "
            f"{plan.variant}, whose steps are fixed by its training. Model Step Preset knows them"
        )


def _source(found: Calibration, latent: dict[str, Any], vae: Any) -> str:
    height, width = latent["samples"].shape[-2:]
    scale = vae.spacial_compression_decode() if hasattr(vae, "spacial_compression_decode") else 8
    scale = scale if isinstance(scale, int) else 8
    day = time.strftime("%Y-%m-%d")
    return f"calibrated on {day}, {len(found.wanted.cases)} images, {width * scale} x {height * scale}"
