"""What a Contender node asks for: settings that replace those of the comparison node."""

from dataclasses import dataclass
from typing import Any

from ...presets.plan import StepPlan


@dataclass(frozen=True)
class Changes:
    """Settings that replace those of the comparison node; what is None stays as it is there.

    Attributes:
        model: ModelPatcher.
        plan: its cfg, sampler, scheduler and trained schedule.
        known_plan: what is known of the model: `plan`, or what was recognised; None if neither was given.
        sampler_name: ComfyUI's name of the sampler.
        scheduler: ComfyUI's name of the scheduler.
        cfg: guidance scale, 1 is off.
        label: the name to show; empty to make one.
        file: name of the model's file, with its LoRAs; empty if it is not known.
    """

    model: Any = None
    plan: StepPlan | None = None
    known_plan: StepPlan | None = None
    sampler_name: str | None = None
    scheduler: str | None = None
    cfg: float | None = None
    label: str = ""
    file: str = ""

    def __repr__(self) -> str:
        """Return a short text, because ComfyUI shows inputs in error messages."""
        return f"contender {self.label}".strip()
