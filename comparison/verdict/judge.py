"""Measures all images of a series against its reference and finds the sweet spot."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...samplers.stochastic import OWN_STEPS, injects_noise, why_no_sweet_spot
from ...words import Message, Messages
from ..measures.measured import Measured
from ..measures.own import NAMES, noise_explodes, settled_from
from ..runs import Run, Series, Settings
from .estimate import Estimate, estimate_reference
from .judgement import MEANS, JudgedRun, Judgement
from .knee import find_knee
from .measuring import Measuring
from .pooling import pooled
from .second_opinion import Better, Check, Opinion, better_settings, like_check, make_check
from .sweet_spot import NO_NOISE, SweetSpot, find_sweet_spot, find_trained_sweet_spot, smallest_enough

_FEW_IMAGES = 4
_TESTED_NOISY = SweetSpot(
    None,
    Message(
        "why.tested_noisy",
        "Two step counts next to each other differ as much as two seeds do, so this sampler injects noise: the image "
        "keeps changing with the step count and never settles.",
    ),
    "medium",
    "none",
    NO_NOISE,
)


def judge(series: Series, measuring: Measuring | None = None, opinion: Opinion | None = None) -> Judgement:
    """Measure every run's images against those of the reference and find the sweet spot.

    The reference is the largest step count; for a distilled model, the largest one that it was trained for. If the
    largest one alone shows another image than those below it and the check, it is the one below.

    Args:
        series: the runs.
        measuring: measures, and keeps earlier measurements of these runs.
        opinion: the check runs; None without one.

    Raises:
        ValueError: if there is no run, or the images differ in shape or number.
    """
    if not series.runs:
        raise ValueError("runs: expected at least one, got none")
    return _Judge(series, measuring or Measuring(), opinion).judgement()


class _Judge:
    """Judges one series."""

    def __init__(self, series: Series, measuring: Measuring, opinion: Opinion | None) -> None:
        self._settings, self._measuring, self._opinion = series.settings, measuring, opinion
        self._visible = series.settings.visible.below
        self._runs = sorted(series.runs, key=lambda run: run.steps)
        # Similarity of each run's images to those of the last check run, and of the check runs among themselves.
        self._checked = measuring.similarity(self._runs, opinion.runs[-1]) if opinion else []
        checks = opinion.runs if opinion else ()
        self._check_runs = measuring.similarity(checks, checks[-1]) if checks else []
        self._reference = self._choose_reference()
        self._counts = [run.steps for run in self._runs]
        self._inside = self._counts[: self._counts.index(self._reference.steps) + 1]
        self._measured = measuring.measured(self._runs, self._reference)
        self._checks_of_reference = measuring.similarity(checks, self._reference)
        self._similarity = [[image.similarity for image in images] for images in self._measured]
        self._images = range(len(self._reference.images))
        inside = len(self._inside)
        self._estimate = estimate_reference(self._runs[:inside], self._similarity[:inside], series.settings, measuring)

    def judgement(self) -> Judgement:
        """Return the verdict and everything that it is based on."""
        check, estimate = self._check(self._images), self._estimate
        verdict = self._verdict(self._images, estimate and estimate.reference_similarity, check)
        if estimate is not None and check is not None:
            estimate = estimate if check.agrees == (estimate.reference_similarity >= self._visible) else None
        if estimate is not None and verdict.steps is not None:
            # The sweet spot is known, so there is no need to recommend a larger count.
            estimate = replace(estimate, enough_at=None)
        statistics = np.array([[[getattr(image, name) for name in NAMES] for image in row] for row in self._measured])
        better, settled = self._better(verdict, check), settled_from(self._counts, statistics)
        verdict = _advised(verdict, better, estimate)
        if self._settings.trained_steps is None and noise_explodes(statistics[..., NAMES.index("noise")]):
            better, verdict = None, _doubted(verdict)
        return Judgement(
            self._settings,
            self._judged_runs(),
            self._reference.steps,
            _with_statistics(verdict, settled, self._settings, len(self._images)),
            tuple(self._own(number) for number in self._images),
            check.similarity if check else estimate and estimate.reference_similarity,
            tuple(self._to_ends(self._images)),
            estimate,
            self._knee(verdict),
            settled,
            check,
            better,
            self._opinion.runs[-1] if self._opinion else None,
        )

    def _choose_reference(self) -> Run:
        trained, runs = self._settings.trained_steps, self._runs
        inside = [run for run in runs if trained and trained[0] <= run.steps <= trained[1]]
        if inside:
            return inside[-1]
        like_check = [pooled(values) >= self._visible for values in self._checked]
        if like_check[-3:] != [True, True, False]:
            return runs[-1]
        stands_alone = pooled(self._measuring.similarity(runs[-2:-1], runs[-1])[0]) < self._visible
        return runs[-2] if stands_alone else runs[-1]

    def _check(self, images: Sequence[int]) -> Check | None:
        """Return what the check runs show about some of the reference's images."""
        if self._opinion is None:
            return None
        similarity = [_pooled_of(values, images) for values in self._checks_of_reference]
        before = [_pooled_of(values, images) for values in self._check_runs][-2:-1]
        return make_check(self._opinion, similarity, before[0] if before else None, self._visible)

    def _verdict(self, images: Sequence[int], estimate: float | None, check: Check | None) -> SweetSpot:
        settings = self._settings
        if not any(run.model_calls or not run.counted for run in self._runs):
            why = Message("headline.nothing", "Nothing ran: this denoise leaves no steps to run.")
            return SweetSpot(None, why, "low", advice=Message("advice.denoise", "Increase denoise."))
        if settings.noisy:
            return _TESTED_NOISY
        if settings.trained_steps is not None and settings.sampler not in OWN_STEPS:
            similarity = [_pooled_of(values, images) for values in self._similarity]
            return find_trained_sweet_spot(self._counts, similarity, settings.trained_steps, self._visible)
        verdict = find_sweet_spot(self._inside, self._to_ends(images), settings.sampler, estimate, check, self._visible)
        left_out = self._counts[len(self._inside) :]
        if verdict.steps is None or not left_out:
            return verdict
        alone = Message(
            "why.stands_alone",
            "{count} steps show another picture than the counts below them and the check.",
            {"count": left_out[0]},
        )
        return replace(verdict, reason=Messages(verdict.reason, alone), confidence="medium")

    def _to_ends(self, images: Sequence[int]) -> list[float]:
        """Return for each count how similar it looks to the reference and the check, whichever looks more different."""
        ends = []
        for place in range(len(self._inside) - 1):
            alike = self._similarity[place]
            if self._checked:
                pairs = zip(alike, self._checked[place], strict=True)
                alike = [min(to_reference, like_check(to_check, self._visible)) for to_reference, to_check in pairs]
            ends.append(_pooled_of(alike, images))
        return [*ends, 1.0]

    def _own(self, number: int) -> int | None:
        left = self._estimate.of_images[number] if self._estimate else None
        return self._verdict([number], left, self._check([number])).steps

    def _better(self, verdict: SweetSpot, check: Check | None) -> Better | None:
        if self._opinion is None or check is None or verdict.answer == "none":
            return None
        enough = next((run for run in self._runs if run.steps == verdict.steps), None)
        # A check run that agrees has to look like the reference, and otherwise like the last check run.
        ends = self._checks_of_reference if check.agrees else self._check_runs
        reaches = [pooled(values) >= self._visible for values in ends]
        return better_settings(self._opinion, check, enough, reaches)

    def _judged_runs(self) -> tuple[JudgedRun, ...]:
        counted = self._enough_for()
        checked = [pooled(values) for values in self._checked] or [None] * len(self._runs)
        rows = zip(self._runs, self._measured, checked, counted, strict=True)
        return tuple(_judged(*row) for row in rows)

    def _enough_for(self) -> list[int]:
        """Return for how many images each count and all larger ones look like the reference and the check."""
        own = [smallest_enough(self._inside, self._to_ends([number]), self._visible) for number in self._images]
        below = [sum(enough <= count for enough in own) for count in self._inside]
        above = self._similarity[len(self._inside) :]
        return below + [sum(value >= self._visible for value in row) for row in above]

    def _knee(self, verdict: SweetSpot) -> int | None:
        """Return the step count that gives most of the gain, for users who want fewer steps than the sweet spot."""
        without = self._settings.noisy or why_no_sweet_spot(self._settings.sampler)
        if without or self._settings.trained_steps is not None:
            return None
        knee = find_knee(self._counts, [1 - pooled(values) for values in self._similarity])
        return None if knee is None or (verdict.steps is not None and knee >= verdict.steps) else int(knee)


