"""The report of a comparison: what ran, how long it took, how alike the images are, and the verdict.

`report.schema.json` beside this file describes the JSON form.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..samplers.convergence import can_extrapolate, choose_triple, estimate_convergence, reference_similarity
from ..samplers.sweet_spot import SweetSpot, find_sweet_spot
from .colour import delta_e
from .measures import Image, psnr, similarity, ssim, worst_tile


@dataclass(frozen=True)
class Settings:
    """What all runs of a comparison have in common.

    Attributes:
        engine: what ran it: `comfyui` or `diffusers`.
        variant: the model's variant, or `unknown`.
        source: where the model or the knowledge of its variant comes from.
        sampler: ComfyUI's sampler name.
        scheduler: ComfyUI's scheduler name.
        cfg: guidance scale in ComfyUI's convention, 1 is off.
        seed: seed of the starting noise.
    """

    engine: str
    variant: str
    source: str
    sampler: str
    scheduler: str
    cfg: float
    seed: int


@dataclass(frozen=True)
class Run:
    """One step count of a comparison.

    Attributes:
        steps: the step count.
        model_calls: evaluations of the denoiser.
        seconds: sampling time, warm, without model loading and decoding.
        images: decoded batch in [0, 1], shape (batch, height, width, channels).
        reused: whether it was computed by an earlier comparison.
    """

    steps: int
    model_calls: int
    seconds: float
    images: Image
    reused: bool = False


@dataclass(frozen=True)
class Report:
    """The measured comparison; `to_dict` gives the form that the schema describes."""

    settings: Settings
    reference: int
    runs: tuple[dict[str, Any], ...]
    sweet_spot: SweetSpot
    convergence: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data for JSON."""
        common = self.settings
        return {
            "engine": common.engine,
            "model": {"variant": common.variant, "source": common.source},
            "sampler": common.sampler,
            "scheduler": common.scheduler,
            "cfg": common.cfg,
            "seed": common.seed,
            "reference": self.reference,
            "runs": list(self.runs),
            "sweet_spot": asdict(self.sweet_spot),
            "convergence": self.convergence,
        }


def build_report(runs: Sequence[Run], settings: Settings) -> Report:
    """Measure every run's images against those of the largest step count and name the sweet spot.

    Measures are means over the batch, but for the worst tile, which is the batch's worst. An infinite PSNR (equal
    images) is reported as None, as JSON has no infinity.

    Raises:
        ValueError: if there is no run, or images differ in shape.
    """
    if not runs:
        raise ValueError("runs: expected at least one, got none")
    ordered = sorted(runs, key=lambda run: run.steps)
    reference = ordered[-1]
    rows = []
    for run in ordered:
        pairs = list(zip(run.images, reference.images, strict=True))
        decibels = float(np.mean([psnr(image, other) for image, other in pairs]))
        likeness = float(np.mean([ssim(image, other) for image, other in pairs]))
        tile = min(worst_tile(image, other) for image, other in pairs)
        rows.append(
            {
                "steps": run.steps,
                "model_calls": run.model_calls,
                "seconds": round(run.seconds, 4),
                "similarity": round(similarity(likeness, tile), 6),
                "ssim": round(likeness, 6),
                "psnr": round(decibels, 3) if math.isfinite(decibels) else None,
                "worst_tile": round(tile, 6),
                "delta_e": round(float(np.mean([delta_e(image, other) for image, other in pairs])), 4),
                "reused": run.reused,
            }
        )
    alike = {row["steps"]: row["similarity"] for row in rows}
    convergence = _convergence(ordered, alike, settings.sampler)
    verdict = find_sweet_spot(
        list(alike),
        list(alike.values()),
        settings.sampler,
        reference_similarity=convergence["reference_similarity"] if convergence else None,
    )
    return Report(settings, reference.steps, tuple(rows), verdict, convergence)


def _convergence(runs: Sequence[Run], alike: dict[int, float], sampler_name: str) -> dict[str, Any] | None:
    """Return what three of the runs tell of the reference, None where they cannot tell."""
    triple = choose_triple([run.steps for run in runs])
    if triple is None or not can_extrapolate(sampler_name):
        return None
    images = {run.steps: run.images.astype(np.float64) for run in runs if run.steps in triple}
    coarse, fine = (float(np.sqrt(np.mean((images[a] - images[b]) ** 2))) for a, b in pairwise(triple))
    found = estimate_convergence(triple, coarse, fine)
    return {
        "steps": list(triple),
        "order": round(found.order, 3),
        "reference_similarity": round(reference_similarity(found, fine, alike[triple[1]]), 6),
    }
