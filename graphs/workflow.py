"""Converts a saved workflow (what the browser saves) to a prompt graph (what ComfyUI runs).

Subgraphs are expanded, and values promoted to a subgraph's own node are carried inside. A bypassed node passes on its
input of the same type; muted nodes are dropped. Ids inside a subgraph start with its node's id: `19:7`.

Source of the format: ComfyUI_frontend's workflow schema 0.4 and 1.0, worked out from workflows, not from its code.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from .model_files import is_model_file
from .values import Graph

Record = dict[str, Any]

_NEVER, _BYPASSED = 2, 4
_INPUT_NODE, _OUTPUT_NODE = -10, -20


@cache
def _widgets() -> dict[str, list[str]]:
    """Return, by node class, the names of the values that a node stores by position."""
    return json.loads((Path(__file__).parent / "widgets.json").read_text("utf-8"))


def to_graph(workflow: Record) -> Graph:
    """Return the prompt graph of a saved workflow's active nodes.

    Raises:
        ValueError: the workflow has no list of nodes.
    """
    if not isinstance(workflow.get("nodes"), list):
        raise ValueError(  # noqa: TRY004 - the content is wrong, not the type
            f"workflow: expected an object with a list `nodes`, got the keys {sorted(workflow)[:5]}"
        )
    definitions = {entry["id"]: entry for entry in workflow.get("definitions", {}).get("subgraphs", [])}
    graph: Graph = {}
    _Level(workflow, definitions, "", {}).write(graph)
    return graph


class _Level:
    """The workflow itself or the inside of one subgraph node.

    `given` holds what a subgraph's inputs receive, by input number: a value, or a link into the finished graph.
    """

    def __init__(self, content: Record, definitions: dict[str, Record], prefix: str, given: dict[int, Any]) -> None:
        self.definitions, self.prefix, self.given = definitions, prefix, given
        self.nodes = {node["id"]: node for node in content["nodes"]}
        self.links = dict(map(_read_link, content.get("links", [])))
        self.outputs = _origins_of(content.get("links", []))
        self.inner: dict[Any, _Level] = {}

    def write(self, graph: Graph) -> None:
        """Add the active nodes to the graph and expand subgraphs."""
        for node in self.nodes.values():
            if node.get("mode", 0) in (_NEVER, _BYPASSED):
                continue
            if node["type"] in self.definitions:
                self._inside(node).write(graph)
            else:
                graph[f"{self.prefix}{node['id']}"] = {"class_type": node["type"], "inputs": self._inputs(node)}

    def output(self, number: int) -> Any:
        """Return the value or link behind one of a subgraph's outputs."""
        origin = self.outputs.get(number)
        return None if origin is None else self._source(*origin)

    def _inputs(self, node: Record) -> Record:
        inputs = _values_of(node)
        for entry in node.get("inputs") or []:
            linked = self._linked(entry)
            if linked is not None:
                inputs[entry["name"]] = linked
        return inputs

    def _linked(self, entry: Record) -> Any:
        origin = self.links.get(entry.get("link"))
        return None if origin is None else self._source(*origin)

    def _source(self, origin_id: Any, number: int) -> Any:
        """Return the value or finished link behind an output at this level, or None if there is none."""
        if origin_id == _INPUT_NODE:
            return self.given.get(number)
        node = self.nodes.get(origin_id)
        if node is None or node.get("mode", 0) == _NEVER:
            return None
        if node.get("mode", 0) == _BYPASSED:
            return self._passed_through(node, number)
        if node["type"] in self.definitions:
            return self._inside(node).output(number)
        return [f"{self.prefix}{origin_id}", number]

    def _passed_through(self, node: Record, number: int) -> Any:
        outputs = node.get("outputs") or []
        kind = outputs[number].get("type") if number < len(outputs) else None
        for entry in node.get("inputs") or []:
            if entry.get("type") == kind and entry.get("link") is not None:
                return self._linked(entry)
        return None

    def _inside(self, node: Record) -> "_Level":
        if node["id"] not in self.inner:
            definition = self.definitions[node["type"]]
            given = self._given_to(node, definition)
            self.inner[node["id"]] = _Level(definition, self.definitions, f"{self.prefix}{node['id']}:", given)
        return self.inner[node["id"]]

    def _given_to(self, node: Record, definition: Record) -> dict[int, Any]:
        """Return what a subgraph node's inputs receive: links from outside, and values promoted to the node."""
        entries = {entry.get("name"): entry for entry in node.get("inputs") or []}
        promoted = _promoted_inputs(definition)
        values = node.get("widgets_values") or []
        given = dict(zip(promoted, values, strict=True)) if len(values) == len(promoted) else {}
        for number, entry in enumerate(definition.get("inputs") or []):
            linked = self._linked(entries.get(entry.get("name"), {}))
            if linked is not None:
                given[number] = linked
        return given


def _read_link(link: Any) -> tuple[Any, tuple[Any, int]]:
    if isinstance(link, dict):
        return link["id"], (link["origin_id"], link["origin_slot"])
    return link[0], (link[1], link[2])


def _origins_of(links: list[Any]) -> dict[int, tuple[Any, int]]:
    """Return the node and output that feed each of a subgraph's outputs, by output number."""
    inside = [link for link in links if isinstance(link, dict) and link["target_id"] == _OUTPUT_NODE]
    return {link["target_slot"]: (link["origin_id"], link["origin_slot"]) for link in inside}


def _promoted_inputs(definition: Record) -> list[int]:
    """Return the numbers of a subgraph's inputs that end at a value inside; its node stores those values in order."""
    nodes = {node["id"]: node for node in definition["nodes"]}
    targets = {link["id"]: (link["target_id"], link["target_slot"]) for link in definition.get("links", [])}

    def ends_at_value(entry: Record) -> bool:
        for link in entry.get("linkIds") or []:
            node_id, number = targets.get(link, (None, 0))
            inputs = nodes.get(node_id, {}).get("inputs") or []
            if number < len(inputs) and inputs[number].get("widget"):
                return True
        return False

    return [number for number, entry in enumerate(definition.get("inputs") or []) if ends_at_value(entry)]


def _values_of(node: Record) -> Record:
    """Return a node's own values by name; if the names are unknown, only values that name model files."""
    values = node.get("widgets_values")
    if isinstance(values, dict):
        return dict(values)
    if not isinstance(values, list):
        return {}
    stored_names = _widgets().get(node["type"])
    if stored_names:
        return dict(zip(stored_names, values, strict=False))
    names = _names_in_order(node)
    if len(names) == len(values):
        return dict(zip(names, values, strict=True))
    kind = "lora" if "lora" in node["type"].lower() else "model"
    return {f"{kind}_name_{number}": value for number, value in enumerate(values) if is_model_file(value)}


def _names_in_order(node: Record) -> list[str]:
    return [entry["widget"]["name"] for entry in node.get("inputs") or [] if entry.get("widget")]
