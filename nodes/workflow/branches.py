"""Makes one branch of a comparison: the nodes that depend on a step count, once more."""

from typing import Any

from ...graphs.above import Above
from ...graphs.steps import Found
from ...graphs.values import Graph, Link, link_of
from .node_classes import type_of_input

WATCH = "SweetSpotBranchWatch"
_WATCHED = ("MODEL", "GUIDER")


def make_branch(
    graph: Graph, changed: Graph, output: Link, found: Found, prefix: str, watch: Any
) -> tuple[Graph, list[Any]]:
    """Return the nodes of a branch, and the link to its output.

    Only what differs from the graph, or depends on that, is there once more. Everything else is linked by its own id,
    so that ComfyUI makes it once. If nothing differs, there are no nodes, and the link is the graph's own.

    Args:
        graph: the graph in API form.
        changed: the graph with another step count or seed.
        output: the output that is compared.
        found: where the step count is set.
        prefix: how the ids of the new nodes start.
        watch: what watches the branch's samplers.
    """
    above = Above(changed, output, whole=True)
    affected: set[str] = set()
    for node_id in above.nodes:
        if changed[node_id] is not graph.get(node_id) or any(
            link[0] in affected for link in above.links(node_id).values()
        ):
            affected.add(node_id)
    branch: Graph = {}
    for node_id in above.nodes:
        if node_id in affected:
            inputs = {name: _moved(value, affected, prefix) for name, value in above.inputs(node_id).items()}
            branch[prefix + node_id] = {"class_type": above.kind(node_id), "inputs": inputs}
    for sampler in affected.intersection(found.samplers):
        _watch(branch, prefix + sampler, watch)
    return branch, _moved(list(output), affected, prefix)


def _moved(value: Any, affected: set[str], prefix: str) -> Any:
    link = link_of(value)
    return [prefix + link[0], link[1]] if link and link[0] in affected else value


def _watch(branch: Graph, sampler: str, watch: Any) -> None:
    """Lead a sampler's MODEL and GUIDER through a node that watches them."""
    inputs = branch[sampler]["inputs"]
    for name, value in list(inputs.items()):
        if link_of(value) and type_of_input(branch[sampler]["class_type"], name) in _WATCHED:
            watcher = f"{sampler}_{name}"
            branch[watcher] = {"class_type": WATCH, "inputs": {"watched": value, "branch": watch}}
            inputs[name] = [watcher, 0]
