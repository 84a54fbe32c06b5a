"""Finds the seeds of a graph's sampling, and makes the graph with other seeds."""

from typing import Any

from .above import Above
from .numbers import Place
from .sampling import source_node
from .steps import Found
from .values import Graph, Link, link_of

_NAMES = ("noise_seed", "seed")
_SEEDS = 1 << 64


def find_seeds(graph: Graph, output: Link, found: Found) -> tuple[Place, ...]:
    """Return the inputs that hold the seeds of the sampling; empty if a seed is computed, or there is none.

    Args:
        graph: the prompt graph in API form.
        output: the output that is looked at.
        found: where its step count is set.
    """
    above = Above(graph, output)
    nodes = dict.fromkeys([*found.samplers, *(place.node for place in found.places)])
    for sampler in found.samplers:
        noise = source_node(above, sampler, "noise")
        nodes |= dict.fromkeys([noise] if noise else [])
    places = [Place(node, name) for node in nodes for name in _NAMES if name in above.inputs(node)]
    held = [_held(above, place) for place in places]
    return tuple(dict.fromkeys(place for place in held if place)) if all(held) else ()


def seed_at(graph: Graph, place: Place) -> int:
    """Return the seed that an input holds."""
    return int(graph[place.node]["inputs"][place.name])


def with_seeds(graph: Graph, seeds: tuple[Place, ...], higher_by: int) -> Graph:
    """Return the graph with each seed higher by a number; after the largest seed comes 0, as in ComfyUI."""
    changed = dict(graph)
    for place in seeds if higher_by else ():
        node = changed[place.node]
        seed = (seed_at(changed, place) + higher_by) % _SEEDS
        changed[place.node] = {**node, "inputs": {**node["inputs"], place.name: seed}}
    return changed


def _held(above: Above, place: Place) -> Place | None:
    """Return the input that holds a seed, past nodes that only pass it on; None if it is computed."""
    for _ in range(len(above.nodes)):
        value = above.inputs(place.node).get(place.name)
        link = link_of(value)
        if link is None:
            return place if _is_seed(value) else None
        names = [name for name, inner in above.inputs(link[0]).items() if link_of(inner) or _is_seed(inner)]
        if len(names) != 1:
            return None
        place = Place(link[0], names[0])
    return None


def _is_seed(value: Any) -> bool:
    # Some nodes draw a random seed for -1.
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
