"""A guidance window inside ComfyUI: outside it, the scale is 1 and ComfyUI skips the unconditional half.

It is added to a MODEL or a guider through ComfyUI's wrappers, so that it works with every sampler. If a scale of 1
saves nothing (because the sampler or guider needs every half), the window is not used and the trace says so.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from comfy.model_patcher import create_model_options_clone, set_model_options_post_cfg_function
from comfy.patcher_extension import WrappersMP, add_wrapper_with_key, get_wrappers_with_key

from ...samplers.device_numbers import DeviceNumber
from ...samplers.guidance_window import EVERYWHERE, GuidanceWindow, in_force, similarity
from .guiders import CallObserver, scale_names

_KEY = "sweetspot_guidance"


class GuidanceSaver:
    """Skips guidance in the model calls that do not need it.

    Args:
        window: where guidance applies.
        agreed: the similarity of both halves at which guidance is dropped for the rest of the run; None never drops it.
        description: how messages describe the window: its name and source.
        schedule: the whole schedule that the window's fractions refer to; each run's own schedule if None.
    """

    def __init__(
        self,
        window: GuidanceWindow,
        agreed: float | None = None,
        description: str = "",
        schedule: Sequence[float] | None = None,
    ) -> None:
        self.window, self.agreed, self.description = window, agreed, description
        self.notes: list[str] = []
        self._schedule = schedule
        self._levels: tuple[float, float] | None = None
        self._similarity: DeviceNumber | None = None
        self._dropped = self._useless = False
        self.unguided = False
        self._observer = CallObserver()

    def of_whole(self, schedule: Sequence[float]) -> "GuidanceSaver":
        """Return the same window with its fractions taken of a whole schedule, even if only part of it runs."""
        return GuidanceSaver(self.window, self.agreed, self.description, schedule)

    def options(self, model_options: dict[str, Any]) -> dict[str, Any]:
        """Return a copy of a model's or guider's options with the window added."""
        options = create_model_options_clone(model_options)
        add_wrapper_with_key(WrappersMP.SAMPLER_SAMPLE, _KEY, self._sampler_sample, options, is_model_options=True)
        add_wrapper_with_key(WrappersMP.PREDICT_NOISE, _KEY, self._predict_noise, options, is_model_options=True)
        self._observer.lay_on(options, _KEY)
        if self.agreed is not None:
            set_model_options_post_cfg_function(options, self._compare_halves)
        return options

    def on_model(self, model: Any) -> Any:
        """Return a clone of a MODEL with the window added."""
        patched = model.clone()
        patched.model_options = self.options(patched.model_options)
        return patched

    def guided_steps(self, schedule: Sequence[float]) -> list[bool]:
        """Return for each step of a run's schedule whether guidance applies at its start."""
        levels = self.window.levels(self._schedule or schedule)
        return [in_force(sigma, levels) for sigma in schedule[:-1]]

    def _sampler_sample(self, executor: Any, guider: Any, sigmas: torch.Tensor, *rest: Any, **options: Any) -> Any:
        self._begin(guider, sigmas)
        try:
            return executor(guider, sigmas, *rest, **options)
        finally:
            self._levels = None

    def _begin(self, guider: Any, sigmas: torch.Tensor) -> None:
        """Reset the state, because one guider may serve many runs."""
        self._similarity, self._dropped, self._useless = None, False, False
        self._levels = self.window.levels(self._schedule or sigmas.tolist())
        guided = self.guided_steps(sigmas.tolist())
        until = (
            f"in {sum(guided) or 'none'} of {len(guided)} steps" if self.agreed is None else "until both halves agree"
        )
        self.notes[:] = [f"guidance window: {self.description}; cfg applies {until}."]
        scales = [float(getattr(guider, name)) for name in scale_names(guider)]
        if not scales:
            self._give_up(f"{type(guider).__name__} has no guidance scale that can be set to 1")
        elif all(scale == 1 for scale in scales):
            self._give_up("cfg is already 1, e.g. with distilled guidance, so there is no second half to skip")
        elif self.agreed is not None and len(scales) > 1:
            self._give_up(f"{type(guider).__name__} has several scales, so agreement of its halves can't be measured")

    def _predict_noise(
        self, executor: Any, x: torch.Tensor, timestep: torch.Tensor, model_options: dict[str, Any], *rest: Any
    ) -> Any:
        guider = executor.class_obj
        if self._levels is None:
            # This guider calls its sampler without ComfyUI's wrapper; every call carries the schedule too.
            self._begin(guider, model_options["transformer_options"]["sample_sigmas"])
        if model_options.get("disable_cfg1_optimization", False):
            self._give_up("this sampler, or a node on the model, needs both halves in every call, like cfg_pp")
        self.unguided = False
        if self._useless or self._needs_guidance(timestep):
            return executor(x, timestep, model_options, *rest)
        self._observer.begin()
        with _scale_of_one(guider):
            prediction = executor(x, timestep, model_options, *rest)
        if self._observer.half_skipped(guider) or self._observer.halves == 0:
            self.unguided = True
            return prediction
        self._give_up(f"{type(guider).__name__} computes every half even at a scale of 1")
        return executor(x, timestep, model_options, *rest)

    def _needs_guidance(self, timestep: torch.Tensor) -> bool:
        if self._similarity is not None and self.agreed is not None and not self._dropped:
            self._dropped = self._similarity.read() >= self.agreed
        if self._dropped:
            return False
        # Reading a level waits for the device, so a window that covers every step skips it.
        return self._levels == EVERYWHERE or in_force(float(timestep.flatten()[0]), self._levels or EVERYWHERE)

    def _compare_halves(self, args: dict[str, Any]) -> torch.Tensor:
        if not self._dropped and args.get("uncond") is not None and args.get("cond_scale", 1) != 1:
            self._similarity = DeviceNumber(similarity(args["cond_denoised"], args["uncond_denoised"]))
        return args["denoised"]

    def _give_up(self, why: str) -> None:
        self._useless = True
        note = f"guidance window: saves nothing, because {why}."
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


def savers_on(model_options: dict[str, Any]) -> list[GuidanceSaver]:
    """Return the guidance windows in a run's options."""
    wrappers = get_wrappers_with_key(WrappersMP.PREDICT_NOISE, _KEY, model_options, is_model_options=True)
    return [wrapper.__self__ for wrapper in wrappers]
