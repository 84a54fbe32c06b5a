"""Compare This Workflow: reruns what is above one IMAGE wire at several step counts, and names the sweet spot."""

import math
from typing import Any

from comfy_api.latest import io

from ..comparison.contenders import Contender
from ..comparison.frames import check_frames
from ..comparison.report import Price
from ..comparison.rounds import Question
from ..comparison.runs import Sampling
from ..comparison.step_counts import parse_step_counts
from ..graphs.above import Above
from ..graphs.sampling import sampling_of
from ..graphs.seeds import find_seeds
from ..graphs.steps import Found
from ..graphs.values import Graph, Link, link_of
from ..graphs.video import is_video
from .compare_inputs import (
    CHECK_ON,
    CHECKS,
    EIGHT_BIT,
    FLOAT32,
    PRICE_UNITS,
    cache_input,
    check_input,
    check_values,
    compare_outputs,
    report_inputs,
    seeds_input,
    step_list_input,
)
from .comparing.kept_runs import KEPT
from .comparing.save import check_prefix
from .schema import check_choice, expert, make_schema
from .workflow.comparison import UNKNOWN, WorkflowComparison
from .workflow.model_in_graph import recognised_in
from .workflow.rounds import Rounds
from .workflow.stages_here import AUTO, find_here
from .workflow.subject import Subject

FIXED = REFUSE, RESAMPLE = ("refuse", "resample")


class SweetSpotCompareWorkflow(io.ComfyNode):
    """Reruns the workflow above one IMAGE wire at several step counts."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's inputs and outputs."""
        return make_schema(
            node_id="SweetSpotCompareWorkflow",
            display_name="Compare This Workflow",
            description="Runs the workflow above `images` at several step counts and names the smallest count that is "
            "enough. Works with any sampler that has a step count.",
            search_aliases=["xy plot", "compare steps", "steps", "num_inference_steps", "sample_steps"],
            is_output_node=True,
            enable_expand=True,
            hidden=[io.Hidden.dynprompt, io.Hidden.prompt, io.Hidden.unique_id, io.Hidden.extra_pnginfo],
            inputs=[
                io.Image.Input(
                    "images",
                    lazy=True,
                    tooltip="The images to compare, from any VAE Decode, upscaler or detailer. What is above this wire "
                    "runs once per step count.",
                ),
                step_list_input("Step counts to compare"),
                io.String.Input(
                    "sampler",
                    default=AUTO,
                    optional=True,
                    tooltip="Which sampler to vary, by title or id. auto: the only one. If there are several, choose "
                    "one; the others keep their steps.",
                ),
                seeds_input("the workflow's own seed"),
                cache_input(),
                *report_inputs(),
                io.Combo.Input(
                    "fixed_sigmas",
                    options=list(FIXED),
                    default=REFUSE,
                    optional=True,
                    tooltip="What to do with a fixed list of noise levels (ManualSigmas). refuse: it has no step "
                    "count. resample: take more or fewer levels along the same curve.",
                    **expert(),
                ),
                check_input(),
            ],
            outputs=compare_outputs(),
        )

    @classmethod
    def validate_inputs(cls, steps: str | None) -> bool | str:
        """Refuse an invalid step list before anything runs; a linked list is checked once it is known."""
        try:
            if steps is not None:
                parse_step_counts(steps)
        except ValueError as error:
            return str(error)
        return True

    @classmethod
    def check_lazy_status(cls, **_: Any) -> list[str]:
        """Ask for nothing: the images of the workflow itself are made only if their step count is in the list."""
        return []

    @classmethod
    async def execute(
        cls,
        steps: str,
        images: Any = None,  # noqa: ARG003 - never computed, see `check_lazy_status`
        sampler: str = AUTO,
        seeds: int = 1,
        cache_megabytes: int = 1024,
        clip_vision: Any = None,
        price: float = 0.0,
        price_unit: str = PRICE_UNITS[0],
        frames: str = "first, middle, last",
        kept_as: str = EIGHT_BIT,
        save_prefix: str = "",
        fixed_sigmas: str = REFUSE,
        check: str = CHECK_ON,
    ) -> io.NodeOutput:
        """Find the step count, and run the branches."""
        check_values(seeds, cache_megabytes, price, kept_as, price_unit)
        check_choice("fixed_sigmas", fixed_sigmas, FIXED)
        check_choice("check", check, CHECKS)
        check_frames(frames)
        step_list = parse_step_counts(steps)
        check_prefix(save_prefix)
        graph, output = cls._graph()
        found = _found(graph, output, sampler, resample=fixed_sigmas == RESAMPLE)
        plan, counts_by_word, source = recognised_in(graph, found, step_list.words)
        counts = step_list.resolved(counts_by_word)
        places = find_seeds(graph, output, found)
        if seeds > 1 and not places:
            raise ValueError(f"seeds: expected 1, because {found.stage} has no seed that can be changed; got {seeds}")
        above = Above(graph, output)
        subject = Subject(
            graph,
            output,
            found,
            places,
            frames if is_video(above) else None,
            clip_vision,
            kept_as == FLOAT32,
            cache_megabytes > 0,
        )
        settings = sampling_of(above, found)
        sampling = Sampling(
            subject.first_seed,
            math.nan if settings.cfg is None else settings.cfg,
            settings.sampler_name or UNKNOWN,
            settings.scheduler or UNKNOWN,
            settings.denoise,
        )
        question = Question(
            counts, step_list.auto, seeds, plan.variant, source, Price(price, price_unit), check=check == CHECK_ON
        )
        comparison = WorkflowComparison(subject, Contender(sampling, None, plan.trained_steps), question)
        comparison.check_counts(counts)
        KEPT.limit(cache_megabytes << 20)
        return await Rounds(comparison, counts_by_word, save_prefix, {}).go_on(cls)

    @classmethod
    def _graph(cls) -> tuple[Graph, Link]:
        """Return the running graph, with what other nodes have added to it, and what `images` is linked to."""
        prompt = cls.hidden.dynprompt
        graph: Graph = {node_id: prompt.get_node(node_id) for node_id in prompt.all_node_ids()}
        output = link_of(graph[cls.hidden.unique_id]["inputs"].get("images"))
        if output is None:
            raise ValueError("images: expected a link to the node that makes the images, got none")
        return graph, output


def _found(graph: Graph, output: Link, sampler: str, *, resample: bool) -> Found:
    """Return where the step count is set.

    Raises:
        ValueError: if there is none, or several to choose from.
    """
    found = find_here(graph, output, sampler, resample=resample)
    if isinstance(found, Found):
        return found
    name = "sampler" if found.why in ("several", "unknown") else "images"
    raise ValueError(f"{name}: {found.message}")
