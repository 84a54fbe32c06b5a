"""The plan: what to run, where each number comes from, and the safe default if nothing is known."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

UNKNOWN = "unknown"
# The stock node that fits the model's class sets the shift.
ANY_NODE = "any"
STOCK_SOURCE = "stock default; no source gives a value for this model"


@dataclass(frozen=True)
class Shift:
    """How far a schedule is shifted towards noise.

    Attributes:
        value: the shift s; linear: sigma = s t / (1 + (s - 1) t); mu: the same with s = exp(mu).
        unit: `linear` or `mu`.
        node: the stock node that sets it, `class` if the model's class already has it, `any` for the one that fits.
    """

    value: float
    unit: str
    node: str


@dataclass(frozen=True)
class Split:
    """Where a second model takes over the run.

    Attributes:
        value: the share of the steps that the first model takes, or the noise level at which it stops, both 0 to 1.
        unit: `share` or `boundary`.
    """

    value: float
    unit: str


@dataclass(frozen=True)
class StepPlan:
    """Settings for a run.

    Attributes:
        variant: the variant's id in the catalogue, `unknown` if the model was not recognised.
        steps: step count.
        cfg: guidance scale in ComfyUI's convention: 1 is off.
        sampler_name: ComfyUI's name of the sampler.
        scheduler: ComfyUI's name of the scheduler.
        sources: where each number comes from, keyed by the names of the settings.
        quality: `draft`, `balanced` or `best`.
        distilled: whether the model was trained for few steps, so that more of them do not help.
        steps_min: lowest step count that a source gives, None if there is only one count.
        steps_max: likewise the highest.
        draft_steps: the step count of the draft quality, None if there is none.
        guidance: distilled guidance, as FluxGuidance sets it; None if the model has none.
        shift: recommended shift, None if nothing is recommended.
        sampling: what to set in ModelSamplingDiscrete (`lcm`, `x0`), empty if it is not needed.
        scheduler_options: numbers of the scheduler, by their names in the stock nodes: `rho` of karras
            (KarrasScheduler), `alpha` and `beta` of beta (BetaSamplingScheduler); empty for the usual ones.
        sigmas: exact noise levels, for models with a fixed schedule.
        timesteps: exact timesteps that the model was trained on.
        trained_steps: lowest and highest step count that a distilled model was trained for, None for others.
        lora_strength: recommended strength of the accelerator LoRA, as (lowest, highest).
        split: where a second model takes over, None if one runs alone.
        resolution: recommended (width, height) in pixels, None if there is none.
        clip_skip: recommended layer of the text encoder, counted from the end, None if there is none.
        warnings: what the user should know before running it, one sentence each.
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
    scheduler_options: Mapping[str, float] = field(default_factory=dict)
    sigmas: tuple[float, ...] = ()
    timesteps: tuple[int, ...] = ()
    trained_steps: tuple[int, int] | None = None
    lora_strength: tuple[float, float] | None = None
    split: Split | None = None
    resolution: tuple[int, int] | None = None
    clip_skip: int | None = None
    warnings: tuple[str, ...] = field(default=())

    @property
    def overrides(self) -> dict[str, Any]:
        """The widget values that a linked plan replaces in a sampling node, by widget name; the schedule is extra."""
        return {"cfg": self.cfg, "sampler_name": self.sampler_name, "scheduler": self.scheduler}

    def overlaid(self, fields: Mapping[str, Any], source: str, *, keep_schedule: bool = False) -> "StepPlan":
        """Return the plan with some fields changed, all from one source. A shift may be a number: the linear shift.

        Args:
            fields: new values by field name.
            source: where they come from, in words.
            keep_schedule: keep a fixed schedule for another step count, so that steps can snap back to it. Otherwise
                it is dropped.
        """
        fields = dict(fields)
        if isinstance(fields.get("shift"), int | float):
            fields["shift"] = Shift(float(fields["shift"]), "linear", ANY_NODE)
        if "sigmas" in fields:
            fields["sigmas"] = tuple(fields["sigmas"])
        dropped: dict[str, Any] = {}
        if not keep_schedule and fields.get("steps", self.steps) != self.steps and "sigmas" not in fields:
            dropped = {"sigmas": (), "timesteps": ()}
        if fields.get("scheduler", self.scheduler) != self.scheduler:
            dropped["scheduler_options"] = {}
        return replace(self, **{**dropped, **fields}, sources=self.sources | dict.fromkeys(fields, source))

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        return asdict(self)


# Used if only a name says that few steps are enough: the catalogue's commonest trained count, and no cfg.
FEW_STEPS, FEW_STEPS_CFG = 8, 1.0

# Used if nothing is known about a model: enough steps for any model that is not distilled.
SAFE_DEFAULT = StepPlan(
    variant=UNKNOWN,
    steps=25,
    cfg=8.0,
    sampler_name="euler",
    scheduler="simple",
    sources={"steps": "Sweet Spot's safe default"} | dict.fromkeys(("cfg", "sampler_name", "scheduler"), STOCK_SOURCE),
)
