"""Settings as people write them, converted to our names: from a saved preset, an image, a diffusers folder.

Accepted names: `steps`, `num_inference_steps`, `inference_steps`, `sample_steps`, `sampling_steps`; `cfg`,
`cfg_scale`, `guidance_scale`, `true_cfg_scale`; `sampler`, `sampler_name`; `scheduler`; `guidance`; `shift`, the linear
one of a flow-matching model; `scheduler_options`, the numbers of karras (`rho`) or beta (`alpha` and `beta`); `sigmas`,
exact noise levels for the step count.

cfg has three conventions. ComfyUI and most others: uncond + cfg (cond - uncond); 1 is off, and so is 0 in diffusers.
Z-Image, Krea 2 and Cosmos: cond + g (cond - uncond), so cfg = g + 1. The publishers of FLUX.1 dev, FLUX.2 dev and
HunyuanVideo use guidance_scale for distilled guidance; their cfg is off.
"""

import json
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from ...graphs.samplers_in import GraphSampler, samplers_in
from ...graphs.values import Graph
from ..catalogue import Convention

STEPS_NAMES = ("steps", "num_inference_steps", "inference_steps", "sample_steps", "sampling_steps")
CFG_NAMES = ("cfg", "cfg_scale", "guidance_scale", "true_cfg_scale")
# Names of one setting.
ALIASES = (STEPS_NAMES, CFG_NAMES, ("sampler_name", "sampler"), ("scheduler",), ("guidance",))
MOST_STEPS = 10_000
LARGEST_CFG = 100.0
SHIFT_RANGE = (0.01, 100.0)
LARGEST_LEVEL = 1e5
# Schedulers whose stock nodes have numbers: KarrasScheduler and BetaSamplingScheduler.
_OPTIONS = {"karras": ("rho",), "beta": ("alpha", "beta")}
_OPTION_RANGE = (0.01, 100.0)
MOST_CLIP_SKIP = 12

# A1111's sampler names, in lower case, and ComfyUI's names for them.
_A1111_SAMPLERS = {
    "euler": "euler",
    "euler a": "euler_ancestral",
    "heun": "heun",
    "lms": "lms",
    "dpm2": "dpm_2",
    "dpm2 a": "dpm_2_ancestral",
    "dpm++ 2m": "dpmpp_2m",
    "dpm++ sde": "dpmpp_sde",
    "dpm++ 2m sde": "dpmpp_2m_sde",
    "dpm++ 3m sde": "dpmpp_3m_sde",
    "dpm++ 2s a": "dpmpp_2s_ancestral",
    "dpm fast": "dpm_fast",
    "dpm adaptive": "dpm_adaptive",
    "lcm": "lcm",
    "ddim": "ddim",
    "ddpm": "ddpm",
    "unipc": "uni_pc",
    "restart": "restart",
}
_A1111_SCHEDULERS = {
    "karras": "karras",
    "exponential": "exponential",
    "sgm uniform": "sgm_uniform",
    "simple": "simple",
    "normal": "normal",
    "uniform": "normal",
    "beta": "beta",
    "ddim": "ddim_uniform",
}
# diffusers' scheduler classes and ComfyUI's equivalent sampler and scheduler.
_DIFFUSERS_SCHEDULERS = {
    "EulerDiscreteScheduler": ("euler", "normal"),
    "EulerAncestralDiscreteScheduler": ("euler_ancestral", "normal"),
    "FlowMatchEulerDiscreteScheduler": ("euler", "simple"),
    "FlowMatchHeunDiscreteScheduler": ("heun", "simple"),
    "HeunDiscreteScheduler": ("heun", "normal"),
    "DPMSolverMultistepScheduler": ("dpmpp_2m", "normal"),
    "DPMSolverSDEScheduler": ("dpmpp_sde", "normal"),
    "DPMSolverSinglestepScheduler": ("dpmpp_2s_ancestral", "normal"),
    "UniPCMultistepScheduler": ("uni_pc", "normal"),
    "LMSDiscreteScheduler": ("lms", "normal"),
    "KDPM2DiscreteScheduler": ("dpm_2", "normal"),
    "DDIMScheduler": ("ddim", "normal"),
    "DDPMScheduler": ("ddpm", "normal"),
    "LCMScheduler": ("lcm", "sgm_uniform"),
}
_A1111_PAIR = re.compile(r"(?<!\w)([A-Z][\w +]{0,40}?):\s*(\"(?:[^\"\\]|\\.)*\"|[^,]*)(?:,|$)")