def _pooled_of(values: Sequence[float], images: Sequence[int]) -> float:
    return pooled([values[number] for number in images])


def _judged(run: Run, measured: Sequence[Measured], check_similarity: float | None, enough_for: int) -> JudgedRun:
    # Averages the errors, not the PSNRs: an equal image has an infinite PSNR.
    error = float(np.mean([10 ** (-image.psnr / 10) for image in measured]))
    columns = {name: [getattr(image, name) for image in measured] for name in MEANS}
    return JudgedRun(
        run,
        measured,
        pooled([image.similarity for image in measured]),
        check_similarity,
        -10 * math.log10(error) if error else None,
        min(image.worst_tile for image in measured),
        {name: None if None in values else float(np.mean(values)) for name, values in columns.items()},
        enough_for,
    )


def _doubted(verdict: SweetSpot) -> SweetSpot:
    """Say that more steps turn the images into noise, as they do with models that were distilled for few steps."""
    if verdict.answer == "none":
        return verdict
    noise = "But more steps fill the images with noise: this may be a model made for few steps."
    why = Messages(verdict.reason, Message("why.noise", noise))
    sure = "medium" if verdict.confidence == "high" else verdict.confidence
    advice = Message("advice.few_steps", "If it is, compare 1, 2, 4 and 8 steps at cfg 1.")
    return replace(verdict, reason=why, confidence=sure, advice=advice)


