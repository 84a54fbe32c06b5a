"""Multi-Step Compare: the same seed at several step counts, side by side, with the sweet spot named."""

import json
from typing import Any

import numpy as np
import torch
from comfy_api.latest import io, ui

from ..comparison.grid import draw_grid
from ..comparison.report import Report, Run, Settings, build_report
from ..presets.detection import recognise
from ..presets.plan import StepPlan
from ..samplers.step_counts import has_words, parse_step_counts
from .comparison import ComparisonProgress, run_step_counts
from .evidence import file_name, gather_evidence
from .recognition import counts_of_qualities
from .sampling import SamplerSettings, check_latent, check_sampler
from .schema import (
    conditioning_inputs,
    denoise_input,
    expert,
    make_schema,
    model_input,
    plan_input,
    sampler_inputs,
    seed_input,
)


class SweetSpotCompare(io.ComfyNode):
    """Renders several step counts from the same noise and names the smallest one that is enough."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's inputs and outputs."""
        return make_schema(
            node_id="SweetSpotCompare",
            display_name="Multi-Step Compare",
            description="Renders the same seed at several step counts and names the smallest one that is enough.",
            search_aliases=["xy plot", "steps", "num_inference_steps", "inference_steps", "sample_steps"],
            is_output_node=True,
            # With these the shown grid carries its workflow, and can be dropped into ComfyUI to load it.
            hidden=[io.Hidden.prompt, io.Hidden.unique_id, io.Hidden.extra_pnginfo],
            inputs=[
                model_input(),
                *conditioning_inputs(),
                io.Vae.Input("vae", tooltip="Decodes the images that are compared."),
                seed_input(),
                io.String.Input(
                    "steps",
                    default="4, 25, 50",
                    tooltip="Step counts to compare, separated by commas: up to 64 whole numbers from 1 to 10000, "
                    "ranges as 8..32:8, and draft, balanced, best of the model. The largest is the reference.",
                ),
                *sampler_inputs(),
                denoise_input(),
                plan_input(),
                io.Int.Input(
                    "cache_megabytes",
                    default=1024,
                    min=0,
                    max=1 << 20,
                    optional=True,
                    tooltip="Memory for finished images, so that an edited list computes only what is new. 0 forgets "
                    "them and computes all anew.",
                    **expert(),
                ),
            ],
            outputs=[
                io.Image.Output("images", display_name="images", tooltip="All images, in rising order of step counts."),
                io.Image.Output("grid", display_name="grid", tooltip="The images side by side, labelled."),
                io.String.Output("report", display_name="report", tooltip="Times, measures and verdict as JSON text."),
                io.Int.Output(
                    "sweet_spot",
                    display_name="sweet_spot",
                    tooltip="The smallest step count that is enough; the largest compared where none is found.",
                ),
            ],
        )

    @classmethod
    def validate_inputs(cls, steps: str | None) -> bool | str:
        """Refuse a step list with a mistake before anything runs; a linked list is checked when it is known."""
        try:
            if steps is not None:
                parse_step_counts(steps)
        except ValueError as error:
            return str(error)
        return True

    @classmethod
    def execute(
        cls,
        model: Any,
        positive: Any,
        negative: Any,
        latent_image: dict[str, Any],
        vae: Any,
        seed: int,
        steps: str,
        cfg: float,
        sampler_name: str,
        scheduler: str,
        denoise: float,
        plan: StepPlan | None = None,
        cache_megabytes: int = 1024,
    ) -> io.NodeOutput:
        """Run every step count, measure and report."""
        words = cls._words(model, plan) if has_words(steps) else None
        counts = parse_step_counts(steps, words)
        settings = SamplerSettings(seed, cfg, sampler_name, scheduler, denoise).overlaid(plan)
        check_sampler(settings)
        check_latent(model, latent_image)
        progress = ComparisonProgress(model, counts)
        common = (model, settings, positive, negative, latent_image, vae, progress)
        runs = run_step_counts(counts, *common, cache_bytes=cache_megabytes << 20)
        report = build_report(runs, _describe(model, settings, plan))
        text = json.dumps(report.to_dict(), indent=2)
        images = torch.from_numpy(np.concatenate([run.images for run in runs]))
        picture = draw_grid(runs, report)
        progress.show(picture)
        grid = torch.from_numpy(picture).unsqueeze(0)
        shown = {**ui.PreviewImage(grid, cls=cls).as_dict(), "report": [text], "text": [_tell(report, runs, words)]}
        return io.NodeOutput(images, grid, text, report.sweet_spot.steps or report.reference, ui=shown)

    @classmethod
    def _words(cls, model: Any, plan: StepPlan | None) -> dict[str, int]:
        evidence = gather_evidence(model, cls.hidden.prompt, cls.hidden.unique_id)
        return counts_of_qualities(evidence, plan)


def _tell(report: Report, runs: list[Run], words: dict[str, int] | None) -> str:
    reused = [str(run.steps) for run in runs if run.reused]
    from_before = f"From an earlier comparison: {', '.join(reused)}." if reused else ""
    stand_for = ", ".join(f"{word} is {count}" for word, count in words.items()) + "." if words else ""
    lines = [
        stand_for.capitalize(),
        report.sweet_spot.reason,
        f"Confidence: {report.sweet_spot.confidence}.",
        from_before,
    ]
    return "\n".join(line for line in lines if line)


def _describe(model: Any, settings: SamplerSettings, plan: StepPlan | None) -> Settings:
    variant = plan.variant if plan else recognise(gather_evidence(model)).plan.variant
    return Settings(
        engine="comfyui",
        variant=variant,
        source=file_name(model),
        sampler=settings.sampler_name,
        scheduler=settings.scheduler,
        cfg=settings.cfg,
        seed=settings.seed,
    )
