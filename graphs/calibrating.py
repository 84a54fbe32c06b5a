"""Puts Calibrate Steps into a workflow: beside its sampler, with the same model, negative prompt, latent and VAE."""

from collections.abc import Mapping, Sequence
from typing import Any

from .values import Graph, link_of

NODE = "calibrate"
CLASS = "SweetSpotCalibrate"
_LINKED = ("model", "negative", "latent_image")
_VALUES = ("cfg", "sampler_name", "scheduler")
_SEEDS = ("seed", "noise_seed")
_MOST_HOPS = 64


class NotCalibratableError(ValueError):
    """The workflow has no sampler that can be calibrated; the message says what is needed and what it has."""


def calibrating(graph: Graph, prompts: Sequence[str], changes: Mapping[str, Any], node: str = "") -> Graph:
    """Return what calibrates a workflow's sampler: Calibrate Steps, and all that it needs.

    Args:
        graph: the workflow in API form.
        prompts: the prompts to calibrate with, encoded as the sampler's own.
        changes: values of Calibrate Steps, with the step count; those of the sampler are the default for the others.
        node: the sampler's id; empty if there is only one.

    Raises:
        NotCalibratableError: there is no such sampler, or it lacks a part.
    """
    sampler = sampler_to_calibrate(graph, node)
    inputs = graph[sampler]["inputs"]
    values = {name: inputs[name] for name in (*_LINKED, *_VALUES)}
    values["seed"] = next(inputs[name] for name in _SEEDS if name in inputs)
    values |= {"vae": _vae_below(graph, sampler), "clip": _clip_above(graph, inputs.get("positive"))}
    values |= {"solvers": "dpmpp_2m", "texts": "\n".join(prompts), **changes}
    calibrate = {"class_type": CLASS, "inputs": values}
    return {NODE: calibrate} | {name: graph[name] for name in nodes_above(graph, calibrate)}


def sampler_to_calibrate(graph: Graph, node: str = "") -> str:
    """Return the id of the sampler that is chosen, or of the only one.

    Raises:
        NotCalibratableError: there is none, or several.
    """
    samplers = [name for name, each in graph.items() if _is_sampler(each)]
    chosen = [name for name in samplers if node in ("", name)]
    if len(chosen) == 1:
        return chosen[0]
    came = ", ".join(f"{name} ({graph[name].get('class_type')})" for name in samplers) or "none"
    wanted = f"{node} to be one" if node else "one; if there are several, choose with --node"
    raise NotCalibratableError(f"sampler: expected {wanted}, with {', '.join((*_LINKED, *_VALUES))}; got {came}")


def _is_sampler(node: Mapping[str, Any]) -> bool:
    inputs = node.get("inputs", {})
    has_all = all(link_of(inputs.get(name)) for name in _LINKED) and all(name in inputs for name in _VALUES)
    # Comparison nodes have these inputs, too, but a text of step counts; Calibrate Steps itself is no sampler.
    samples = isinstance(inputs.get("steps"), int | list) and node.get("class_type") != CLASS
    return has_all and samples and any(name in inputs for name in _SEEDS)


def _vae_below(graph: Graph, sampler: str) -> Any:
    """Return the link to the VAE that decodes what the sampler makes; else the only VAE that decodes anything."""
    decoders = [node["inputs"] for node in graph.values() if {"samples", "vae"} <= node.get("inputs", {}).keys()]
    own = [inputs["vae"] for inputs in decoders if (link := link_of(inputs["samples"])) and link[0] == sampler]
    vaes = own or [inputs["vae"] for inputs in decoders]
    if len({link_of(vae) for vae in vaes}) != 1:
        raise NotCalibratableError("workflow: expected a VAE Decode of the sampler's latent, got none")
    return vaes[0]


def _clip_above(graph: Graph, conditioning: Any) -> Any:
    """Return the link to the CLIP that encodes the sampler's own positive prompt."""
    link = link_of(conditioning)
    for _ in range(_MOST_HOPS):
        inputs = graph.get(link[0], {}).get("inputs", {}) if link else {}
        if link_of(inputs.get("clip")):
            return inputs["clip"]
        link = link_of(inputs.get("conditioning") or inputs.get("positive"))
        if link is None:
            break
    raise NotCalibratableError(
        "workflow: expected a positive prompt that a node with a `clip` input encodes, got none; add Calibrate Steps "
        "to the workflow and link conditionings to its `prompts`"
    )


def nodes_above(graph: Graph, node: Mapping[str, Any]) -> list[str]:
    """Return the ids of all nodes above a node."""
    found: dict[str, None] = {}
    waiting = [link[0] for value in node["inputs"].values() if (link := link_of(value))]
    while waiting:
        name = waiting.pop()
        if name in found or name not in graph:
            continue
        found[name] = None
        inputs = graph[name].get("inputs", {})
        waiting += [link[0] for value in inputs.values() if (link := link_of(value))]
    return list(found)
