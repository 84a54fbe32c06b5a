"""A guidance window inside ComfyUI: outside it the scale is 1, and ComfyUI leaves the unconditional half out.

It is laid on a MODEL or a guider by ComfyUI's PREDICT_NOISE wrapper, so that it holds for every sampler.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from comfy.model_patcher import create_model_options_clone, set_model_options_post_cfg_function
from comfy.patcher_extension import WrappersMP, add_wrapper_with_key, get_wrappers_with_key

from ..samplers.device_numbers import DeviceNumber
from ..samplers.guidance_window import GuidanceWindow, in_force, similarity
from .guiders import scale_names

_KEY = "sweetspot_guidance"


class GuidanceSaver:
    """Leaves guidance out of the model calls that do not need it.

    Args:
        window: where guidance is in force.
        agreed: the similarity of both halves from which on guidance is dropped for the rest of the run; None keeps it.
        told: what people are told of the window: its name and source.
    """

    def __init__(self, window: GuidanceWindow, agreed: float | None = None, told: str = "") -> None:
        self._window, self._agreed, self.told = window, agreed, told
        self._levels = (0.0, 0.0)
        self._similarity: DeviceNumber | None = None
        self._dropped = False
        self.notes: list[str] = []

    def options(self, model_options: dict[str, Any]) -> dict[str, Any]:
        """Return a copy of a model's or guider's options with the window laid on."""
        options = create_model_options_clone(model_options)
        add_wrapper_with_key(WrappersMP.SAMPLER_SAMPLE, _KEY, self._sampler_sample, options, is_model_options=True)
        add_wrapper_with_key(WrappersMP.PREDICT_NOISE, _KEY, self._predict_noise, options, is_model_options=True)
        if self._agreed is not None:
            set_model_options_post_cfg_function(options, self._compare_halves)
        return options

    def on_model(self, model: Any) -> Any:
        """Return a clone of a MODEL with the window laid on."""
        patched = model.clone()
        patched.model_options = self.options(patched.model_options)
        return patched

    def _sampler_sample(self, executor: Any, guider: Any, sigmas: torch.Tensor, *rest: Any) -> Any:
        """Start anew: one guider may serve many runs."""
        self._similarity, self._dropped = None, False
        self._levels = self._window.levels(sigmas.tolist())
        self.notes[:] = [f"guidance window: {self.told}."] if self.told else []
        scales = [float(getattr(guider, name)) for name in scale_names(guider)]
        if not scales:
            self._note(f"{type(guider).__name__} keeps no guidance scale that could be set to 1")
        elif all(scale == 1 for scale in scales):
            self._note("cfg is 1 already, as for models with distilled guidance; there is no second half to leave out")
        return executor(guider, sigmas, *rest)

    def _predict_noise(
        self, executor: Any, x: torch.Tensor, timestep: torch.Tensor, model_options: dict[str, Any], *rest: Any
    ) -> Any:
        guider = executor.class_obj
        if self._needs_guidance(float(timestep.flatten()[0])) or self._cannot_save(guider, model_options):
            return executor(x, timestep, model_options, *rest)
        with _scale_of_one(guider):
            return executor(x, timestep, model_options, *rest)

    def _needs_guidance(self, sigma: float) -> bool:
        if self._similarity is not None and self._agreed is not None and not self._dropped:
            self._dropped = self._similarity.read() >= self._agreed
        return in_force(sigma, self._levels) and not self._dropped

    def _cannot_save(self, guider: Any, model_options: dict[str, Any]) -> bool:
        if model_options.get("disable_cfg1_optimization", False):
            self._note("this sampler, or a node on the model, needs both halves in every call (as cfg_pp samplers do)")
            return True
        return not scale_names(guider)

    def _compare_halves(self, args: dict[str, Any]) -> torch.Tensor:
        if not self._dropped and args.get("uncond") is not None and args["cond_scale"] != 1:
            self._similarity = DeviceNumber(similarity(args["input"], args["cond_denoised"], args["uncond_denoised"]))
        return args["denoised"]

    def _note(self, why: str) -> None:
        note = f"guidance window: nothing is saved, as {why}."
        if note not in self.notes:
            self.notes.append(note)
            logging.getLogger(__name__).warning(note)


@contextmanager
def _scale_of_one(guider: Any) -> Iterator[None]:
    before = {name: getattr(guider, name) for name in scale_names(guider)}
    for name in before:
        setattr(guider, name, 1.0)
    try:
        yield
    finally:
        for name, scale in before.items():
            setattr(guider, name, scale)


def saver_notes(model_options: dict[str, Any]) -> list[str]:
    """Return what the guidance windows that are laid on a run's options have to tell of it."""
    wrappers = get_wrappers_with_key(WrappersMP.PREDICT_NOISE, _KEY, model_options, is_model_options=True)
    return [note for wrapper in wrappers for note in wrapper.__self__.notes]
