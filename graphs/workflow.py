"""Converts a saved workflow (what the browser saves) to a prompt graph (what ComfyUI runs).

Subgraphs are expanded, and values promoted to a subgraph's own node are carried inside. A bypassed node passes on its
input of the same type; muted nodes are dropped. Reroutes, primitives, and Get and Set nodes exist only in the browser,
so what they pass on is linked directly. Ids inside a subgraph start with its node's id: `19:7`. The same rules as in
`web/graph/walk.js`.

Source of the format: ComfyUI_frontend's workflow schema 0.4 and 1.0, worked out from workflows, not from its code.
"""

from typing import Any

from .values import Graph
from .widget_values import widget_values

Record = dict[str, Any]

_NEVER, _BYPASSED = 2, 4
_INPUT_NODE, _OUTPUT_NODE = -10, -20
# Nodes that exist only in the browser.
_NOTES = frozenset({"Note", "MarkdownNote"})
_REROUTES = frozenset({"Reroute", "Reroute (rgthree)"})
_GETTERS, _SETTERS = frozenset({"GetNode", "easy getNode"}), frozenset({"SetNode", "easy setNode"})
_VIRTUAL = _NOTES | _REROUTES | _GETTERS | _SETTERS | {"PrimitiveNode"}
# Real workflows have a few levels of subgraphs, and far fewer nodes and links in a row.
_MOST_LEVELS = 16
_MOST_NODES = 20_000
_LONGEST_CHAIN = 200


def to_graph(workflow: Record) -> Graph:
    """Return the prompt graph of a saved workflow's active nodes.

    Raises:
        ValueError: the workflow has no list of nodes, or its subgraphs contain each other.
    """
    if not isinstance(workflow.get("nodes"), list):
        raise ValueError(  # noqa: TRY004 - the content is wrong, not the type
            f"workflow: expected an object with a list `nodes`, got the keys {sorted(workflow)[:5]}"
        )
    subgraphs = (workflow.get("definitions") or {}).get("subgraphs") or []
    graph: Graph = {}
    _Level(workflow, {entry["id"]: entry for entry in subgraphs}, "", {}).write(graph)
    return graph


class _Level:
    """The workflow itself or the inside of one subgraph node.

    `given` holds what a subgraph's inputs receive, by input number: a value, or a link into the finished graph.
    """

    def __init__(self, content: Record, definitions: dict[str, Record], prefix: str, given: dict[int, Any]) -> None:
        if prefix.count(":") > _MOST_LEVELS:
            raise ValueError(f"workflow: expected at most {_MOST_LEVELS} levels of subgraphs, got more")
        links = [link for link in content.get("links") or [] if link]
        self.definitions, self.prefix, self.given = definitions, prefix, given
        self.nodes = {node["id"]: node for node in content["nodes"]}
        self.links = dict(map(_read_link, links))
        self.outputs = _origins_of(links)
        self.inner: dict[Any, _Level] = {}

    def write(self, graph: Graph) -> None:
        """Add the active nodes to the graph and expand subgraphs."""
        for node in self.nodes.values():
            if node.get("mode", 0) in (_NEVER, _BYPASSED) or node.get("type") in _VIRTUAL:
                continue
            if node.get("type") in self.definitions:
                self._inside(node).write(graph)
            else:
                graph[f"{self.prefix}{node['id']}"] = self._written(node)
            if len(graph) > _MOST_NODES:
                raise ValueError(f"workflow: expected at most {_MOST_NODES} nodes, got more")

    def _written(self, node: Record) -> Record:
        written = {"class_type": str(node.get("type", "")), "inputs": self._inputs(node)}
        return {**written, "_meta": {"title": str(node["title"])}} if node.get("title") else written

    def output(self, number: int, chain: int = 0) -> Any:
        """Return the value or link behind one of a subgraph's outputs."""
        origin = self.outputs.get(number)
        return None if origin is None else self._source(*origin, chain)

    def _inputs(self, node: Record) -> Record:
        inputs = widget_values(node)
        for entry in node.get("inputs") or []:
            linked = self._linked(entry)
            if linked is not None:
                inputs[entry["name"]] = linked
        return inputs

    def _linked(self, entry: Record, chain: int = 0) -> Any:
        origin = self.links.get(entry.get("link"))
        return None if origin is None else self._source(*origin, chain)

    def _source(self, origin_id: Any, number: int, chain: int = 0) -> Any:
        """Return the value or finished link behind an output at this level, or None if there is none."""
        if origin_id == _INPUT_NODE:
            return self.given.get(number)
        node = self.nodes.get(origin_id)
        if node is None or node.get("mode", 0) == _NEVER or chain > _LONGEST_CHAIN:
            return None
        if node.get("mode", 0) == _BYPASSED:
            return self._linked(_passed_through(node, number), chain + 1)
        if node.get("type") in self.definitions:
            return self._inside(node).output(number, chain + 1)
        if node.get("type") in _VIRTUAL:
            return self._behind_virtual(node, chain + 1)
        return [f"{self.prefix}{origin_id}", number]

    def _behind_virtual(self, node: Record, chain: int) -> Any:
        if node["type"] in _GETTERS:
            name = _first_value(node)
            setters = (other for other in self.nodes.values() if other.get("type") in _SETTERS)
            node = next((setter for setter in setters if name is not None and _first_value(setter) == name), {})
        entries = node.get("inputs") or []
        return self._linked(entries[0], chain) if entries else _first_value(node)

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


def _first_value(node: Record) -> Any:
    values = node.get("widgets_values")
    return values[0] if isinstance(values, list) and values else None


def _passed_through(node: Record, number: int) -> Record:
    """Return the input that a bypassed node passes on, chosen as ComfyUI does; empty if it has none."""
    outputs, inputs = node.get("outputs") or [], node.get("inputs") or []
    kind = outputs[number].get("type") if number < len(outputs) else None
    own = inputs[number] if number < len(inputs) else {}
    if own and (own.get("type") in (kind, "*") or kind == "*"):
        return own
    return next((entry for entry in inputs if entry.get("type") == kind), {})


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
