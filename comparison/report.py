"""The report of a comparison: what ran, how long it took, how similar the images are, and the verdict.

`report.schema.json` beside this file describes the JSON form.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..words import Message, codes_of
from .verdict.cheapest import Cheapest, Setup, find_cheapest
from .verdict.estimate import Estimate
from .verdict.headline import headline, next_count
from .verdict.judgement import MEANS, JudgedRun, Judgement
from .verdict.measuring import Measuring
from .verdict.rivals import Ranking, rank
from .verdict.second_opinion import Check
from .verdict.sweet_spot import SweetSpot

# Increased when a field changes its meaning or is removed, but not when one is added.
VERSION = 2


@dataclass(frozen=True)
class Price:
    """What sampling costs.

    Attributes:
        amount: in any currency or credits; 0 means no price.
        unit: `per hour` of sampling, or `per step`.
    """

    amount: float = 0.0
    unit: str = "per hour"

    def of(self, steps: int, seconds: float) -> float | None:
        """Return the cost of sampling one batch; None without a price."""
        if not self.amount:
            return None
        return self.amount * (steps if self.unit == "per step" else seconds / 3600)


@dataclass(frozen=True)
class Report:
    """The measured and judged comparison. `to_dict` returns the form that the schema describes; it computes nothing.

    Attributes:
        judgements: one for each series; the first one's sweet spot is the comparison's.
        price: what sampling costs.
        notes: what the user should know about how it ran, one sentence each.
        ranking: the series ranked against each other; None if there is only one.
        cheapest: the cheapest setup that looks like the first series' reference; None if there is only one series.
    """

    judgements: tuple[Judgement, ...]
    price: Price = Price()
    notes: tuple[str, ...] = ()
    ranking: Ranking | None = None
    cheapest: Cheapest | None = None

    def __repr__(self) -> str:
        """Return a short text: this holds all images, and ComfyUI shows inputs in error messages."""
        return f"a comparison of {', '.join(judgement.settings.name for judgement in self.judgements)}"

    @property
    def first(self) -> Judgement:
        """The judgement of the comparison's own settings."""
        return self.judgements[0]

    @property
    def headline(self) -> Message:
        """The comparison's verdict in one or two everyday sentences."""
        cheapest = self.cheapest.headline if self.cheapest else None
        return cheapest or headline(self.first)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data for JSON."""
        common = self.first.settings
        return {
            "version": VERSION,
            "engine": common.engine,
            "seed": common.seed,
            "seeds": common.seeds,
            "prompts": common.prompts,
            "images": len(self.first.own),
            "visible": asdict(common.visible),
            **_series(self.first, self.price),
            "others": [_series(judgement, self.price) for judgement in self.judgements[1:]],
            "across": _across(self.ranking) if self.ranking else None,
            "cheapest": _cheapest(self.cheapest) if self.cheapest else None,
            "price": {"amount": self.price.amount, "unit": self.price.unit} if self.price.amount else None,
            "notes": list(self.notes),
        }


def make_report(
    judgements: Sequence[Judgement],
    price: Price | None = None,
    notes: Sequence[str] = (),
    measuring: Measuring | None = None,
) -> Report:
    """Rank judged series against each other and return the report.

    Args:
        judgements: one for each series.
        price: what sampling costs; None means no price.
        notes: what the user should know about how it ran.
        measuring: measures the images, and keeps earlier measurements.

    Raises:
        ValueError: if there is no series.
    """
    if not judgements:
        raise ValueError("series: expected at least one, got none")
    measuring = measuring or Measuring()
    ranking, cheapest = rank(judgements, measuring), find_cheapest(judgements, measuring)
    return Report(tuple(judgements), price or Price(), tuple(notes), ranking, cheapest)


def _series(judgement: Judgement, price: Price) -> dict[str, Any]:
    settings = judgement.settings
    own = sorted(steps for steps in judgement.own if steps is not None)
    middle = len(judgement.own) // 2
    return {
        "name": settings.name,
        "model": {"variant": settings.variant, "source": settings.source},
        "sampler": settings.sampler,
        "scheduler": settings.scheduler,
        "cfg": settings.cfg,
        "denoise": settings.denoise,
        "trained_steps": list(settings.trained_steps) if settings.trained_steps else None,
        "reference": judgement.reference,
        "runs": [_row(judged, price) for judged in judgement.runs],
        "sweet_spot": _sweet_spot(judgement.sweet_spot),
        "headline": headline(judgement).to_dict(),
        "next_count": next_count(judgement),
        "spread": {
            "least": own[0] if own else None,
            # An image without a sweet spot counts as needing more steps than all others.
            "median": own[middle] if middle < len(own) else None,
            "most": own[-1] if own else None,
            "without": len(judgement.own) - len(own),
        },
        "convergence": _convergence(judgement.convergence) if judgement.convergence else None,
        "check": _check(judgement.check, price) if judgement.check else None,
        "better": asdict(judgement.better) if judgement.better else None,
        "knee": judgement.knee,
        "settled_from": judgement.settled_from,
    }


def _sweet_spot(spot: SweetSpot) -> dict[str, Any]:
    """Return a verdict's entry. Its texts are English; their codes stay the same if the words change."""
    return asdict(spot) | {"codes": [*codes_of(spot.reason), *codes_of(spot.advice)]}


