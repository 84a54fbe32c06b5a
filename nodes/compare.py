"""Multi-Step Compare: renders the same seed at several step counts, side by side, and names the sweet spot."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from comfy_api.latest import io

from ..comparison.contenders import Contender
from ..comparison.rounds import Question, check_contenders, compare
from ..comparison.runs import Sampling
from ..comparison.step_counts import parse_step_counts, why_not_step_counts
from ..presets.catalogue import is_variant
from ..presets.plan import StepPlan
from ..presets.recognition.recognise import recognise
from .compare_inputs import check_seeds, compare_inputs, compare_outputs
from .comparing.answer import GRID, IMAGES, answer
from .comparing.changes import Changes
from .comparing.contenders_here import contenders_of
from .comparing.engine import ComfyEngine, Subject
from .comparing.live_runs import LiveRuns
from .comparing.options import Options
from .comparing.progress import ComparisonProgress
from .comparing.taken_outputs import is_taken
from .model.evidence import gather_evidence, source_file
from .model.recognise_here import counts_of_qualities
from .running.stock import check_latent
from .schema import COMPARE_WORDS, check_number, make_schema


class SweetSpotCompare(io.ComfyNode):
    """Renders several step counts from the same noise and names the smallest count that is enough."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's inputs and outputs."""
        return make_schema(
            node_id="SweetSpotCompare",
            display_name="Multi-Step Compare",
            description="How many steps are enough? Renders the same seed at several step counts and names the "
            "smallest that is.",
            search_aliases=COMPARE_WORDS,
            is_output_node=True,
            # With these, the grid carries its workflow and can be dropped into ComfyUI to load it.
            hidden=[io.Hidden.prompt, io.Hidden.unique_id, io.Hidden.extra_pnginfo],
            inputs=compare_inputs(),
            outputs=compare_outputs(),
        )

    @classmethod
    def validate_inputs(
        cls,
        steps: str | None,
        contenders: Any = None,  # noqa: ARG003 - ComfyUI passes growing lists whether they are asked for or not
        prompts: Any = None,  # noqa: ARG003
    ) -> bool | str:
        """Refuse an invalid step list before anything runs; a linked list is checked once it is known.

        No other input is named here, because ComfyUI would mark every input that is named as wrong.
        """
        return why_not_step_counts(steps) or True

    @classmethod
    def fingerprint_inputs(cls, **_: Any) -> str:
        """Judge again when the user's own threshold has changed, or when a node begins to take images or grid."""
        return f"{Options.usual().visible.below} {cls._taken()}"

    @classmethod
    def _taken(cls) -> list[int]:
        return [output for output in (IMAGES, GRID) if is_taken(getattr(cls.hidden, "unique_id", None), output)]

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
        seeds: int = 1,
        contenders: Mapping[str, Changes] | None = None,
        prompts: Mapping[str, Any] | None = None,
        options: Options | None = None,
    ) -> io.NodeOutput:
        """Run every step count, measure and report."""
        options = options or Options.usual()
        check_seeds(seeds)
        check_number("cfg", cfg, 0, 100)
        check_number("denoise", denoise, 0, 1)
        check_latent(model, latent_image)
        step_list = parse_step_counts(steps)
        known_plan, words = cls._recognised(model, plan, step_list.words)
        own = _own_contender(model, Sampling(seed, cfg, sampler_name, scheduler, denoise), plan, known_plan)
        others, models = contenders_of(own, model, list((contenders or {}).values()))
        positives = (positive, *(prompts or {}).values())
        subject = Subject(
            models,
            positives,
            negative,
            latent_image,
            vae,
            options.clip_vision,
            options.frames,
            options.full_precision,
        )
        progress = ComparisonProgress(model, LiveRuns(cls.hidden.unique_id, [own, *others]))
        engine = ComfyEngine(subject, progress, options.cache_megabytes << 20, options.together)
        check_contenders(engine, [own, *others])
        question = Question(
            step_list.resolved(words),
            step_list.auto,
            seeds,
            options.price,
            options.visible,
            options.check,
            prompts=len(positives),
        )
        report = compare(engine, [own, *others], question)
        outputs, shown = answer(cls, report, words, made=cls._taken())
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


def _own_contender(model: Any, sampling: Sampling, plan: StepPlan | None, known_plan: StepPlan) -> Contender:
    """Return the node's own settings, overridden by the plan if it is linked."""
    file = source_file(model)
    return Contender(
        replace(sampling, **(plan.overrides if plan else {})),
        plan,
        known_plan.trained_steps,
        variant=known_plan.variant,
        source=file.name if file else "not known",
    )
