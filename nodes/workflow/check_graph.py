"""Makes the graph of a check run: the same workflow, with another solver on other noise levels."""

from typing import Any

from ...comparison.runs import Sampling
from ...graphs.steps import Found
from ...graphs.values import Graph

SAMPLING = "SweetSpotBranchSampling"
_TAKES_SCHEDULE = ("SamplerCustom", "SamplerCustomAdvanced")
_SAME_INPUTS = ("model", "cfg", "positive", "negative", "latent_image")


def with_sampling(graph: Graph, found: Found, sampling: Sampling) -> Graph:
    """Return the graph with another sampler and schedule.

    Raises:
        ValueError: if the workflow's sampler can't be given another one.
    """
    sampler = found.samplers[0]
    kind = graph[sampler]["class_type"]
    if len(found.samplers) > 1 or kind not in (*_TAKES_SCHEDULE, "KSampler"):
        raise ValueError(f"check: expected one KSampler, SamplerCustom or SamplerCustomAdvanced, got {kind}")
    values, inputs = f"{sampler}_sampling", dict(graph[sampler]["inputs"])
    if kind == "KSampler":
        kind, inputs = "SamplerCustom", _as_custom(inputs)
    inputs |= {"sampler": [values, 0], "sigmas": [values, 1]}
    settings = {"sampler_name": sampling.sampler_name, "levels": list(sampling.sigmas)}
    return {
        **graph,
        sampler: {**graph[sampler], "class_type": kind, "inputs": inputs},
        values: {"class_type": SAMPLING, "inputs": settings},
    }


def _as_custom(inputs: dict[str, Any]) -> dict[str, Any]:
    """Return a KSampler's inputs as those of a SamplerCustom, which makes the same noise from them."""
    same = {name: inputs[name] for name in _SAME_INPUTS if name in inputs}
    return {**same, "add_noise": True, "noise_seed": inputs.get("seed", 0)}
