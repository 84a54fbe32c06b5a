"""Reads the samplers of a prompt graph: steps, cfg, sampler, scheduler, shift, guidance, and the models.

All four of ComfyUI's sampling nodes are read, together with the nodes that supply their sigmas, sampler and guider.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .walk import Branch, Graph, Lora, branches, link_of, value_of

SAMPLERS = ("KSampler", "KSamplerAdvanced", "SamplerCustom", "SamplerCustomAdvanced")
_GUIDER_CFG = ("cfg", "cfg_conds", "video_cfg")
_SHIFT_NODES = {
    "ModelSamplingSD3": "shift",
    "ModelSamplingAuraFlow": "shift",
    "MiniMaxH3SigmaShift": "shift_video",
}
_LONGEST_CHAIN = 24


@dataclass(frozen=True)
class GraphSampler:
    """One sampler of a graph, on one branch up to its model.

    Attributes:
        files: names of the base model's file.
        loras: LoRAs over it.
        steps: step count of the whole schedule, even if samplers share it; None if the graph computes it.
        cfg: guidance scale, 1 if the guider has none.
        guidance: the value that FluxGuidance sets.
        sampler_name: name of the sampler, empty if it comes from a node without a `sampler_name`.
        scheduler: name of the scheduler, or of the node that makes the schedule.
        sigmas: the schedule if it is written out.
        shift: the shift that a node sets, with that node's class.
        denoise: share of the full noise.
        refines: whether its written-out schedule starts below full noise, as a second stage's does.
        node: id of the sampler's node.
    """

    files: tuple[str, ...]
    loras: tuple[Lora, ...]
    steps: int | None = None
    cfg: float | None = None
    guidance: float | None = None
    sampler_name: str = ""
    scheduler: str = ""
    sigmas: tuple[float, ...] = ()
    shift: tuple[float, str] | None = None
    denoise: float = 1.0
    refines: bool = False
    node: str = field(default="", compare=False)


def samplers_in(graph: Graph) -> Iterator[GraphSampler]:
    """Yield the settings of every sampler in the graph, once for each branch up to a model."""
    for node_id, node in graph.items():
        if node.get("class_type") in SAMPLERS:
            yield from _read(graph, node_id)


def _read(graph: Graph, node_id: str) -> Iterator[GraphSampler]:
    settings = _own_settings(graph, node_id)
    holder = _holder_of_model(graph, node_id)
    for branch in branches(graph, *holder):
        shift = _shift_of(graph, branch)
        yield GraphSampler(branch.files, branch.loras, shift=shift, node=node_id, **settings)


def _holder_of_model(graph: Graph, node_id: str) -> tuple[str, str]:
    """Return the node and input that take a sampler's model: the sampler itself or its guider."""
    guider = link_of(graph[node_id]["inputs"].get("guider"))
    return (guider[0], "model") if guider else (node_id, "model")


def _own_settings(graph: Graph, node_id: str) -> dict[str, Any]:
    node = graph[node_id]
    inputs = node["inputs"]
    settings: dict[str, Any] = {"guidance": _guidance(graph, node_id)}
    if node["class_type"].startswith("KSampler"):
        settings |= _schedule(graph, inputs, str(value_of(graph, inputs.get("scheduler")) or ""))
        settings["sampler_name"] = value_of(graph, inputs.get("sampler_name")) or ""
    else:
        settings |= _custom_schedule(graph, inputs.get("sigmas"))
        sampler = link_of(inputs.get("sampler"))
        made = graph.get(sampler[0], {}).get("inputs", {}) if sampler else {}
        settings["sampler_name"] = value_of(graph, made.get("sampler_name")) or ""
    settings["cfg"] = _cfg(graph, inputs)
    return settings


def _cfg(graph: Graph, inputs: dict[str, Any]) -> float | None:
    guider = link_of(inputs.get("guider"))
    if guider:
        inputs = graph.get(guider[0], {}).get("inputs", {})
        if not any(name in inputs for name in _GUIDER_CFG):
            return 1.0
    for name in _GUIDER_CFG:
        value = value_of(graph, inputs.get(name))
        if isinstance(value, int | float):
            return float(value)
    return None


def _schedule(graph: Graph, inputs: dict[str, Any], scheduler: str) -> dict[str, Any]:
    steps = value_of(graph, inputs.get("steps"))
    denoise = value_of(graph, inputs.get("denoise", 1.0))
    return {
        "steps": int(steps) if isinstance(steps, int | float) and steps >= 1 else None,
        "scheduler": scheduler,
        "denoise": float(denoise) if isinstance(denoise, int | float) else 1.0,
    }


def _custom_schedule(graph: Graph, value: Any) -> dict[str, Any]:
    """Follow a SIGMAS link to the node that makes the schedule, past nodes that only cut it."""
    for _ in range(_LONGEST_CHAIN):
        link = link_of(value)
        node = graph.get(link[0], {}) if link else {}
        inputs, kind = node.get("inputs", {}), str(node.get("class_type", ""))
        if "steps" in inputs:
            return _schedule(graph, inputs, str(value_of(graph, inputs.get("scheduler")) or kind))
        if kind == "ManualSigmas":
            sigmas = tuple(
                float(level) for level in re.findall(r"\d*\.?\d+", str(value_of(graph, inputs.get("sigmas"))))
            )
            refines = not sigmas or sigmas[0] < 1
            return {"steps": len(sigmas) - 1 or None, "scheduler": kind, "sigmas": sigmas, "refines": refines}
        value = inputs.get("sigmas")
        if value is None:
            break
    return {"steps": None}


def _guidance(graph: Graph, node_id: str) -> float | None:
    """Return the value of the nearest FluxGuidance upstream along the positive conditioning."""
    inputs = graph[node_id]["inputs"]
    guider = link_of(inputs.get("guider"))
    if guider:
        inputs = graph.get(guider[0], {}).get("inputs", {})
    value = inputs.get("positive", inputs.get("conditioning"))
    for _ in range(_LONGEST_CHAIN):
        link = link_of(value)
        node = graph.get(link[0], {}) if link else {}
        inputs = node.get("inputs", {})
        if node.get("class_type") == "FluxGuidance":
            guidance = value_of(graph, inputs.get("guidance"))
            return float(guidance) if isinstance(guidance, int | float) else None
        value = inputs.get("conditioning", inputs.get("positive"))
    return None


def _shift_of(graph: Graph, branch: Branch) -> tuple[float, str] | None:
    for node in branch.nodes:
        name = _SHIFT_NODES.get(str(node.get("class_type")))
        shift = value_of(graph, node["inputs"].get(name)) if name else None
        if isinstance(shift, int | float):
            return float(shift), str(node["class_type"])
    return None
