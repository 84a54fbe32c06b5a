"""Follows a number's link to the node that holds it, in the part of a graph above one output."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .above import Above
from .step_names import is_bound, is_material, is_step_count
from .values import Link, link_of, number_of

_NameTest = Callable[[str], bool]

# Classes that pass a number on unchanged, and classes and inputs that show that a node computes one.
_PASSES_NUMBER = re.compile(r"reroute|cast|convert|to.?int|switch|anything|show|display|passthrough", re.IGNORECASE)
_COMPUTES = re.compile(
    r"math|expr|formula|eval|calc|python|code|equation|operat|arithm|random|double|half|multip|divid|strength.?to",
    re.IGNORECASE,
)


@dataclass(frozen=True, order=True)
class Place:
    """An input of a node."""

    node: str
    name: str


@dataclass(frozen=True)
class Source:
    """Where an input's number comes from.

    Attributes:
        place: the input that holds the number; None if the number is computed.
        value: the number; None if only a run can show it.
        origin: the output behind a link that was followed as far as possible; None if the number is no link.
    """

    place: Place | None
    value: int | None
    origin: Link | None = None


def source_of(above: Above, place: Place, is_wanted: _NameTest) -> Source:
    """Return where a number comes from.

    Only nodes that can't change the number are passed: reroutes, type casts and decided switches.

    Args:
        above: the graph.
        place: the input.
        is_wanted: whether an input of this name may hold it, on a node that holds several numbers.
    """
    link = link_of(above.inputs(place.node).get(place.name))
    if link is None:
        return Source(place, whole(above.inputs(place.node).get(place.name)))
    seen: set[str] = set()
    switched = False
    while link[0] in above.graph and link[0] not in seen:
        seen.add(link[0])
        links, decided = above.links(link[0]), link_of(above.values.decided(above.node(link[0])))
        if decided is not None:
            link, switched = decided, True
        elif len(links) == len(above.inputs(link[0])) == 1 and _PASSES_NUMBER.search(above.kind(link[0])):
            link = next(iter(links.values()))
        else:
            name = None if links else _holding_input(above, link[0], is_wanted)
            if name is None:
                break
            held = Place(link[0], name)
            # Behind a switch, another node holds the number once the switch is flipped.
            return Source(None if switched else held, whole(above.inputs(held.node)[name]), link)
    return Source(None, None, link)


def only_sets_steps(above: Above, origin: Link) -> bool:
    """Return whether a number is used for step counts and their bounds only, if need be through arithmetic."""
    waiting = above.uses(origin[0], origin[1])
    seen: set[str] = set()
    while waiting:
        use = waiting.pop()
        if is_step_count(use.name) or is_bound(use.name) or (use.name == "step" and "sigmas" in above.inputs(use.node)):
            continue
        further = above.uses(use.node)
        if not further or any(is_material(name) for name in above.links(use.node)):
            return False
        if use.node not in seen:
            seen.add(use.node)
            waiting += further
    return True


def whole(value: Any) -> int | None:
    """Return a value as a whole number, also if it is written as a text; None if it is none."""
    if isinstance(value, str) and value.strip().isdigit() and len(value) < 10:
        return int(value)
    number = number_of(value)
    return int(number) if number is not None and number == int(number) else None


def _holding_input(above: Above, node_id: str, is_wanted: _NameTest) -> str | None:
    """Return the input of a node without links whose number it gives out; None if it may compute another one."""
    inputs = above.inputs(node_id)
    if any(_COMPUTES.search(text) for text in (above.kind(node_id), *inputs)):
        return None
    numbers = [name for name, value in inputs.items() if whole(value) is not None]
    if len(numbers) == 1:
        return numbers[0]
    wanted = [name for name in numbers if is_wanted(name)]
    return wanted[0] if len(wanted) == 1 else None
