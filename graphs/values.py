"""Reads values in a prompt graph: links, what is behind primitives, reroutes and switches, and how much was read.

The graph is ComfyUI's prompt in API form: node id -> class_type and inputs. An input is a value or a link
`[node id, output number]`.
"""

import re
from typing import Any

Node = dict[str, Any]
Graph = dict[str, Node]
Link = tuple[str, int]

# A question about a graph stops after this many inputs and branches, which takes some 20 ms. The largest of 234 public
# workflows needs 217.
MOST_READ = 3_000
# How many values in a row are followed; each level takes three of Python's frames.
_MOST_VALUES = 64
_LARGEST = 1e6
# Nodes of one input that turn a yes into a no, and those that pass anything on.
_CHANGES_STATE = re.compile(r"not|neg|inver|toggle|flip", re.IGNORECASE)
# Names under which nodes with other inputs hold their one value.
_VALUE_NAMES = ("value", "Value", "number", "Number", "Xi")
_REROUTE = re.compile(r"reroute", re.IGNORECASE)
# Names of a switch's inputs that choose, instead of being passed on.
CONDITION = r"select|index|switch|^cond|boolean"
_SWITCHES = {"ComfySwitchNode": ("switch", "on_true", "on_false")}


def link_of(value: Any) -> Link | None:
    """Return a link's node id and output number, or None if the value is not a link."""
    if isinstance(value, list | tuple) and len(value) == 2 and isinstance(value[0], str | int):
        return (str(value[0]), value[1]) if isinstance(value[1], int) else None
    return None


def number_of(value: Any) -> float | None:
    """Return a value as a number, or None if it is none that a setting can have."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= _LARGEST:
        return None
    return float(value)


def is_switch(node: Node) -> bool:
    """Return whether a node passes on one of its inputs."""
    kind = str(node.get("class_type", ""))
    return (
        kind in _SWITCHES
        or re.search(r"switch|selector|any.?index|if.?else|conditional", kind, re.IGNORECASE) is not None
    )


class GraphValues:
    """The values of one graph. What was worked out is kept, so that a value that many nodes share is followed once.

    Args:
        graph: the prompt graph in API form.
        most: how many inputs and branches may be read.
    """

    def __init__(self, graph: Graph, most: int = MOST_READ) -> None:
        self.graph = graph
        self._left = most
        self._values: dict[str, Any] = {}
        self._states: dict[str, bool | None] = {}
        self._depth = 0

    @property
    def too_large(self) -> bool:
        """Whether reading stopped because the graph is too large."""
        return self._left < 0

    def spend(self, amount: int) -> bool:
        """Count what is read next, and return whether it may be read."""
        self._left -= amount
        return self._left >= 0

    def give_up(self) -> None:
        """Stop reading."""
        self._left = -1

    def inputs_of(self, node_id: str) -> dict[str, Any]:
        """Return a node's inputs; none if there is no such node."""
        node = self.graph.get(node_id)
        inputs = node.get("inputs") if isinstance(node, dict) else None
        return inputs if isinstance(inputs, dict) else {}

    def value(self, value: Any) -> Any:
        """Return the value behind links to primitives, reroutes and decided switches, or None if it is undecided."""
        link = link_of(value)
        if link is None:
            return None if isinstance(value, list | dict) else value
        if link[0] not in self._values:
            # Until it is known, a value counts as undecided, so that one that depends on itself ends.
            self._values[link[0]] = None
            if self._depth < _MOST_VALUES and self.spend(1):
                self._depth += 1
                self._values[link[0]] = self._behind(link[0])
                self._depth -= 1
        return self._values[link[0]]

    def decided(self, node: Node) -> Any:
        """Return the input that a stock switch passes on; None if the node is no stock switch, or is undecided."""
        names = _SWITCHES.get(str(node.get("class_type", "")))
        if names is None:
            return None
        inputs = node.get("inputs", {})
        state = self._switch_state(inputs.get(names[0]))
        return inputs.get(names[1] if state else names[2]) if state is not None else None

    def _switch_state(self, value: Any) -> bool | None:
        """Return a switch's state, read only from what can't change it: a literal, a primitive, a reroute, a switch."""
        link = link_of(value)
        if link is None:
            return value if isinstance(value, bool) else None
        if link[0] not in self._states:
            # Until it is known, a state counts as undecided, so that one that depends on itself ends.
            self._states[link[0]] = None
            if self._depth < _MOST_VALUES and self.spend(1):
                self._depth += 1
                self._states[link[0]] = self._state_behind(link[0])
                self._depth -= 1
        return self._states[link[0]]

    def _state_behind(self, node_id: str) -> bool | None:
        inputs = self.inputs_of(node_id)
        if not inputs:
            return None
        passed = self.decided(self.graph[node_id])
        if passed is None and len(inputs) == 1:
            kind = str(self.graph[node_id].get("class_type", ""))
            (value,) = inputs.values()
            holds = isinstance(value, bool) and not _CHANGES_STATE.search(kind)
            passed = value if holds or _REROUTE.search(kind) else None
        return self._switch_state(passed)

    def _behind(self, node_id: str) -> Any:
        inputs = self.inputs_of(node_id)
        switched = self.decided(self.graph[node_id]) if inputs else None
        if switched is not None:
            return self.value(switched)
        if len(inputs) == 1:
            return self.value(next(iter(inputs.values())))
        return next((self.value(inputs[name]) for name in _VALUE_NAMES if name in inputs), None)
