"""The cheapest setup of a comparison whose image looks like the first contender's reference."""

from collections.abc import Sequence
from dataclasses import dataclass

from ...words import Message
from ..runs import Run
from .judgement import Judgement
from .measuring import Measuring
from .pooling import pooled
from .second_opinion import like_check


@dataclass(frozen=True)
class Setup:
    """One contender at one step count.

    Attributes:
        name: the contender's name.
        steps: the step count.
        seconds: sampling time; None if it is not known.
        model_calls: evaluations of the denoiser; None if they are not known.
        similarity: how much its images look like those of the first contender's reference.
        on_front: whether no other setup is both as cheap and as similar (the Pareto front).
    """

    name: str
    steps: int
    seconds: float | None
    model_calls: int | None
    similarity: float
    on_front: bool = False


@dataclass(frozen=True)
class Cheapest:
    """All setups against the first contender's reference.

    Attributes:
        reference: the first contender's reference.
        setups: every run of every contender.
        best: the cheapest one that looks like the reference, as do its contender's larger counts; None if the
            reference is not known to have converged.
        why_not: why there is no best one; empty if there is one.
    """

    reference: Setup
    setups: tuple[Setup, ...]
    best: Setup | None
    why_not: str = ""

    @property
    def headline(self) -> Message | None:
        """The finding in one sentence; None if there is none."""
        best, reference = self.best, self.reference
        if best is None:
            return None
        values = {"name": best.name, "steps": best.steps}
        if _same(best, reference):
            return Message(
                "headline.none_cheaper",
                "No cheaper setup looks the same as {name} with {steps} step. | "
                "No cheaper setup looks the same as {name} with {steps} steps.",
                values,
            )
        if best.seconds is not None and reference.seconds is not None:
            return Message(
                "headline.cheapest",
                "The cheapest that looks the same is {name} with {steps} step: {cost} s instead of {full} s. | "
                "The cheapest that looks the same is {name} with {steps} steps: {cost} s instead of {full} s.",
                values | {"cost": f"{best.seconds:.3g}", "full": f"{reference.seconds:.3g}"},
            )
        return Message(
            "headline.cheapest_calls",
            "The cheapest that looks the same is {name} with {steps} step: {cost} instead of {full} model calls. | "
            "The cheapest that looks the same is {name} with {steps} steps: {cost} instead of {full} model calls.",
            values | {"cost": best.model_calls, "full": reference.model_calls},
        )


def find_cheapest(judgements: Sequence[Judgement], measuring: Measuring) -> Cheapest | None:
    """Return the cheapest setup that looks like the first contender's reference; None if there is only one contender.

    Setups are compared by their seconds, or by their model calls if the time of any of them is not known.

    Args:
        judgements: one for each contender, the comparison's own settings first.
        measuring: measures the images.
    """
    if len(judgements) < 2:
        return None
    first = judgements[0]
    rows = [_setups(judgement, first.reference_run, measuring) for judgement in judgements]
    every = [setup for row in rows for setup in row]
    timed = all(setup.seconds is not None for setup in every)

    def cost(setup: Setup) -> float:
        value = setup.seconds if timed else setup.model_calls
        return float("inf") if value is None else value

    setups = tuple(_marked(setup, every, cost(setup), [cost(other) for other in every]) for setup in every)
    reference = next(setup for setup in setups if (setup.name, setup.steps) == (first.settings.name, first.reference))
    if first.sweet_spot.answer != "enough":
        return Cheapest(reference, setups, None, f"it is not known that {first.settings.name} has converged")
    visible = first.settings.visible.below
    smallest = [
        _smallest_enough(row, judgement.reference, _to_ends(judgement, first, measuring), visible)
        for row, judgement in zip(rows, judgements, strict=True)
    ]
    enough = [setup for setup in smallest if setup is not None]
    best = min(enough, key=cost)
    return Cheapest(reference, setups, next(each for each in setups if _same(each, best)))


def _setups(judgement: Judgement, reference: Run, measuring: Measuring) -> list[Setup]:
    runs = [judged.run for judged in judgement.runs]
    if judgement.reference_run is reference:
        alike = judgement.similarity
    else:
        alike = [pooled(values) for values in measuring.similarity(runs, reference)]
    return [
        Setup(
            judgement.settings.name,
            run.steps,
            None if run.timing == "unknown" else run.seconds,
            run.model_calls if run.counted else None,
            similarity,
        )
        for run, similarity in zip(runs, alike, strict=True)
    ]


def _to_ends(judgement: Judgement, first: Judgement, measuring: Measuring) -> list[float]:
    """Return how similar each run looks to the first contender's reference and check, whichever looks more different.

    So that the cheapest setup of the first contender is its sweet spot.
    """
    if judgement is first:
        return [*first.to_ends, *first.similarity[len(first.to_ends) :]]
    runs = [judged.run for judged in judgement.runs]
    to_reference = measuring.similarity(runs, first.reference_run)
    if first.check_run is None:
        return [pooled(values) for values in to_reference]
    to_check, visible = measuring.similarity(runs, first.check_run), first.settings.visible.below
    return [
        pooled([min(alike, like_check(checked, visible)) for alike, checked in zip(*both, strict=True)])
        for both in zip(to_reference, to_check, strict=True)
    ]


def _smallest_enough(setups: Sequence[Setup], reference: int, to_ends: Sequence[float], visible: float) -> Setup | None:
    """Return the smallest count of one contender from which on all look the same; None if none do.

    Counts above the contender's own reference are those that a distilled model was not trained for.
    """
    found = None
    for setup, alike in reversed(list(zip(setups, to_ends, strict=True))):
        if setup.steps > reference:
            continue
        if not alike >= visible:
            break
        found = setup
    return found


def _marked(setup: Setup, every: Sequence[Setup], cost: float, costs: Sequence[float]) -> Setup:
    """Return the setup, marked if no other is at least as good in both cost and similarity, and better in one."""
    beaten = any(
        other_cost <= cost
        and other.similarity >= setup.similarity
        and (other_cost < cost or other.similarity > setup.similarity)
        for other, other_cost in zip(every, costs, strict=True)
    )
    return Setup(setup.name, setup.steps, setup.seconds, setup.model_calls, setup.similarity, not beaten)


def _same(one: Setup, other: Setup) -> bool:
    return (one.name, one.steps) == (other.name, other.steps)
