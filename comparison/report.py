"""The report of a comparison: what ran, how long it took, how alike the images are, and the verdict.

`report.schema.json` beside this file describes the JSON form.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .runs import Series
from .verdict.judge import Judgement, judge, own_of
from .verdict.rivals import rank

# Raised where a field changes its meaning or goes; new fields may come without.
VERSION = 1

_MEANS = {"ssim": 6, "ms_ssim": 6, "delta_e": 4, "semantic": 6, "sharpness": 3, "contrast": 3, "noise": 3}


@dataclass(frozen=True)
class Price:
    """What sampling costs.

    Attributes:
        amount: in any currency or credits; 0 is none.
        unit: `per hour` of sampling, or `per step`.
    """

    amount: float = 0.0
    unit: str = "per hour"

    def of(self, steps: int, seconds: float) -> float | None:
        """Return what a sampling of one batch costs, None where no price is given."""
        if not self.amount:
            return None
        return self.amount * (steps if self.unit == "per step" else seconds / 3600)


@dataclass(frozen=True)
class Report:
    """The measured comparison; `to_dict` gives the form that the schema describes.

    Attributes:
        judgements: one for each series; the first one's sweet spot is the comparison's.
        price: what sampling costs.
        notes: what people have to know of how it ran.
    """

    judgements: tuple[Judgement, ...]
    price: Price = Price()
    notes: tuple[str, ...] = ()

    @property
    def first(self) -> Judgement:
        """The judgement of the comparison's own settings."""
        return self.judgements[0]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data for JSON."""
        common = self.first.settings
        return {
            "version": VERSION,
            "engine": common.engine,
            "model": {"variant": common.variant, "source": common.source},
            "seed": common.seed,
            "seeds": common.seeds,
            "images": len(self.first.own),
            **_series(self.first, self.price),
            "others": [_series(other, self.price) for other in self.judgements[1:]],
            "across": rank(self.judgements),
            "price": {"amount": self.price.amount, "unit": self.price.unit} if self.price.amount else None,
            "notes": list(self.notes),
        }


def build_report(series: Sequence[Series], price: Price | None = None, notes: Sequence[str] = ()) -> Report:
    """Measure all series and name their sweet spots.

    Raises:
        ValueError: if there is no series, one has no run, or images differ in shape.
    """
    if not series:
        raise ValueError("series: expected at least one, got none")
    return Report(tuple(judge(one) for one in series), price or Price(), tuple(notes))


def _series(judgement: Judgement, price: Price) -> dict[str, Any]:
    settings = judgement.settings
    own = sorted(steps for steps in judgement.own if steps is not None)
    middle = len(judgement.own) // 2
    return {
        "name": settings.name,
        "sampler": settings.sampler,
        "scheduler": settings.scheduler,
        "cfg": settings.cfg,
        "denoise": settings.denoise,
        "trained_steps": list(settings.trained_steps) if settings.trained_steps else None,
        "reference": judgement.reference,
        "runs": [_row(judgement, place, price) for place in range(len(judgement.runs))],
        "sweet_spot": asdict(judgement.sweet_spot),
        "spread": {
            "least": own[0] if own else None,
            # An image without a sweet spot needs more than all others.
            "median": own[middle] if middle < len(own) else None,
            "most": own[-1] if own else None,
            "without": len(judgement.own) - len(own),
        },
        "convergence": judgement.convergence,
        "knee": judgement.knee,
        "settled_from": judgement.settled_from,
    }


def _row(judgement: Judgement, place: int, price: Price) -> dict[str, Any]:
    """Return a run's entry: means over its images, but for what the verdict goes by and the worst tile.

    An infinite PSNR (all images equal) is reported as None, as JSON has no infinity.
    """
    run, images = judgement.runs[place], judgement.measured[place]
    cost = price.of(run.steps, run.seconds)
    # The mean is one of errors: an equal image has an infinite PSNR.
    error = float(np.mean([10 ** (-image.psnr / 10) for image in images]))
    means = {name: [getattr(image, name) for image in images] for name in _MEANS}
    return {
        "steps": run.steps,
        "model_calls": run.model_calls,
        "seconds": round(run.seconds, 4),
        "seconds_per_step": round(run.seconds / run.steps, 5),
        "cost": None if cost is None else round(cost, 8),
        "similarity": round(judgement.similarity[place], 6),
        "enough_for": own_of(judgement, place),
        "psnr": round(-10 * math.log10(error), 3) if error else None,
        "worst_tile": round(min(image.worst_tile for image in images), 6),
        **{
            name: None if None in values else round(float(np.mean(values)), _MEANS[name])
            for name, values in means.items()
        },
        "reused": run.reused,
        "together": run.together,
    }
