"""Multi-Step Compare: the same seed at several step counts, side by side, with the sweet spot named."""

import json
from dataclasses import replace
from typing import Any

import torch
from comfy_api.latest import io, ui

from ..comparison.frames import check_frames
from ..comparison.markdown import to_markdown
from ..comparison.pictures.chart import draw_curve, draw_curve_svg
from ..comparison.pictures.grid import draw_grid
from ..comparison.report import Price, Report
from ..comparison.step_counts import has_auto, has_words, parse_step_counts
from ..presets.catalogue import is_variant
from ..presets.plan import StepPlan
from ..presets.recognition.recognise import recognise
from .compare_inputs import (
    EIGHT_BIT,
    FLOAT32,
    KEPT_AS,
    MOST_MEGABYTES,
    MOST_PRICE,
    MOST_SEEDS,
    PRICE_UNITS,
    compare_inputs,
    compare_outputs,
)
from .comparing.engine import Comparison, Subject
from .comparing.progress import ComparisonProgress
from .comparing.rounds import Setup, Wanted, check_setups, compare, parse_rivals
from .comparing.save import all_images, as_svg, check_prefix, save_comparison
from .comparing.shared_calls import AUTO, MODES
from .comparing.viewer_files import viewer_text
from .model.evidence import file_name, gather_evidence
from .model.recognise_here import counts_of_qualities
from .running.stock import SamplerSettings, check_latent
from .schema import check_choice, check_number, make_schema


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
            inputs=compare_inputs(),
            outputs=compare_outputs(),
        )

    @classmethod
    def validate_inputs(cls, steps: str | None, also: str | None = "", frames: str | None = "first") -> bool | str:
        """Refuse lists with a mistake before anything runs; what is linked is checked when it is known."""
        try:
            if steps is not None:
                parse_step_counts(steps)
            parse_rivals(also or "")
            check_frames("first" if frames is None else frames)
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
        seeds: int = 1,
        also: str = "",
        plan_2: StepPlan | None = None,
        plan_3: StepPlan | None = None,
        plan_4: StepPlan | None = None,
        together: str = AUTO,
        clip_vision: Any = None,
        price: float = 0.0,
        price_unit: str = PRICE_UNITS[0],
        frames: str = "first, middle, last",
        kept_as: str = EIGHT_BIT,
        save_prefix: str = "",
    ) -> io.NodeOutput:
        """Run every step count, measure and report."""
        words = cls._words(model, plan) if has_words(steps) else None
        wanted = Wanted(parse_step_counts(steps, words), has_auto(steps), seeds)
        settings = SamplerSettings(seed, cfg, sampler_name, scheduler, denoise)
        known = recognise(gather_evidence(model, cls.hidden.prompt, cls.hidden.unique_id)).plan
        setups = _setups(settings, known, (plan, plan_2, plan_3, plan_4), parse_rivals(also))
        check_setups(setups)
        check_latent(model, latent_image)
        check_frames(frames)
        check_choice("together", together, MODES)
        check_number("seeds", seeds, 1, MOST_SEEDS)
        check_number("cache_megabytes", cache_megabytes, 0, MOST_MEGABYTES)
        check_number("cfg", cfg, 0, 100)
        check_number("denoise", denoise, 0, 1)
        check_number("price", price, 0, MOST_PRICE)
        check_choice("kept_as", kept_as, KEPT_AS)
        check_choice("price_unit", price_unit, PRICE_UNITS)
        check_prefix(save_prefix)
        subject = Subject(model, positive, negative, latent_image, vae, clip_vision, frames, kept_as == FLOAT32)
        progress = ComparisonProgress(model)
        comparison = Comparison(subject, progress, cache_megabytes << 20, together)
        told = (model, (plan or known).variant, file_name(model))
        report = compare(comparison, setups, wanted, told, Price(price, price_unit))
        return cls._answer(report, progress, words, save_prefix)

    @classmethod
    def _answer(
        cls, report: Report, progress: ComparisonProgress, words: dict[str, int] | None, save_prefix: str
    ) -> io.NodeOutput:
        """Return all outputs, and show the grid in the node."""
        text = json.dumps(report.to_dict(), indent=2)
        markdown, svg = to_markdown(report), draw_curve_svg(report)
        picture, curve = draw_grid(report), draw_curve(report)
        saved = save_comparison(cls, report, save_prefix, picture, curve) if save_prefix else ""
        progress.show(picture)
        grid = torch.from_numpy(picture).unsqueeze(0)
        shown = {
            **ui.PreviewImage(grid, cls=cls).as_dict(),
            "report": [text],
            "viewer": [viewer_text(report)],
            "markdown": [markdown],
            "svg": [svg],
            "text": [_tell(report, words, saved)],
        }
        return io.NodeOutput(
            all_images(report),
            grid,
            text,
            report.first.sweet_spot.steps or report.first.reference,
            markdown,
            torch.from_numpy(curve).unsqueeze(0),
            as_svg(svg),
            ui=shown,
        )

    @classmethod
    def _words(cls, model: Any, plan: StepPlan | None) -> dict[str, int]:
        # A linked plan says what the model is.
        chosen = plan.variant if plan is not None and is_variant(plan.variant) else ""
        evidence = gather_evidence(model, cls.hidden.prompt, cls.hidden.unique_id, chosen)
        return counts_of_qualities(evidence, plan)


def _setups(
    settings: SamplerSettings,
    known: StepPlan,
    plans: tuple[StepPlan | None, ...],
    rivals: list[tuple[str, str]],
) -> list[Setup]:
    """Return the node's own setup, under the first plan where one is linked, and those to compare it with."""
    first = plans[0]
    own = settings.overlaid(first)
    trained = (first or known).trained_steps
    setups = [Setup(own, first, trained)]
    setups += [
        Setup(settings.overlaid(plan), plan, plan.trained_steps, f"plan_{number}")
        for number, plan in enumerate(plans[1:], start=2)
        if plan is not None
    ]
    others = [replace(own, sampler_name=sampler, scheduler=scheduler) for sampler, scheduler in rivals]
    return setups + [Setup(other, None, trained) for other in others]


def _tell(report: Report, words: dict[str, int] | None, saved: str) -> str:
    first = report.first
    reused = [str(run.steps) for run in first.runs if run.reused]
    from_before = f"From an earlier comparison: {', '.join(reused)}." if reused else ""
    stand_for = ", ".join(f"{word} is {count}" for word, count in words.items()) + "." if words else ""
    images = f"Over {len(first.own)} images." if len(first.own) > 1 else ""
    others = [f"{one.settings.name}: {one.sweet_spot.reason}" for one in report.judgements[1:]]
    lines = [
        stand_for.capitalize(),
        first.sweet_spot.reason,
        f"Confidence: {first.sweet_spot.confidence}. {images}".strip(),
        *others,
        from_before,
        *report.notes,
        saved,
    ]
    return "\n".join(line for line in lines if line)