class SettingsError(ValueError):
    """Settings that cannot be read. The message names the setting, what is allowed and what came."""


def from_record(record: dict[str, Any], *, convention: Convention = "unconditional") -> dict[str, Any]:
    """Return a plan's fields from a record with any of the names people use.

    Args:
        record: settings by name; other names are ignored.
        convention: what its `guidance_scale` means, see above.

    Raises:
        SettingsError: a value is out of range, or two names of one setting have different values.
    """
    fields: dict[str, Any] = {}
    steps = _one_of(record, STEPS_NAMES)
    if steps is not None:
        fields["steps"] = _whole_number("steps", steps)
    if convention == "distilled" and record.get("guidance_scale") is not None:
        record = {"cfg": record.get("true_cfg_scale") or 1, "guidance": record["guidance_scale"]} | {
            name: value for name, value in record.items() if name not in CFG_NAMES
        }
    cfg = _one_of(record, CFG_NAMES)
    if cfg is not None:
        fields["cfg"] = _cfg(cfg, conditional_anchor=convention == "conditional" and "guidance_scale" in record)
    for ours, names in (("sampler_name", ("sampler_name", "sampler")), ("scheduler", ("scheduler",))):
        name = _one_of(record, names)
        if name is not None:
            fields[ours] = _name(ours, name)
    if record.get("guidance") is not None:
        fields["guidance"] = _number("guidance", record["guidance"], 0, LARGEST_CFG)
    fields |= _schedule(record, fields.get("scheduler"), fields.get("steps"))
    if not fields:
        raise SettingsError(f"settings: expected one of {', '.join(STEPS_NAMES + CFG_NAMES)}, got {sorted(record)[:8]}")
    return fields


def from_text(text: str) -> tuple[dict[str, Any], str]:
    """Return settings, under any of the names people use, and the model's name from pasted text.

    Accepted: A1111's parameters, a JSON object of settings, ComfyUI's prompt, and diffusers' configurations.

    Raises:
        SettingsError: the text is none of these, or a value is not allowed.
    """
    if not text.lstrip().startswith("{"):
        return from_a1111(text)
    content = _json("settings", text)
    if "_class_name" in content:
        return from_diffusers(content), ""
    if any(isinstance(node, dict) and "class_type" in node for node in content.values()):
        return from_prompt(content)
    return content, str(content.get("model", ""))


def from_image(metadata: dict[str, str]) -> tuple[dict[str, Any], str]:
    """Return a plan's fields and the model's name from an image's text entries.

    It reads `prompt` (ComfyUI's graph) and `parameters` (A1111's text).

    Raises:
        SettingsError: the image has neither, or no sampler is in it.
    """
    # Some tools store the text of the prompt under `prompt`, where ComfyUI stores its graph.
    if metadata.get("prompt", "").lstrip().startswith("{") or not metadata.get("parameters"):
        if metadata.get("prompt"):
            return from_prompt(_json("prompt", metadata["prompt"]))
    else:
        return from_a1111(metadata["parameters"])
    raise SettingsError(f"image: expected a text entry named prompt or parameters, got {sorted(metadata) or 'none'}")


