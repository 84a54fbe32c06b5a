"""The part of a prompt graph that stands above one of its links, and who uses what in it."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from .values import Graph, GraphValues, Link, Node, is_switch, link_of

# A graph with more nodes above one output is not read. The largest of 400 public workflows has 220.
MOST_NODES = 4_000


@dataclass(frozen=True)
class Use:
    """One link inside a graph: which input of which node takes which output."""

    node: str
    name: str
    slot: int


class Above:
    """The nodes above a link. Where a stock switch is decided, what is only on its other side is left out.

    What was worked out is kept, so that no part of a graph is walked twice for the same question.

    Args:
        graph: the prompt graph in API form.
        output: the link.
        whole: whether both sides of decided switches are kept.
    """

    def __init__(self, graph: Graph, output: Link, *, whole: bool = False) -> None:
        self.values = GraphValues(graph, most=len(graph) * 100 + 1000)
        self._whole = whole
        self.graph = graph
        self.output = output
        self._uses: dict[str, list[Use]] = defaultdict(list)
        self._direct: dict[str, list[Use]] = {}
        self._ancestors: dict[str, set[str]] = {}
        # Whether a number is used for step counts only, as far as that was asked.
        self.only_steps: dict[Link, bool] = {}
        self.nodes = self._collect()
        self.place_of = {node_id: place for place, node_id in enumerate(self.nodes)}

    @property
    def too_large(self) -> bool:
        """Whether there are too many nodes to be read."""
        return len(self.nodes) > MOST_NODES

    def node(self, node_id: str) -> Node:
        """Return a node."""
        return self.graph[node_id]

    def kind(self, node_id: str) -> str:
        """Return a node's class."""
        return str(self.graph[node_id].get("class_type", ""))

    def title(self, node_id: str) -> str:
        """Return a node's title, or its class if it has none."""
        meta = self.graph[node_id].get("_meta")
        title = meta.get("title") if isinstance(meta, dict) else None
        return str(title or self.kind(node_id))

    def inputs(self, node_id: str) -> dict[str, object]:
        """Return a node's inputs."""
        return self.values.inputs_of(node_id)

    def links(self, node_id: str) -> dict[str, Link]:
        """Return a node's links to nodes of the graph, by input."""
        found = {name: link_of(value) for name, value in self.inputs(node_id).items()}
        return {name: link for name, link in found.items() if link is not None and link[0] in self.graph}

    def uses(self, node_id: str, slot: int | None = None) -> list[Use]:
        """Return which inputs above the link use a node's outputs, or one of them."""
        return [use for use in self._uses[node_id] if slot is None or use.slot == slot]

    def direct_uses(self, node_id: str) -> list[Use]:
        """Return which inputs use a node's outputs, past nodes that only pass them on."""
        if node_id not in self._direct:
            found: list[Use] = []
            waiting, passed = [node_id], {node_id}
            while waiting:
                for use in self._uses[waiting.pop()]:
                    if not self.passes_on(use.node):
                        found.append(use)
                    elif use.node not in passed:
                        passed.add(use.node)
                        waiting.append(use.node)
            self._direct[node_id] = list(dict.fromkeys(found))
        return self._direct[node_id]

    def passes_on(self, node_id: str) -> bool:
        """Return whether a node only passes on what it takes: a reroute, or a switch."""
        inputs, links = self.inputs(node_id), self.links(node_id)
        if "sampler" in self.kind(node_id).lower():
            return False
        return len(links) == len(inputs) == 1 or (bool(links) and is_switch(self.node(node_id)))

    def ancestors(self, node_id: str) -> set[str]:
        """Return all nodes above a node."""
        if node_id not in self._ancestors:
            found: set[str] = set()
            waiting = [node_id]
            while waiting:
                for link in self.links(waiting.pop()).values():
                    if link[0] in self.place_of and link[0] not in found:
                        found.add(link[0])
                        waiting.append(link[0])
            self._ancestors[node_id] = found
        return self._ancestors[node_id]

    def _collect(self) -> list[str]:
        """Return the nodes' ids, upstream ones first, and note who uses what."""
        order: list[str] = []
        seen: set[str] = set()
        waiting: list[tuple[str, bool]] = [(self.output[0], False)]
        while waiting:
            node_id, finished = waiting.pop()
            if finished:
                order.append(node_id)
            elif node_id not in seen and isinstance(self.graph.get(node_id), dict):
                seen.add(node_id)
                waiting.append((node_id, True))
                for name, link in self._followed(node_id):
                    self._uses[link[0]].append(Use(node_id, name, link[1]))
                    waiting.append((link[0], False))
        return order

    def _followed(self, node_id: str) -> Iterator[tuple[str, Link]]:
        decided = None if self._whole else link_of(self.values.decided(self.node(node_id)))
        for name, link in self.links(node_id).items():
            if decided is None or link == decided or name == "switch":
                yield name, link
