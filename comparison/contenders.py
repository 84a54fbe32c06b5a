"""The contenders of a comparison: each one is a complete way to sample."""

import math
from dataclasses import dataclass
from typing import Any

from .runs import Sampling, Settings


@dataclass(frozen=True)
class Contender:
    """One complete way to sample, which a comparison runs at every step count.

    Attributes:
        sampling: its settings, with the first seed.
        plan: the engine's plan; if it has an exact schedule for a step count, that is used; None without a plan.
        trained_steps: lowest and highest step count that a distilled model was trained for; None for others.
        label: the name to show; empty to make it from the settings.
        variant: the model's variant.
        source: where the model, or the information about it, comes from.
    """

    sampling: Sampling
    plan: Any = None
    trained_steps: tuple[int, int] | None = None
    label: str = ""
    variant: str = "unknown"
    source: str = "not known"

    def settings(self, engine: str, seeds: int = 1, prompts: int = 1) -> Settings:
        """Return its settings for the report.

        Args:
            engine: the engine that runs it.
            seeds: how many seeds run.
            prompts: how many prompts run.
        """
        return Settings(
            engine=engine,
            variant=self.variant,
            source=self.source,
            sampler=self.sampling.sampler_name,
            scheduler=self.sampling.scheduler,
            cfg=None if math.isnan(self.sampling.cfg) else self.sampling.cfg,
            seed=self.sampling.seed,
            seeds=seeds,
            prompts=prompts,
            trained_steps=self.trained_steps,
            denoise=self.sampling.denoise,
            label=self.label,
        )