def from_prompt(graph: Graph) -> tuple[dict[str, Any], str]:
    """Return the settings of a prompt graph's first sampler that starts from noise, and its model's name.

    Raises:
        SettingsError: the graph has no sampler whose step count can be read.
    """
    readable = [settings for settings in samplers_in(_whole_nodes(graph)) if settings.steps]
    if not readable:
        raise SettingsError("prompt: expected a sampler with steps, got none")
    first = next((settings for settings in readable if settings.denoise == 1), readable[0])
    return _fields_of(first), first.files[0] if first.files else ""


def from_a1111(text: str) -> tuple[dict[str, Any], str]:
    """Return the settings and the model's name from A1111's parameters text.

    Raises:
        SettingsError: the text has no line of settings that begins with `Steps:`.
    """
    start = text.rfind("Steps: ")
    if start < 0:
        raise SettingsError(f"parameters: expected a line that begins with 'Steps:', got {text[:60]!r}")
    pairs = {name.strip(): value.strip().strip('"') for name, value in _A1111_PAIR.findall(text[start:])}
    sampler, scheduler = a1111_sampler(pairs.get("Sampler", ""), pairs.get("Schedule type", ""))
    record = {
        "steps": pairs.get("Steps"),
        "cfg": pairs.get("CFG scale"),
        "guidance": pairs.get("Distilled CFG Scale"),
        "sampler_name": sampler or None,
        "scheduler": scheduler or None,
    }
    return from_record({name: value for name, value in record.items() if value is not None}), pairs.get("Model", "")


def from_diffusers(content: dict[str, Any]) -> dict[str, Any]:
    """Return a plan's fields from a diffusers `scheduler_config.json` or `model_index.json`.

    The first gives sampler and scheduler, the second its pipeline's default steps and cfg (diffusers 0.42.1).

    Raises:
        SettingsError: its class is unknown.
    """
    name = str(content.get("_class_name", ""))
    if name in _pipelines():
        pipeline = _pipelines()[name]
        return from_record(pipeline, convention=pipeline.get("convention", "unconditional"))
    if name not in _DIFFUSERS_SCHEDULERS:
        known = ", ".join(_DIFFUSERS_SCHEDULERS)
        raise SettingsError(f"_class_name: expected a known pipeline or one of {known}, got {name!r}")
    sampler, scheduler = _DIFFUSERS_SCHEDULERS[name]
    if content.get("use_karras_sigmas"):
        scheduler = "karras"
    elif content.get("use_exponential_sigmas"):
        scheduler = "exponential"
    elif content.get("timestep_spacing") == "trailing" and scheduler == "normal":
        scheduler = "sgm_uniform"
    if name == "DPMSolverMultistepScheduler" and content.get("algorithm_type") == "sde-dpmsolver++":
        sampler = "dpmpp_2m_sde"
    return {"sampler_name": sampler, "scheduler": scheduler}


@cache
def _pipelines() -> dict[str, dict[str, Any]]:
    return json.loads((Path(__file__).parent / "diffusers_pipelines.json").read_text("utf-8"))


def _fields_of(settings: GraphSampler) -> dict[str, Any]:
    names = ("steps", "cfg", "guidance", "sampler_name", "scheduler")
    fields = {name: getattr(settings, name) for name in names if getattr(settings, name) not in (None, "")}
    # The class of a node that makes a schedule is not the name of a scheduler.
    return {name: value for name, value in fields.items() if name != "scheduler" or value.islower()}


def _whole_nodes(graph: Any) -> Graph:
    nodes = graph.items() if isinstance(graph, dict) else ()
    return {str(i): node for i, node in nodes if isinstance(node, dict) and isinstance(node.get("inputs"), dict)}


def a1111_sampler(sampler: str, schedule: str) -> tuple[str, str]:
    """Return ComfyUI's sampler and scheduler; older files add the schedule to the sampler's name: `DPM++ 2M Karras`."""
    name, scheduler = sampler.lower(), _A1111_SCHEDULERS.get(schedule.lower(), "")
    for words, ours in _A1111_SCHEDULERS.items():
        if not schedule and name.endswith(f" {words}"):
            name, scheduler = name.removesuffix(f" {words}"), ours
    return _A1111_SAMPLERS.get(name, ""), scheduler


