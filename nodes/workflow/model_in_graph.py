"""Recognises the model of a graph's sampling before anything runs."""

from collections.abc import Sequence

from ...graphs.steps import Found
from ...graphs.values import Graph, link_of
from ...graphs.walk import Walk
from ...presets.plan import StepPlan
from ...presets.recognition.evidence import Evidence
from ..model.answers import evidence_in_graph
from ..model.model_files import NameRefusedError
from ..model.recognise_here import counts_of_qualities, recognise_here


def recognised_in(graph: Graph, found: Found, words: Sequence[str]) -> tuple[StepPlan, dict[str, int], str]:
    """Return the model's plan, the step counts that draft, balanced and best stand for, and the model's file.

    Args:
        graph: the prompt graph in API form.
        found: where the step count is set.
        words: the words in the step list; if there are none, no counts are returned.

    Raises:
        ValueError: if there are words and the model isn't recognised.
    """
    evidence = _evidence(graph, found.samplers[0])
    source = ", ".join(evidence.files) or "not known"
    if not words:
        return recognise_here(evidence, "balanced").plan, {}, source
    return *counts_of_qualities(evidence, None), source


def _evidence(graph: Graph, sampler: str) -> Evidence:
    walk = Walk(graph)
    guider = link_of(walk.values.inputs_of(sampler).get("guider"))
    node = guider[0] if guider else sampler
    names = [name for name in walk.values.inputs_of(node) if name.startswith("model")] or ["model"]
    try:
        return evidence_in_graph(walk, node, names[0], with_files=True)[0]
    except NameRefusedError:
        return Evidence.from_graph(walk.upstream(node, names[0]))
