"""Multi-Step Compare: renders the same seed at several step counts, side by side, and names the sweet spot."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from comfy_api.latest import io

from ..comparison.contenders import Contender, parse_contenders
from ..comparison.frames import check_frames
from ..comparison.report import Price
from ..comparison.rounds import Question, check_contenders, compare
from ..comparison.runs import Sampling
from ..comparison.step_counts import parse_step_counts, why_not_step_counts
from ..presets.catalogue import is_variant
from ..presets.plan import StepPlan
from ..presets.recognition.recognise import recognise
from .compare_inputs import (
    CHECK_ON,
    CHECKS,
    EIGHT_BIT,
    FLOAT32,
    PRICE_UNITS,
    check_values,
    compare_inputs,
    compare_outputs,
)
from .comparing.answer import answer
from .comparing.engine import ComfyEngine, Subject
from .comparing.progress import ComparisonProgress
from .comparing.save import check_prefix
from .comparing.shared_calls import AUTO, MODES
from .model.evidence import gather_evidence, source_file
from .model.recognise_here import counts_of_qualities
from .running.stock import check_latent
from .schema import check_choice, check_number, make_schema


class SweetSpotCompare(io.ComfyNode):
    """Renders several step counts from the same noise and names the smallest count that is enough."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's inputs and outputs."""
        return make_schema(
            node_id="SweetSpotCompare",
            display_name="Multi-Step Compare",
            description="Renders the same seed at several step counts and names the smallest count that is enough.",
            search_aliases=["xy plot", "steps", "num_inference_steps", "inference_steps", "sample_steps"],
            is_output_node=True,
            # With these, the grid carries its workflow and can be dropped into ComfyUI to load it.
            hidden=[io.Hidden.prompt, io.Hidden.unique_id, io.Hidden.extra_pnginfo],
            inputs=compare_inputs(),
            outputs=compare_outputs(),
        )

    @classmethod
    def validate_inputs(cls, steps: str | None) -> bool | str:
        """Refuse an invalid step list before anything runs; a linked list is checked once it is known.

        Only this input is named here, because ComfyUI would mark every input that is named as wrong.
        """
        return why_not_step_counts(steps) or True

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
        check: str = CHECK_ON,
    ) -> io.NodeOutput:
        """Run every step count, measure and report."""
        check_values(seeds, cache_megabytes, price, kept_as, price_unit)
        check_choice("together", together, MODES)
        check_number("cfg", cfg, 0, 100)
        check_number("denoise", denoise, 0, 1)
        check_choice("check", check, CHECKS)
        check_latent(model, latent_image)
        check_frames(frames)
        others, step_list = parse_contenders(also), parse_step_counts(steps)
        check_prefix(save_prefix)
        known_plan, words = cls._recognised(model, plan, step_list.words)
        sampling = Sampling(seed, cfg, sampler_name, scheduler, denoise)
        contenders = _contenders(sampling, known_plan, (plan, plan_2, plan_3, plan_4), others)
        subject = Subject(model, positive, negative, latent_image, vae, clip_vision, frames, kept_as == FLOAT32)
        progress = ComparisonProgress(model)
        engine = ComfyEngine(subject, progress, cache_megabytes << 20, together)
        check_contenders(engine, contenders)
        file = source_file(model)
        source = file.name if file else "not known"
        counts = step_list.resolved(words)
        cost, checked = Price(price, price_unit), check == CHECK_ON
        question = Question(counts, step_list.auto, seeds, known_plan.variant, source, cost, check=checked)
        report = compare(engine, contenders, question)
        outputs, shown, picture = answer(cls, report, words, save_prefix)
        progress.show(picture)
        return io.NodeOutput(*outputs, ui=shown)

    @classmethod
    def _recognised(cls, model: Any, plan: StepPlan | None, words: Sequence[str]) -> tuple[StepPlan, dict[str, int]]:
        """Return the linked plan, or else the model's own, and the counts that words in the step list stand for."""
        # A linked plan says what the model is.
        choice = plan.variant if plan is not None and is_variant(plan.variant) else ""
        if plan is not None and not words:
            return plan, {}
        evidence = gather_evidence(model, cls.hidden.prompt, cls.hidden.unique_id, choice)
        if not words:
            return recognise(evidence).plan, {}
        balanced, counts = counts_of_qualities(evidence, plan)
        return plan or balanced, counts


def _contenders(
    sampling: Sampling,
    known_plan: StepPlan,
    plans: tuple[StepPlan | None, ...],
    others: list[tuple[str, str]],
) -> list[Contender]:
    """Return the node's own settings, overridden by the first plan if it is linked, and the other contenders."""
    first = plans[0]
    own = Contender(replace(sampling, **(first.overrides if first else {})), first, known_plan.trained_steps)
    planned = [
        Contender(replace(sampling, **plan.overrides), plan, plan.trained_steps, f"plan_{number}")
        for number, plan in enumerate(plans[1:], start=2)
        if plan is not None
    ]
    listed = [replace(own.sampling, sampler_name=sampler, scheduler=scheduler) for sampler, scheduler in others]
    return [own, *planned, *(Contender(each, None, known_plan.trained_steps) for each in listed)]
