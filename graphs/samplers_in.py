"""Reads the samplers of a prompt graph: steps, cfg, sampler, scheduler, shift, guidance, and the models.

All four of ComfyUI's sampling nodes are read, together with the nodes that supply their sigmas, sampler and guider.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .values import Graph, GraphValues, link_of, number_of
from .walk import Branch, Lora, Walk

SAMPLERS = ("KSampler", "KSamplerAdvanced", "SamplerCustom", "SamplerCustomAdvanced")
_GUIDER_CFG = ("cfg", "cfg_conds", "video_cfg")
_SHIFT_NODES = {
    "ModelSamplingSD3": "shift",
    "ModelSamplingAuraFlow": "shift",
    "MiniMaxH3SigmaShift": "shift_video",
}
_LONGEST_CHAIN = 24
# What reading one sampler counts as.
_COST = 10


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
    """Yield the settings of every sampler in the graph, once for each branch up to a model.

    Samplers past the size up to which graphs are read are left out.
    """
    walk = Walk(graph)
    for node_id, node in graph.items():
        if node.get("class_type") in SAMPLERS:
            if not walk.values.spend(_COST):
                return
            yield from _read(walk, node_id)


def _read(walk: Walk, node_id: str) -> Iterator[GraphSampler]:
    settings = _own_settings(walk.values, node_id)
    for branch in walk.branches(*_holder_of_model(walk.values, node_id)):
        if not walk.values.spend(1 + len(branch.nodes) // 8):
            return
        shift = _shift_of(walk.values, branch)
        yield GraphSampler(branch.files, branch.loras, shift=shift, node=node_id, **settings)


def _holder_of_model(values: GraphValues, node_id: str) -> tuple[str, str]:
    """Return the node and input that take a sampler's model: the sampler itself or its guider."""
    guider = link_of(values.inputs_of(node_id).get("guider"))
    return (guider[0], "model") if guider else (node_id, "model")


def _own_settings(values: GraphValues, node_id: str) -> dict[str, Any]:
    node, inputs = values.graph[node_id], values.inputs_of(node_id)
    settings: dict[str, Any] = {"guidance": _guidance(values, node_id)}
    if node["class_type"].startswith("KSampler"):
        settings |= _schedule(values, inputs, str(values.value(inputs.get("scheduler")) or ""))
        settings["sampler_name"] = values.value(inputs.get("sampler_name")) or ""
    else:
        settings |= _custom_schedule(values, inputs.get("sigmas"))
        sampler = link_of(inputs.get("sampler"))
        made = values.inputs_of(sampler[0]) if sampler else {}
        settings["sampler_name"] = values.value(made.get("sampler_name")) or ""
    settings["cfg"] = _cfg(values, inputs)
    return settings


def _cfg(values: GraphValues, inputs: dict[str, Any]) -> float | None:
    guider = link_of(inputs.get("guider"))
    if guider:
        inputs = values.inputs_of(guider[0])
        if not any(name in inputs for name in _GUIDER_CFG):
            return 1.0
    for name in _GUIDER_CFG:
        scale = number_of(values.value(inputs.get(name)))
        if scale is not None:
            return scale
    return None


def _schedule(values: GraphValues, inputs: dict[str, Any], scheduler: str) -> dict[str, Any]:
    steps = number_of(values.value(inputs.get("steps")))
    denoise = number_of(values.value(inputs.get("denoise", 1.0)))
    return {
        "steps": int(steps) if steps is not None and steps >= 1 else None,
        "scheduler": scheduler,
        "denoise": 1.0 if denoise is None else denoise,
    }


def _custom_schedule(values: GraphValues, value: Any) -> dict[str, Any]:
    """Follow a SIGMAS link to the node that makes the schedule, past nodes that only cut it."""
    for _ in range(_LONGEST_CHAIN):
        link = link_of(value)
        node = values.graph.get(link[0], {}) if link else {}
        inputs, kind = node.get("inputs", {}), str(node.get("class_type", ""))
        if "steps" in inputs:
            return _schedule(values, inputs, str(values.value(inputs.get("scheduler")) or kind))
        if kind == "ManualSigmas":
            sigmas = tuple(float(level) for level in re.findall(r"\d*\.?\d+", str(values.value(inputs.get("sigmas")))))
            refines = not sigmas or sigmas[0] < 1
            return {"steps": len(sigmas) - 1 or None, "scheduler": kind, "sigmas": sigmas, "refines": refines}
        value = inputs.get("sigmas")
        if value is None:
            break
    return {"steps": None}


def _guidance(values: GraphValues, node_id: str) -> float | None:
    """Return the value of the nearest FluxGuidance upstream along the positive conditioning."""
    inputs = values.inputs_of(node_id)
    guider = link_of(inputs.get("guider"))
    if guider:
        inputs = values.inputs_of(guider[0])
    value = inputs.get("positive", inputs.get("conditioning"))
    for _ in range(_LONGEST_CHAIN):
        link = link_of(value)
        node = values.graph.get(link[0], {}) if link else {}
        inputs = node.get("inputs", {})
        if node.get("class_type") == "FluxGuidance":
            return number_of(values.value(inputs.get("guidance")))
        value = inputs.get("conditioning", inputs.get("positive"))
    return None


def _shift_of(values: GraphValues, branch: Branch) -> tuple[float, str] | None:
    for node in branch.nodes:
        name = _SHIFT_NODES.get(str(node.get("class_type")))
        shift = number_of(values.value(node["inputs"].get(name))) if name else None
        if shift is not None:
            return shift, str(node["class_type"])
    return None
