"""Reads how a graph samples: sampler, scheduler, cfg and denoise, by what inputs are called."""

from dataclasses import dataclass
from typing import Any

from .above import Above
from .stages import denoise_of
from .steps import Found
from .values import number_of

_GUIDER_CFG = ("cfg", "cfg_conds", "video_cfg")


@dataclass(frozen=True)
class GraphSampling:
    """How a graph samples.

    Attributes:
        sampler_name: the sampler's name; empty if it can't be read.
        scheduler: the scheduler's name, or the class of the node that makes the schedule.
        cfg: the guidance scale; None if it can't be read.
        denoise: share of the noise that is applied.
    """

    sampler_name: str
    scheduler: str
    cfg: float | None
    denoise: float


def sampling_of(above: Above, found: Found) -> GraphSampling:
    """Return how the sampling whose step count was found samples."""
    makers = [place.node for place in found.takers]
    samplers = [node for sampler in found.samplers if (node := source_node(above, sampler, "sampler"))]
    nodes = dict.fromkeys([*found.samplers, *makers, *samplers])
    sampler = next((name for node in nodes if (name := _text(above, node, "sampler_name"))), "")
    scheduler = next((name for node in nodes if (name := _text(above, node, "scheduler"))), "")
    return GraphSampling(
        sampler, scheduler or above.kind(makers[0]), _cfg(above, list(nodes)), denoise_of(above, makers[0])
    )


def source_node(above: Above, node: str, name: str) -> str:
    """Return the node behind an input, past reroutes; empty if nothing is linked."""
    link = above.links(node).get(name)
    for _ in above.nodes:
        if link is None or not above.passes_on(link[0]) or len(above.links(link[0])) != 1:
            break
        link = next(iter(above.links(link[0]).values()))
    return link[0] if link else ""


def _text(above: Above, node: str, name: str) -> str:
    value: Any = above.values.value(above.inputs(node).get(name))
    return value if isinstance(value, str) else ""


def _cfg(above: Above, nodes: list[str]) -> float | None:
    for node in nodes:
        guider = source_node(above, node, "guider")
        holder = guider or node
        inputs = above.inputs(holder)
        names = [name for name in _GUIDER_CFG if name in inputs]
        if names:
            return number_of(above.values.value(inputs[names[0]]))
        if guider:
            # A guider without a scale, e.g. BasicGuider, applies none.
            return 1.0
    return None
