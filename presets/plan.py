"""The plan: what to run, where each number comes from, and what is run when nothing is known."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

UNKNOWN = "unknown"
STOCK_SOURCE = "stock default; no source names it for this model"


@dataclass(frozen=True)
class Shift:
    """How far a schedule is moved towards noise.

    Attributes:
        value: the shift; linear: sigma = s t / (1 + (s - 1) t); mu: the same with s = exp(mu).
        unit: `linear` or `mu`.
        node: the stock node that sets it, `class` where the model's class has it from the start.
    """

    value: float
    unit: str
    node: str


@dataclass(frozen=True)
class StepPlan:
    """Settings for a run.

    Attributes:
        variant: the catalogue's name of the model variant, `unknown` where it was not recognised.
        steps: step count.
        cfg: guidance scale in ComfyUI's convention: 1 is off.
        sampler_name: ComfyUI's name of the sampler.
        scheduler: ComfyUI's name of the scheduler.
        sources: where each number comes from, keyed by the names of the settings.
        quality: `draft`, `balanced` or `best`.
        distilled: whether the model was trained for few steps, so that more of them do not help.
        steps_min: lowest step count that a source names, None where there is one count only.
        steps_max: likewise the highest.
        draft_steps: the step count of the draft quality, None where there is none.
        guidance: distilled guidance, as FluxGuidance sets it; None where the model has none.
        shift: recommended shift, None where nothing is recommended.
        sampling: what ModelSamplingDiscrete has to be set to (`lcm`, `x0`), empty where it is not needed.
        sigmas: exact noise levels, for models with a fixed schedule.
        timesteps: exact timesteps that the model was trained on.
        trained_steps: lowest and highest step count that a distilled model was trained for, None for others.
        lora_strength: strength of the accelerator LoRA that belongs to the recipe, as (lowest, highest).
        warnings: where step counts bite, for people.
    """

    variant: str
    steps: int
    cfg: float
    sampler_name: str
    scheduler: str
    sources: dict[str, str]
    quality: str = "balanced"
    distilled: bool = False
    steps_min: int | None = None
    steps_max: int | None = None
    draft_steps: int | None = None
    guidance: float | None = None
    shift: Shift | None = None
    sampling: str = ""
    sigmas: tuple[float, ...] = ()
    timesteps: tuple[int, ...] = ()
    trained_steps: tuple[int, int] | None = None
    lora_strength: tuple[float, float] | None = None
    warnings: tuple[str, ...] = field(default=())

    @property
    def overrides(self) -> dict[str, Any]:
        """What a linked plan sets in place of a sampling node's own widgets, by their names, besides the schedule."""
        return {"cfg": self.cfg, "sampler_name": self.sampler_name, "scheduler": self.scheduler}

    def overlaid(self, fields: Mapping[str, Any], source: str, *, keep_schedule: bool = False) -> "StepPlan":
        """Return the plan with some fields changed, all of them with one source.

        Args:
            fields: new values by field name.
            source: where they come from, in words.
            keep_schedule: keep a fixed schedule of another step count, so that steps can snap back to it. Otherwise
                it is dropped.
        """
        dropped: dict[str, Any] = {}
        if not keep_schedule and fields.get("steps", self.steps) != self.steps and "sigmas" not in fields:
            dropped = {"sigmas": (), "timesteps": ()}
        return replace(self, **{**dropped, **fields}, sources=self.sources | dict.fromkeys(fields, source))

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        return asdict(self)


# What is run when nothing is known of a model: enough steps for any that is not distilled.
SAFE_DEFAULT = StepPlan(
    variant=UNKNOWN,
    steps=25,
    cfg=8.0,
    sampler_name="euler",
    scheduler="simple",
    sources={"steps": "Sweet Spot's safe default"} | dict.fromkeys(("cfg", "sampler_name", "scheduler"), STOCK_SOURCE),
)
