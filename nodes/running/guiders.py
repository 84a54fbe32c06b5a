"""Reads from ComfyUI's guiders and their calls which guidance scale applies and which halves are computed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import torch
from comfy.model_patcher import set_model_options_post_cfg_function
from comfy.patcher_extension import WrappersMP, add_wrapper_with_key

# CFGGuider and most others have one scale; DualCFGGuider has two, and a `cfg` that it doesn't use.
_SCALES = ("cfg1", "cfg2"), ("cfg",)


@dataclass
class CallObserver:
    """Records what a model call really computes, through ComfyUI's own interfaces; changes nothing.

    Attributes:
        halves: conditional and unconditional halves computed since `begin`.
        left_out: whether one of them was skipped.
        scales: the scales with which ComfyUI's cfg function was called.
    """

    halves: int = 0
    left_out: bool = False
    scales: list[float] = field(default_factory=list)

    def begin(self) -> None:
        """Reset the counts at the start of a model call."""
        self.halves, self.left_out = 0, False
        self.scales.clear()

    def lay_on(self, options: dict[str, Any], key: str) -> None:
        """Add this observer to a run's own copy of its options."""
        add_wrapper_with_key(WrappersMP.CALC_COND_BATCH, key, self._calc_cond_batch, options, is_model_options=True)
        set_model_options_post_cfg_function(options, self._post_cfg)

    def half_skipped(self, guider: Any) -> bool:
        """Return whether the call skipped a half that the guider has conditioning for."""
        return halves_there(guider) > 1 and (self.left_out or self.halves < halves_there(guider))

    def _calc_cond_batch(self, executor: Any, model: Any, conds: list[Any], *rest: Any, **options: Any) -> Any:
        computed = sum(cond is not None for cond in conds)
        self.halves += computed
        self.left_out = self.left_out or computed < len(conds)
        return executor(model, conds, *rest, **options)

    def _post_cfg(self, args: dict[str, Any]) -> torch.Tensor:
        scale: Any = args.get("cond_scale")
        if _is_number(scale):
            self.scales.append(float(scale))
        return args["denoised"]


def scale_names(guider: Any) -> tuple[str, ...]:
    """Return the attributes that hold a guider's guidance scales; empty for an unknown kind of guider.

    Some packs store a list there, with one scale per step; these count as unknown.
    """
    return next((names for names in _SCALES if all(_is_number(getattr(guider, name, None)) for name in names)), ())


def scale_in_force(guider: Any, used: Sequence[float]) -> float | None:
    """Return the guidance scale of a model call, the first if there are several; None if it is not known.

    Args:
        guider: the guider that made the call.
        used: the scales with which ComfyUI's cfg function was called; some guiders use a different one in each step.
    """
    names = scale_names(guider)
    if len(names) < 2 and used:
        return used[0]
    return float(getattr(guider, names[0])) if names else None


def halves_there(guider: Any) -> int:
    """Return how many halves (positive, negative, ...) the guider has conditioning for."""
    return sum(1 for cond in getattr(guider, "conds", {}).values() if cond)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float)
