"""Reads the samplers of a prompt graph: steps, cfg, sampler, scheduler, shift, guidance, and the models.

ComfyUI's samplers are read together with the nodes that supply their sigmas, sampler and guider. Samplers of other
packs are known by what their inputs are called: a step count or a schedule beside what is sampled.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .step_names import is_material, is_sigmas, is_step_count
from .values import MOST_READ, Graph, GraphValues, link_of, number_of
from .walk import Branch, Lora, Upstream, Walk, model_inputs

_GUIDER_CFG = ("cfg", "cfg_conds", "video_cfg")
_CFG = (*_GUIDER_CFG, "cfg_scale", "cfg_high_noise", "guidance_scale")
_DENOISE = ("denoise", "denoise_strength", "denoising_strength")
# Nodes with a step count that sample nothing themselves, or nothing that a step count describes.
_NO_SAMPLER = re.compile(
    r"metadata|save|schedul|train|xy_?|plot|context|config|noise|load|hook|selector|settings|unsampl", re.IGNORECASE
)
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
        run: how many of the steps it runs itself, None for all.
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
    run: int | None = None
    node: str = field(default="", compare=False)


def samplers_in(graph: Graph) -> Iterator[GraphSampler]:
    """Yield the settings of every sampler in the graph, once for each branch up to a model.

    Samplers past the size up to which graphs are read are left out.
    """
    walk = Walk(graph)
    for node_id in _sampler_nodes(walk):
        yield from _read(walk, node_id)


def samplers_with_models(graph: Graph) -> Iterator[tuple[GraphSampler, Upstream]]:
    """Yield the settings of every sampler in the graph, once, and what is upstream of its model input."""
    walk = Walk(graph, most=MOST_READ + len(graph) * _COST * 10)
    for node_id in _sampler_nodes(walk):
        above = walk.upstream(*_holder_of_model(walk.values, node_id))
        yield GraphSampler(above.files, above.loras, node=node_id, **_own_settings(walk.values, node_id)), above


def _sampler_nodes(walk: Walk) -> Iterator[str]:
    schedulers = _feeding_sigmas(walk.graph)
    for node_id in walk.graph:
        if node_id not in schedulers and is_sampler(walk.values, node_id):
            if not walk.values.spend(_COST):
                return
            yield node_id


def is_sampler(values: GraphValues, node_id: str) -> bool:
    """Return whether a node samples, judged by what its inputs are called.

    Nodes that make a schedule from what is sampled must be left out by the caller, see `_feeding_sigmas`.
    """
    kind = str(values.graph[node_id].get("class_type", ""))
    inputs = values.inputs_of(node_id)
    linked = [name for name, value in inputs.items() if link_of(value)]
    takes_schedule = any(is_sigmas(name) for name in linked)
    takes_steps = any(is_step_count(name) and _may_be_number(value) for name, value in inputs.items())
    if not (takes_steps or takes_schedule) or _NO_SAMPLER.search(kind):
        return False
    # A sampler may get its model without a link, from a node that gives it to all.
    if "sampler" in kind.lower():
        return True
    sampled = any(is_material(name) and not re.search("model|unet", name) for name in linked)
    return sampled and bool(model_inputs(inputs))


def _may_be_number(value: Any) -> bool:
    return value.isdigit() if isinstance(value, str) else True


def _feeding_sigmas(graph: Graph) -> set[str]:
    """Return the nodes whose output is taken as a schedule."""
    inputs = (node.get("inputs") for node in graph.values() if isinstance(node, dict))
    named = [(name, link_of(value)) for each in inputs if isinstance(each, dict) for name, value in each.items()]
    return {link[0] for name, link in named if link and is_sigmas(name)}


def _read(walk: Walk, node_id: str) -> Iterator[GraphSampler]:
    settings = _own_settings(walk.values, node_id)
    for branch in walk.branches(*_holder_of_model(walk.values, node_id)):
        if not walk.values.spend(1 + len(branch.nodes) // 8):
            return
        shift = _shift_of(walk.values, branch)
        yield GraphSampler(branch.files, branch.loras, shift=shift, node=node_id, **settings)


def _holder_of_model(values: GraphValues, node_id: str) -> tuple[str, str]:
    """Return the node and input that take a sampler's model: the sampler itself or its guider."""
    inputs = values.inputs_of(node_id)
    guider = _guider(values, inputs)
    if guider:
        return guider, next(iter(model_inputs(values.inputs_of(guider))), "model")
    return node_id, next(iter(model_inputs(inputs)), "model")