def _one_of(record: dict[str, Any], names: tuple[str, ...]) -> Any:
    given = {name: record[name] for name in names if record.get(name) is not None}
    if len({str(value) for value in given.values()}) > 1:
        raise SettingsError(
            f"{' and '.join(given)}: expected one value, as they are one setting, "
            f"got {' and '.join(map(str, given.values()))}"
        )
    return next(iter(given.values()), None)


def _cfg(value: Any, *, conditional_anchor: bool) -> float:
    number = _number("cfg", value, 0, LARGEST_CFG)
    if conditional_anchor:
        return number + 1
    return number or 1.0  # diffusers turns guidance off with 0, ComfyUI with 1


def _whole_number(name: str, value: Any) -> int:
    number = _number(name, value, 1, MOST_STEPS)
    if number != int(number):
        raise SettingsError(f"{name}: expected a whole number, got {_shown(value)}")
    return int(number)


def _levels(value: Any, steps: int | None) -> list[float]:
    """Return exact noise levels, which fall and are as many as the steps need."""
    levels = [_number("sigmas", level, 0, LARGEST_LEVEL) for level in value] if isinstance(value, list) else []
    if len(levels) < 2 or any(after >= before for before, after in pairwise(levels)):
        raise SettingsError(f"sigmas: expected a list of at least 2 falling noise levels, got {_shown(value)}")
    if steps != len(levels) - 1:
        raise SettingsError(f"sigmas: expected {(steps or 0) + 1} noise levels for the steps, got {len(levels)}")
    return levels


def _schedule(record: dict[str, Any], scheduler: str | None, steps: int | None) -> dict[str, Any]:
    """Return what a record says of the schedule besides the scheduler's name."""
    fields: dict[str, Any] = {}
    if record.get("shift") is not None:
        fields["shift"] = _number("shift", record["shift"], *SHIFT_RANGE)
    if record.get("scheduler_options"):
        fields["scheduler_options"] = _options(record["scheduler_options"], scheduler)
    if record.get("sigmas") is not None:
        fields["sigmas"] = _levels(record["sigmas"], steps)
    return fields


def _options(value: Any, scheduler: str | None) -> dict[str, float]:
    """Return the numbers of a scheduler, which are all that its stock node has besides the ends of the schedule."""
    names = _OPTIONS.get(scheduler or "", ())
    if not names:
        raise SettingsError(
            f"scheduler_options: expected none unless the scheduler is {' or '.join(_OPTIONS)}, got {_shown(value)}"
        )
    if not isinstance(value, dict) or sorted(value) != sorted(names):
        raise SettingsError(f"scheduler_options: expected {' and '.join(names)} for {scheduler}, got {_shown(value)}")
    return {name: _number(name, value[name], *_OPTION_RANGE) for name in names}


def _number(name: str, value: Any, least: float, most: float) -> float:
    try:
        number = float(value) if not isinstance(value, bool) else None
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or not least <= number <= most:
        raise SettingsError(f"{name}: expected a number from {least:g} to {most:g}, got {_shown(value)}")
    return number


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # a whole number of more digits than Python writes
        return "a number of thousands of digits"
    return text if len(text) <= 60 else text[:60] + "..."


def _name(setting: str, value: Any) -> str:
    """Return a sampler's or scheduler's name. ComfyUI's are in lower case, unlike the nodes that make a schedule."""
    if not isinstance(value, str) or not re.fullmatch(r"[a-z0-9_]{1,60}", value):
        raise SettingsError(
            f"{setting}: expected one of ComfyUI's names, e.g. euler or simple, got {str(value)[:60]!r}"
        )
    return value


def _json(name: str, text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise SettingsError(f"{name}: expected a JSON object, got {text[:60]!r}")
    return content
