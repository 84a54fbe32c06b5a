"""Finds the step count of a graph with what this ComfyUI knows of node classes."""

from typing import Any

from ...graphs.steps import Found, Refused, find_steps
from ...graphs.values import Graph, Link
from ...words import Message, spoken
from .node_classes import is_paid

AUTO = "auto"


def find_here(graph: Graph, output: Link, sampler: str, *, resample: bool = False) -> Found | Refused:
    """Return where the step count of an output is set.

    Args:
        graph: the prompt graph in API form.
        output: the output that is looked at.
        sampler: id or title of the sampler to vary; `auto` for the only one.
        resample: whether a fixed list of noise levels may be resampled.
    """
    chosen = None if sampler.strip().lower() in ("", AUTO) else sampler
    return find_steps(graph, output, chosen, resample=resample, is_paid=is_paid)


def stages_above(graph: Graph, output: Link, sampler: str, *, resample: bool) -> dict[str, Any]:
    """Return the samplers above an output as texts, and a text that says which one is varied, or why none can be."""
    found = find_here(graph, output, sampler, resample=resample)
    if isinstance(found, Found):
        said = Message("stages.varies", "Varies: {stage}", {"stage": str(found.stage)})
    else:
        why = message_of(found)
        said = f"{why[0].upper()}{why[1:]}."
    return {"stages": [str(stage) for stage in found.stages], "text": spoken(said)}


def message_of(refused: Refused) -> str:
    """Return why nothing is found, and what to do."""
    if refused.why == "fixed":
        return f"{refused.message}; set fixed_sigmas to resample to change it anyway"
    return refused.message
