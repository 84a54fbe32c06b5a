"""What ComfyUI's guiders and their calls tell of guidance: the scale in force, and the halves that are computed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import torch
from comfy.model_patcher import set_model_options_post_cfg_function
from comfy.patcher_extension import WrappersMP, add_wrapper_with_key

# CFGGuider and most others keep one scale; DualCFGGuider keeps two, and a `cfg` that it does not read.
_SCALES = ("cfg1", "cfg2"), ("cfg",)


@dataclass
class CallObserver:
    """Sees what a model call is really asked to compute, by ComfyUI's own interfaces; changes nothing.

    Attributes:
        halves: conditional and unconditional halves computed since `begin`.
        left_out: whether one of them was left out.
        scales: scales that ComfyUI's cfg function was called with.
    """

    halves: int = 0
    left_out: bool = False
    scales: list[float] = field(default_factory=list)

    def begin(self) -> None:
        """Begin a model call."""
        self.halves, self.left_out = 0, False
        self.scales.clear()

    def lay_on(self, options: dict[str, Any], key: str) -> None:
        """Let a run's own copy of its options report here."""
        add_wrapper_with_key(WrappersMP.CALC_COND_BATCH, key, self._calc_cond_batch, options, is_model_options=True)
        set_model_options_post_cfg_function(options, self._post_cfg)

    def half_skipped(self, guider: Any) -> bool:
        """Return whether a half that the guider has conditioning for was left out of the call."""
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
    """Return the attributes in which a guider keeps its guidance scales, none for one of an unknown kind.

    Some packs keep a list there, one scale a step: that is of an unknown kind.
    """
    return next((names for names in _SCALES if all(_is_number(getattr(guider, name, None)) for name in names)), ())


def scale_in_force(guider: Any, used: Sequence[float]) -> float | None:
    """Return the guidance scale of a model call, the first of several; None where nothing tells it.

    Args:
        guider: the guider that made the call.
        used: scales that ComfyUI's cfg function was called with meanwhile; some guiders have one for each step there.
    """
    names = scale_names(guider)
    if len(names) < 2 and used:
        return used[0]
    return float(getattr(guider, names[0])) if names else None


def halves_there(guider: Any) -> int:
    """Return for how many halves (positive, negative, ...) the guider has conditioning."""
    return sum(1 for cond in getattr(guider, "conds", {}).values() if cond)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float)
