"""Several series of one comparison against each other: which sampler comes nearest to the end with the same steps."""

from collections.abc import Sequence
from typing import Any

from ...samplers.stochastic import DETERMINISTIC, injects_noise
from ..measures.levels import to_floats
from ..measures.structure import structure
from .judge import Judgement, pooled
from .sweet_spot import VISIBLE_SSIM


def rank(judgements: Sequence[Judgement]) -> dict[str, Any] | None:
    """Return how near each series' runs come to one common end, None where there is one series alone.

    Samplers without noise of their own solve the same equation where model, guidance, seed and starting level are the
    same: they have one end, and the run that is by its own estimate nearest to it stands for it, if that has converged.
    Others are not ranked: their images differ on purpose.

    Returns:
        The end's series and steps, the similarity to it of every ranked run, the nearest one at each step count that
        several have, and why the others were left out.
    """
    if len(judgements) < 2:
        return None
    own = {one.settings.name: _why_no_end(one) for one in judgements}
    first = next((one for one in judgements if not own[one.settings.name]), None)
    left_out = {
        one.settings.name: why
        for one in judgements
        if (why := own[one.settings.name] or (_why_another(one, first) if first else ""))
    }
    ranked = [one for one in judgements if one.settings.name not in left_out]
    converged = [one for one in ranked if _trust(one) >= VISIBLE_SSIM]
    if len(ranked) < 2 or not converged:
        return {"end": None, "runs": [], "nearest": [], "left_out": left_out}
    end = max(converged, key=_trust)
    images = [to_floats(image) for image in end.runs[end.counts.index(end.reference)].images]
    rows = []
    for one in ranked:
        for run in one.runs:
            alike = [structure(to_floats(image), last) for image, last in zip(run.images, images, strict=True)]
            value = pooled([each.similarity for each in alike])
            row = {"name": one.settings.name, "steps": run.steps, "model_calls": run.model_calls}
            rows.append(row | {"seconds": round(run.seconds, 4), "similarity": round(value, 6)})
    return {
        "end": {"name": end.settings.name, "steps": end.reference},
        "runs": rows,
        "nearest": _nearest(rows, end),
        "left_out": left_out,
    }


def _why_no_end(one: Judgement) -> str:
    """Return why a series has no end in common with any other; empty where it has."""
    sampler = one.settings.sampler
    if injects_noise(sampler):
        return f"{sampler} injects noise: it has no end in common with others"
    if sampler not in DETERMINISTIC or sampler.endswith("_cfg_pp"):
        return f"{sampler} follows an equation of its own"
    if one.settings.trained_steps is not None:
        return "a distilled model's images have no end to come near to"
    return ""


def _why_another(one: Judgement, first: Judgement) -> str:
    """Return why a series has another end than the first one; empty where it is the same."""
    if one.settings.cfg != first.settings.cfg:
        return f"cfg {one.settings.cfg:g} makes other images than cfg {first.settings.cfg:g}"
    starts_alike = one.settings.same_start and one.settings.scheduler == first.settings.scheduler
    if first.settings.denoise < 1 and one is not first and not starts_alike:
        return f"with a denoise of {first.settings.denoise:g} it starts at another noise level"
    return ""


def _trust(one: Judgement) -> float:
    """Return how near to the end a series' reference is by its own estimate; -1 where nothing tells."""
    return one.reference_similarity if one.reference_similarity is not None else -1.0


def _nearest(rows: list[dict[str, Any]], end: Judgement) -> list[dict[str, Any]]:
    """Return the best series of each step count that several have, but for the end's own, which is no contest."""
    nearest = []
    for count in sorted({row["steps"] for row in rows} - {end.reference}):
        rivals = [row for row in rows if row["steps"] == count]
        if len(rivals) > 1:
            best = max(rivals, key=lambda row: row["similarity"])
            nearest.append({"steps": count, "name": best["name"], "similarity": best["similarity"]})
    return nearest