def _advised(verdict: SweetSpot, better: Better | None, estimate: Estimate | None) -> SweetSpot:
    if better is not None and verdict.answer == "enough":
        same = "The same picture with fewer model calls: {better}."
        return replace(verdict, advice=Message("advice.fewer_calls", same, {"better": better.text}))
    if better is not None and verdict.answer == "not yet":
        use = "Use {better}, or add larger step counts."
        return replace(verdict, advice=Message("advice.use", use, {"better": better.text}))
    if estimate is not None and estimate.enough_at is not None and verdict.answer == "not yet":
        about = "Add larger step counts; about {count} should be enough."
        return replace(verdict, advice=Message("advice.about", about, {"count": estimate.enough_at}))
    return verdict


def _with_statistics(verdict: SweetSpot, settled: int | None, settings: Settings, images: int) -> SweetSpot:
    """Add to the reason whether the statistics settle, if the images themselves never do."""
    if not (settings.noisy or injects_noise(settings.sampler)) or settings.trained_steps is not None:
        return verdict
    if settled is not None:
        text = Message(
            "why.statistics",
            "Over {images} images, sharpness, contrast and noise level stay the same from {count} steps on (within "
            "10 % or half a level). This does not mean that the images are finished.",
            {"images": images, "count": settled},
        )
    elif images < _FEW_IMAGES:
        text = Message(
            "why.few_images",
            "Whether sharpness, contrast and noise level settle can't be decided with fewer than {few} images: use "
            "more seeds.",
            {"few": _FEW_IMAGES},
        )
    else:
        text = Message(
            "why.unsettled",
            "Sharpness, contrast and noise level did not settle within these step counts, over {images} images.",
            {"images": images},
        )
    return replace(verdict, reason=Messages(verdict.reason, text))
