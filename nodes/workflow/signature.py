"""A signature of everything above an output, by ComfyUI's own rules for what it may reuse."""

import hashlib
import json
from typing import Any

import execution
from comfy_execution.caching import include_unique_id_in_input
from comfy_execution.graph import DynamicPrompt

from ...graphs.above import Above
from ...graphs.values import Graph, Link, link_of
from ..comparing.unidentified import UnidentifiedError
from .node_classes import class_of


async def signature_of(graph: Graph, output: Link) -> str:
    """Return a text that is the same only if ComfyUI would take the output from its cache.

    It covers classes, values and links, what nodes say of changes outside of their inputs (`IS_CHANGED`,
    `fingerprint_inputs`), and the ids of nodes that depend on theirs.

    Raises:
        UnidentifiedError: if a node always changes, or its inputs can't be identified.
    """
    # With both sides of switches, as ComfyUI does it.
    above = Above(graph, output, whole=True)
    numbers = {node_id: number for number, node_id in enumerate(above.nodes)}
    changes = execution.IsChangedCache("", DynamicPrompt(graph), None)
    entries = [await _entry(above, node_id, numbers, changes) for node_id in above.nodes]
    try:
        text = json.dumps([output[1], *entries], sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UnidentifiedError(f"an input or a node's own fingerprint: {error}") from error
    return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()


async def _entry(above: Above, node_id: str, numbers: dict[str, int], changes: Any) -> list[Any]:
    kind = above.kind(node_id)
    node_class = class_of(kind)
    if node_class is None:
        raise UnidentifiedError(f"a node of the unknown class {kind}")
    depends_on_id = getattr(node_class, "NOT_IDEMPOTENT", False) or include_unique_id_in_input(kind)
    inputs = []
    for name, value in sorted(above.inputs(node_id).items()):
        link = link_of(value)
        known = link is not None and link[0] in numbers
        inputs.append([name, ["link", numbers[link[0]], link[1]] if link and known else ["value", value]])
    return [kind, await changes.get(node_id), node_id if depends_on_id else "", inputs]
