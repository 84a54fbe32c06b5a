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
    makers = [place.node for place in found.places]
    nodes = dict.fromkeys([*found.samplers, *makers])
    nodes |= dict.fromkeys(
        link[0] for node in found.samplers for name, link in above.links(node).items() if name == "sampler"
    )
    sampler = next((name for node in nodes if (name := _text(above, node, "sampler_name"))), "")
    scheduler = next((name for node in nodes if (name := _text(above, node, "scheduler"))), "")
    return GraphSampling(
        sampler, scheduler or above.kind(makers[0]), _cfg(above, list(nodes)), denoise_of(above, makers[0])
    )


def _text(above: Above, node: str, name: str) -> str:
    value: Any = above.values.value(above.inputs(node).get(name))
    return value if isinstance(value, str) else ""


def _cfg(above: Above, nodes: list[str]) -> float | None:
    for node in nodes:
        guider = above.links(node).get("guider")
        holder = guider[0] if guider else node
        inputs = above.inputs(holder)
        names = [name for name in _GUIDER_CFG if name in inputs]
        if names:
            return number_of(above.values.value(inputs[names[0]]))
        if guider:
            # A guider without a scale, e.g. BasicGuider, applies none.
            return 1.0
    return None
