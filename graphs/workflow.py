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
# The inner node's id of a promoted value that belongs to the subgraph's own input.
_PROXY_OF_INPUT = "-1"
# Nodes that exist only in the browser.
_NOTES = frozenset({"Note", "MarkdownNote"})
_REROUTES = frozenset({"Reroute", "Reroute (rgthree)"})
_GETTERS, _SETTERS = frozenset({"GetNode", "easy getNode"}), frozenset({"SetNode", "easy setNode"})
_VIRTUAL = _NOTES | _REROUTES | _GETTERS | _SETTERS | {"PrimitiveNode"}
# Real workflows have a few levels of subgraphs, and far fewer nodes and links in a row.
_MOST_LEVELS = 16
_MOST_NODES = 20_000
_LONGEST_CHAIN = 100


def to_graph(workflow: Record) -> Graph:
    """Return the prompt graph of a saved workflow's active nodes.

    Raises:
        ValueError: the workflow has no list of nodes, its nodes or links are not as ComfyUI writes them, or it is too
            large.
    """
    if not isinstance(workflow.get("nodes"), list):
        raise ValueError(  # noqa: TRY004 - the content is wrong, not the type
            f"workflow: expected an object with a list `nodes`, got the keys {sorted(map(str, workflow))[:5]}"
        )
    try:
        subgraphs = (workflow.get("definitions") or {}).get("subgraphs") or []
        graph: Graph = {}
        _Level(workflow, _Shared({entry["id"]: entry for entry in subgraphs})).write(graph)
    except (KeyError, TypeError, IndexError, AttributeError, RecursionError):
        raise ValueError("workflow: expected nodes and links as ComfyUI writes them, but some are broken") from None
    return graph


class _Shared:
    """What all levels of one workflow share: the definitions of subgraphs, and how much was read."""

    def __init__(self, definitions: dict[str, Record]) -> None:
        self.definitions = definitions
        self._left = _MOST_NODES

    def spend(self, nodes: int) -> None:
        self._left -= nodes
        if self._left < 0:
            raise ValueError(f"workflow: expected at most {_MOST_NODES} nodes, subgraphs included, got more")


