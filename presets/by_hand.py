"""A plan made by hand, or changes to a plan: what the values of Step Plan mean."""

from dataclasses import replace
from typing import Any

from .plan import SAFE_DEFAULT, StepPlan

# The choice that keeps the plan's own name.
KEEP = "from plan"
CHANGES = ("steps", "cfg", "sampler_name", "scheduler")

_SOURCE = "set by hand"
_BLANK = replace(SAFE_DEFAULT, variant="by hand")


def changed_by_hand(
    base: StepPlan | None,
    steps: int = 0,
    cfg: float = -1.0,
    sampler_name: str = KEEP,
    scheduler: str = KEEP,
    levels: tuple[float, ...] = (),
) -> StepPlan:
    """Return a plan with changes made by hand.

    A fixed schedule for another step count stays in the plan, so that a sampler can snap back to it.

    Args:
        base: the plan to change; None starts from the safe default.
        steps: step count; 0 keeps the plan's.
        cfg: guidance scale, 1 is off; below 0 keeps the plan's.
        sampler_name: ComfyUI's name; `from plan` keeps the plan's.
        scheduler: likewise.
        levels: an exact schedule of falling noise levels, which also sets the step count; empty for none.
    """
    changes: dict[str, Any] = {"steps": steps} if steps else {}
    changes |= {"cfg": cfg} if cfg >= 0 else {}
    changes |= {"sampler_name": sampler_name} if sampler_name != KEEP else {}
    changes |= {"scheduler": scheduler} if scheduler != KEEP else {}
    changes |= {"steps": len(levels) - 1, "sigmas": levels, "timesteps": ()} if levels else {}
    return (base or _BLANK).overlaid(changes, _SOURCE, keep_schedule=True)