def _guider(values: GraphValues, inputs: dict[str, Any]) -> str:
    """Return the node that makes a sampler's guider, past nodes that pass it on; empty if there is none."""
    link = link_of(inputs.get("guider"))
    for _ in range(_LONGEST_CHAIN):
        if link is None or link[0] not in values.graph:
            return ""
        behind = values.inputs_of(link[0])
        links = [found for value in behind.values() if (found := link_of(value))]
        if model_inputs(behind) or len(links) != 1:
            return link[0]
        link = links[0]
    return ""


def _own_settings(values: GraphValues, node_id: str) -> dict[str, Any]:
    inputs = values.inputs_of(node_id)
    settings: dict[str, Any] = {"guidance": _guidance(values, node_id)}
    schedule = next((value for name, value in inputs.items() if is_sigmas(name) and link_of(value)), None)
    if schedule is None:
        settings |= _schedule(values, inputs, str(values.value(inputs.get("scheduler")) or ""))
    else:
        settings |= _custom_schedule(values, schedule)
    sampler = link_of(inputs.get("sampler"))
    made = values.inputs_of(sampler[0]) if sampler else inputs
    settings["sampler_name"] = _text(values, made, "sampler_name", "sampler")
    settings["cfg"] = _cfg(values, inputs)
    settings["run"] = _run_of(values, inputs, settings["steps"])
    return settings


def _run_of(values: GraphValues, inputs: dict[str, Any], steps: int | None) -> int | None:
    """Return how many steps of its schedule a sampler runs, None for all or if it can't be read."""
    first = _first_number(values, inputs, ("start_at_step",))
    last = _first_number(values, inputs, ("end_at_step",))
    if steps is None or (first is None and last is None):
        return None
    count = int(min(steps, steps if last is None else last) - (first or 0))
    return count if 0 < count < steps else None


def _text(values: GraphValues, inputs: dict[str, Any], *names: str) -> str:
    found = [values.value(inputs.get(name)) for name in names]
    return next((value for value in found if isinstance(value, str)), "")


def _cfg(values: GraphValues, inputs: dict[str, Any]) -> float | None:
    guider = _guider(values, inputs)
    if guider:
        inputs = values.inputs_of(guider)
        basic = "conditioning" in inputs or values.graph[guider].get("class_type") == "BasicGuider"
        if basic and not any(name in inputs for name in _GUIDER_CFG):
            return 1.0
    return _first_number(values, inputs, _CFG)


def _first_number(values: GraphValues, inputs: dict[str, Any], names: Iterable[str]) -> float | None:
    found = (_number(values, name, inputs[name]) for name in names if name in inputs)
    return next((number for number in found if number is not None), None)


def _number(values: GraphValues, name: str, value: Any) -> float | None:
    told = values.value(value)
    link = link_of(value)
    if told is None and link:
        # A node with settings of several kinds names its outputs like its inputs.
        behind = values.inputs_of(link[0])
        alike = [each for each in behind if each == name or (is_step_count(each) and is_step_count(name))]
        told = values.value(behind[alike[0]]) if alike else None
    return float(told) if isinstance(told, str) and told.isdigit() else number_of(told)


def _schedule(values: GraphValues, inputs: dict[str, Any], scheduler: str) -> dict[str, Any]:
    counts = sorted((name for name in inputs if is_step_count(name)), key=lambda name: name != "steps")
    steps = _first_number(values, inputs, counts)
    denoise = _first_number(values, inputs, _DENOISE)
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
        if any(is_step_count(name) for name in inputs):
            return _schedule(values, inputs, str(values.value(inputs.get("scheduler")) or kind))
        if kind == "ManualSigmas":
            sigmas = tuple(float(level) for level in re.findall(r"\d*\.?\d+", str(values.value(inputs.get("sigmas")))))
            refines = not sigmas or sigmas[0] < 1
            return {
                "steps": len(sigmas) - 1 if len(sigmas) > 1 else None,
                "scheduler": kind,
                "sigmas": sigmas,
                "refines": refines,
            }
        value = inputs.get("sigmas")
        if value is None:
            break
    return {"steps": None}


def _guidance(values: GraphValues, node_id: str) -> float | None:
    """Return the value of the nearest FluxGuidance upstream along the positive conditioning."""
    inputs = values.inputs_of(node_id)
    guider = _guider(values, inputs)
    if guider:
        inputs = values.inputs_of(guider)
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
