"""Works out before any run, from the nodes that make plans, which plan a node's `plan` input will receive."""

from typing import Any

from ...graphs.values import Graph, link_of
from ...graphs.walk import Walk
from ...presets.by_hand import CHANGES, changed_by_hand
from ...presets.catalogue import AUTO, chosen_variant, is_variant
from ...presets.plan import StepPlan
from ...presets.qualities import QUALITIES
from ...presets.recognition.finding import CONFIDENCES
from ...samplers.schedules import MAX_STEPS
from .answers import evidence_in_graph
from .model_files import NameRefusedError
from .plan_on_model import known_names
from .recognise_here import recognise_here

PRESET, STEP_PLAN = "SweetSpotPreset", "SweetSpotPlan"
MAX_CFG = 100.0
_LONGEST_CHAIN = 20


def plan_behind(graph: Graph, node_id: str, input_name: str = "plan") -> StepPlan | None:
    """Return the plan that a node's input will receive, or None if only a run can show it.

    Args:
        graph: the part of the prompt graph upstream of the node, in API form.
        node_id: the node.
        input_name: its input.
    """
    return _plan_above(Walk(graph), node_id, input_name, 0)


def _plan_above(walk: Walk, node_id: str, input_name: str, depth: int) -> StepPlan | None:
    link = link_of(walk.values.inputs_of(node_id).get(input_name))
    giver = walk.graph.get(link[0], {}) if link else {}
    if link is None or depth > _LONGEST_CHAIN:
        return None
    inputs = walk.values.inputs_of(link[0])
    if giver.get("class_type") == PRESET:
        return _of_preset(walk, link[0], inputs)
    if giver.get("class_type") != STEP_PLAN or "sigmas" in inputs:
        return None
    base = _plan_above(walk, link[0], "plan", depth + 1) if "plan" in inputs else None
    values = {name: walk.values.value(inputs.get(name)) for name in CHANGES}
    if not _are_settings(**values) or ("plan" in inputs and base is None):
        return None
    return known_names(changed_by_hand(base, **values))[0]


def _are_settings(steps: Any, cfg: Any, sampler_name: Any, scheduler: Any) -> bool:
    """Return whether values from a graph are settled: a linked node may compute them, e.g. from an expression."""
    counts = isinstance(steps, int) and not isinstance(steps, bool) and 0 <= steps <= MAX_STEPS
    scales = isinstance(cfg, int | float) and not isinstance(cfg, bool) and -1 <= cfg <= MAX_CFG
    return counts and scales and isinstance(sampler_name, str) and isinstance(scheduler, str)


def _of_preset(walk: Walk, node_id: str, inputs: dict[str, Any]) -> StepPlan | None:
    defaults = {"quality": "balanced", "variant": AUTO, "min_confidence": CONFIDENCES[0]}
    quality, variant, floor = (walk.values.value(inputs.get(name, value)) for name, value in defaults.items())
    if quality not in QUALITIES or floor not in CONFIDENCES or not (variant == AUTO or is_variant(str(variant))):
        return None
    try:
        evidence, _ = evidence_in_graph(walk, node_id, with_files=True)
    except NameRefusedError as error:
        if not error.harmless:
            return None
        evidence, _ = evidence_in_graph(walk, node_id, with_files=False)
    found = recognise_here(evidence.chosen(chosen_variant(str(variant))), quality, floor)
    return known_names(found.plan)[0]