class _Level:
    """The workflow itself or the inside of one subgraph node.

    Args:
        content: its nodes and links.
        shared: what all levels share.
        outer: the level around a subgraph, None for the workflow itself.
        holder: the subgraph's node on that level.
    """

    def __init__(
        self, content: Record, shared: _Shared, outer: "_Level | None" = None, holder: Record | None = None
    ) -> None:
        self.shared, self.outer, self.holder = shared, outer, holder or {}
        self.prefix = f"{outer.prefix}{self.holder['id']}:" if outer else ""
        if self.prefix.count(":") > _MOST_LEVELS:
            raise ValueError(f"workflow: expected at most {_MOST_LEVELS} levels of subgraphs, got more")
        links = [link for link in content.get("links") or [] if link]
        shared.spend(1 + len(content["nodes"]))
        self.nodes = {node["id"]: node for node in content["nodes"]}
        self.links = dict(map(_read_link, links))
        self.outputs = _origins_of(links)
        self.inner: dict[Any, _Level] = {}
        setters = (node for node in content["nodes"] if node.get("type") in _SETTERS)
        self.setters = {_first_value(node): node for node in setters}
        self.given, self.overridden = _promoted_values(self.holder, content)

    def write(self, graph: Graph) -> None:
        """Add the active nodes to the graph and expand subgraphs."""
        for node in self.nodes.values():
            if node.get("mode", 0) in (_NEVER, _BYPASSED) or node.get("type") in _VIRTUAL:
                continue
            if node.get("type") in self.shared.definitions:
                self._inside(node).write(graph)
            else:
                graph[f"{self.prefix}{node['id']}"] = self._written(node)

    def _written(self, node: Record) -> Record:
        written = {"class_type": str(node.get("type", "")), "inputs": self._inputs(node)}
        return {**written, "_meta": {"title": str(node["title"])}} if node.get("title") else written

    def _inputs(self, node: Record) -> Record:
        inputs = widget_values(node) | self.overridden.get(str(node["id"]), {})
        for entry in node.get("inputs") or []:
            linked = self.linked(entry)
            if linked is not None:
                inputs[str(entry["name"])] = linked
        return inputs

    def linked(self, entry: Record, chain: int = 0) -> Any:
        """Return the value or finished link that an input of this level takes, or None if it takes none."""
        origin = self.links.get(entry.get("link"))
        return None if origin is None else self._source(*origin, chain)

    def output(self, number: int, chain: int) -> Any:
        """Return the value or finished link behind one of a subgraph's outputs."""
        origin = self.outputs.get(number)
        return None if origin is None else self._source(*origin, chain)

    def _source(self, origin_id: Any, number: int, chain: int) -> Any:
        """Return the value or finished link behind an output at this level, or None if there is none."""
        if chain > _LONGEST_CHAIN:
            return None
        if origin_id == _INPUT_NODE:
            return self._from_outside(number, chain + 1)
        node = self.nodes.get(origin_id)
        return None if node is None or node.get("mode", 0) == _NEVER else self._behind(node, number, chain + 1)

    def _behind(self, node: Record, number: int, chain: int) -> Any:
        kind = node.get("type")
        if node.get("mode", 0) == _BYPASSED:
            return self.linked(_passed_through(node, number), chain)
        if kind in self.shared.definitions:
            return self._inside(node).output(number, chain)
        if kind in _GETTERS:
            return self.from_setter(_first_value(node), chain)
        return self._behind_virtual(node, chain) if kind in _VIRTUAL else [f"{self.prefix}{node['id']}", number]

    def _from_outside(self, number: int, chain: int) -> Any:
        """Return what a subgraph's input receives: a link from outside, or a value promoted to its node."""
        if self.outer is None:
            return None
        definition = self.shared.definitions[self.holder["type"]]
        name = (definition.get("inputs") or [])[number].get("name")
        entry = next((entry for entry in self.holder.get("inputs") or [] if entry.get("name") == name), {})
        linked = self.outer.linked(entry, chain)
        return self.given.get(number) if linked is None else linked

    def from_setter(self, name: Any, chain: int) -> Any:
        """Return what the Set node of a name takes, on this level or around it."""
        if name in self.setters:
            return self._behind_virtual(self.setters[name], chain)
        return self.outer.from_setter(name, chain) if self.outer else None

    def _behind_virtual(self, node: Record, chain: int) -> Any:
        entries = node.get("inputs") or []
        linked = self.linked(entries[0], chain) if entries else None
        return linked if entries and entries[0].get("link") is not None else _first_value(node)

    def _inside(self, node: Record) -> "_Level":
        if node["id"] not in self.inner:
            self.inner[node["id"]] = _Level(self.shared.definitions[node["type"]], self.shared, self, node)
        return self.inner[node["id"]]


def _promoted_values(holder: Record, definition: Record) -> tuple[dict[int, Any], dict[str, Record]]:
    """Return the values that a subgraph's node holds: by number of its inputs, and by inner node and name.

    Newer files list the inner nodes and names of the values in `proxyWidgets`; -1 stands for an input of the subgraph.
    """
    values = holder.get("widgets_values")
    if not isinstance(values, list):
        return {}, {}
    proxies = (holder.get("properties") or {}).get("proxyWidgets")
    if not isinstance(proxies, list) or len(proxies) != len(values):
        promoted = _promoted_inputs(definition)
        return (dict(zip(promoted, values, strict=True)) if len(values) == len(promoted) else {}), {}
    numbers = {entry.get("name"): number for number, entry in enumerate(definition.get("inputs") or [])}
    given: dict[int, Any] = {}
    overridden: dict[str, Record] = {}
    for (node_id, name), value in zip(proxies, values, strict=True):
        if str(node_id) != _PROXY_OF_INPUT:
            overridden.setdefault(str(node_id), {})[str(name)] = value
        elif name in numbers:
            given[numbers[name]] = value
    return given, overridden


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