def _row(judged: JudgedRun, price: Price) -> dict[str, Any]:
    """Return a run's entry. An infinite PSNR (all images equal) is None, because JSON has no infinity."""
    run = judged.run
    seconds = None if run.timing == "unknown" else run.seconds
    cost = None if seconds is None else price.of(run.steps, seconds)
    means = {name: _rounded(value, MEANS[name]) for name, value in judged.means.items()}
    return {
        "steps": run.steps,
        "model_calls": run.model_calls if run.counted else None,
        "seconds": _rounded(seconds, 4),
        "seconds_per_step": _rounded(seconds and seconds / run.steps, 5),
        "timing": run.timing,
        "cost": _rounded(cost, 8),
        "similarity": round(judged.similarity, 6),
        "check_similarity": _rounded(judged.check_similarity, 6),
        "enough_for": judged.enough_for,
        "psnr": _rounded(judged.psnr, 3),
        "worst_tile": round(judged.worst_tile, 6),
        **means,
        "reused": run.reused,
        "together": run.together,
    }


def _check(check: Check, price: Price) -> dict[str, Any]:
    row = asdict(check) | {
        "seconds": round(check.seconds, 4),
        "cost": _rounded(price.of(check.model_calls, check.seconds), 8),
        "similarity": round(check.similarity, 6),
    }
    return {name: value for name, value in row.items() if name not in ("is_far", "agrees_well")}


def _convergence(estimate: Estimate) -> dict[str, Any]:
    return {
        "steps": list(estimate.steps),
        "order": _rounded(estimate.order, 3),
        "reference_similarity": round(estimate.reference_similarity, 6),
        "enough_at": estimate.enough_at,
    }


def _across(ranking: Ranking) -> dict[str, Any]:
    return {
        "end": {"name": ranking.end[0], "steps": ranking.end[1]} if ranking.end else None,
        "runs": [
            asdict(run) | {"seconds": round(run.seconds, 4), "similarity": round(run.similarity, 6)}
            for run in ranking.runs
        ],
        "nearest": [
            {"steps": run.steps, "name": run.name, "similarity": round(run.similarity, 6)} for run in ranking.nearest
        ],
        "left_out": dict(ranking.left_out),
    }


def _cheapest(cheapest: Cheapest) -> dict[str, Any]:
    return {
        "reference": _setup(cheapest.reference),
        "best": _setup(cheapest.best) if cheapest.best else None,
        "why_not": cheapest.why_not,
        "setups": [_setup(setup) | {"on_front": setup.on_front} for setup in cheapest.setups],
    }


def _setup(setup: Setup) -> dict[str, Any]:
    return {
        "name": setup.name,
        "steps": setup.steps,
        "seconds": _rounded(setup.seconds, 4),
        "model_calls": setup.model_calls,
        "similarity": round(setup.similarity, 6),
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
