"""The plan: what to run, and where each number comes from."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class StepPlan:
    """Settings for a run.

    Attributes:
        variant: the catalogue's name of the model variant, `unknown` where it was not recognised.
        steps: step count.
        cfg: guidance scale in ComfyUI's convention: 1 is off.
        sampler_name: ComfyUI's name of the sampler.
        scheduler: ComfyUI's name of the scheduler.
        sources: where each number comes from, keyed by the names above.
    """

    variant: str
    steps: int
    cfg: float
    sampler_name: str
    scheduler: str
    sources: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        return asdict(self)
