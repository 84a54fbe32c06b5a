"""Starts a comparison of a workflow, for each kind of media."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from comfy_api.latest import io

from ...comparison.contenders import Contender
from ...comparison.rounds import Question
from ...comparison.runs import Sampling
from ...comparison.step_counts import parse_step_counts
from ...graphs.above import Above
from ...graphs.sampling import sampling_of
from ...graphs.seeds import find_seeds
from ...graphs.steps import Found
from ...graphs.values import Graph, Link, link_of
from ..comparing.kept_runs import begin_comparison
from ..comparing.live_runs import LiveRuns
from ..comparing.options import Options
from .comparison import UNKNOWN, WorkflowComparison
from .media import Media
from .model_in_graph import recognised_in
from .rounds import Rounds
from .stages_here import find_here, message_of
from .subject import Subject


@dataclass(frozen=True)
class Wishes:
    """What a node's inputs ask for.

    Attributes:
        steps: the step list.
        sampler: which sampler to vary.
        seeds: how many seeds run.
        resample: whether a fixed list of noise levels may be resampled.
        options: the rare settings.
    """

    steps: str
    sampler: str
    seeds: int
    resample: bool
    options: Options


def start(cls: Any, wire: str, media_of: Callable[[Above], Media], wishes: Wishes) -> io.NodeOutput:
    """Find the step count above a wire, and return the branches to run, or the report if all is kept.

    Args:
        cls: the node's class, with its hidden inputs.
        wire: the input whose link is compared.
        media_of: returns what the wire brings.
        wishes: what the other inputs ask for.

    Raises:
        ValueError: names the input, what is allowed and what was given.
    """
    step_list, options = parse_step_counts(wishes.steps), wishes.options
    graph, output = _graph(cls, wire)
    found = _found(graph, output, wishes, wire)
    plan, counts_by_word, source = recognised_in(graph, found, step_list.words)
    counts = step_list.resolved(counts_by_word)
    seeds = find_seeds(graph, output, found)
    if wishes.seeds > 1 and not seeds:
        raise ValueError(
            f"seeds: expected 1, because {found.stage} has no seed that can be changed; got {wishes.seeds}"
        )
    above, keep = Above(graph, output), options.cache_megabytes > 0
    subject = Subject(
        graph, output, found, seeds, media_of(above), options.clip_vision, options.full_precision, keep=keep
    )
    question = Question(counts, step_list.auto, wishes.seeds, options.price, options.visible, check=options.check)
    sampling = _sampling(above, found, subject.first_seed)
    contender = Contender(sampling, None, plan.trained_steps, variant=plan.variant, source=source)
    comparison = WorkflowComparison(subject, contender, question, LiveRuns(cls.hidden.unique_id, [contender]))
    comparison.check_counts(counts)
    begin_comparison(options.cache_megabytes << 20, [source])
    return Rounds(comparison, counts_by_word, {}).start(cls)


def _graph(cls: Any, wire: str) -> tuple[Graph, Link]:
    """Return the running graph, with what other nodes have added to it, and what the wire is linked to."""
    prompt = cls.hidden.dynprompt
    graph: Graph = {node_id: prompt.get_node(node_id) for node_id in prompt.all_node_ids()}
    output = link_of(graph[cls.hidden.unique_id]["inputs"].get(wire))
    if output is None:
        raise ValueError(f"{wire}: expected a link, got none")
    return graph, output


def _found(graph: Graph, output: Link, wishes: Wishes, wire: str) -> Found:
    found = find_here(graph, output, wishes.sampler, resample=wishes.resample)
    if isinstance(found, Found):
        return found
    name = "sampler" if found.why in ("several", "unknown") else wire
    raise ValueError(f"{name}: {message_of(found)}")


def _sampling(above: Above, found: Found, seed: int) -> Sampling:
    settings = sampling_of(above, found)
    return Sampling(
        seed,
        math.nan if settings.cfg is None else settings.cfg,
        settings.sampler_name or UNKNOWN,
        settings.scheduler or UNKNOWN,
        settings.denoise,
    )
