"""What inputs are called that have to do with step counts. No node classes, except where names can't tell."""

import json
import re
from functools import cache
from pathlib import Path

_STEPS = re.compile(
    r"((num|n|total|sampling|sample|sampler|inference|denois(e|ing)|diffusion|ddim|base|hires|hr|refiner?|upscale|max|"
    r"target|gen|generation|ksampler)_?)*(steps|step_count|stepcount)(_(total|count|num))?"
)
_BOUND = re.compile(r"((start|end|stop|begin|last|split|switch|refiner?)(_at)?_)step|steps_to_run")
# What a sampler takes besides numbers and names.
_MATERIAL = re.compile(
    r"model|unet|latent|samples|positive|negative|conditioning|guider|pipe|image|pixels|embeds|frames|tuple|video|audio"
)


def is_step_count(name: str) -> bool:
    """Return whether an input of this name sets how many steps a schedule has."""
    return _STEPS.fullmatch(_snake(name)) is not None


def is_bound(name: str) -> bool:
    """Return whether an input of this name says at which step a sampler starts, stops or hands over."""
    return _BOUND.fullmatch(_snake(name)) is not None


def is_material(name: str) -> bool:
    """Return whether an input of this name takes what a sampler works with."""
    return _MATERIAL.search(name.lower()) is not None


def is_sigmas(name: str) -> bool:
    """Return whether an input of this name takes a schedule."""
    return "sigmas" in name.lower()


@cache
def partner_nodes() -> frozenset[str]:
    """Return the classes of ComfyUI 0.33's partner nodes, which call paid services."""
    return frozenset(_data("partner_nodes"))


@cache
def fixed_schedulers() -> frozenset[str]:
    """Return the classes whose schedule is fixed, also if they have an input for a step count."""
    return frozenset(_data("fixed_schedulers"))


def _data(name: str) -> list[str]:
    return json.loads((Path(__file__).parent / f"{name}.json").read_text("utf-8"))


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace(" ", "_").lower()
