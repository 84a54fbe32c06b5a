"""A verdict in one or two everyday sentences, and the step count to try next."""

import math

from ...samplers.schedules import MAX_STEPS
from ..runs import Run
from .judgement import Judgement


def headline(judgement: Judgement) -> str:
    """Return the verdict in one or two short sentences. They promise no more than was judged: a look side by side."""
    spot = judgement.sweet_spot
    if spot.answer == "none":
        return f"No step count is enough: {_lower(spot.reason.split('. ')[0].rstrip('.'))}."
    if spot.steps is None:
        return _not_yet(judgement)
    if judgement.settings.trained_steps is not None:
        return f"{_enough(spot.steps)} This model was made for {_span(judgement.settings.trained_steps)}."
    below = [steps for steps in judgement.counts if steps < spot.steps]
    if spot.steps < judgement.reference:
        reference = judgement.reference
        return f"{_enough(spot.steps)} {reference} {_look(judgement, reference)} and take{_times(judgement)}."
    if below:
        return f"{_enough(spot.steps)} {_steps(below[-1])} still look{'s' if below[-1] == 1 else ''} different."
    return f"{_enough(spot.steps)} Whether fewer are enough is not known, because none ran."


def next_count(judgement: Judgement) -> int | None:
    """Return the step count to try next; None if the answer is known, or more steps would not change it."""
    spot, trained, reference = judgement.sweet_spot, judgement.settings.trained_steps, judgement.reference
    if spot.answer != "not yet" or not any(
        judged.run.model_calls or not judged.run.counted for judged in judgement.runs
    ):
        return None
    if trained is not None:
        return trained[1]
    estimate = judgement.convergence.enough_at if judgement.convergence else None
    more = min(max(estimate or 2 * reference, reference + 1), 4 * reference)
    # A round number is easier to read, and no less right.
    return min(math.ceil(more / 4) * 4 if more > 8 else more, MAX_STEPS)


def _not_yet(judgement: Judgement) -> str:
    trained, more = judgement.settings.trained_steps, next_count(judgement)
    if more is None:
        return judgement.sweet_spot.reason
    if trained is not None:
        return f"Not known: this model was made for {_span(trained)}, and none of these ran. Try {more}."
    if len(judgement.runs) == 1 and judgement.check is None:
        return f"Not known: only {_steps(judgement.reference)} ran. Try {more}, too."
    return f"Not settled yet: even {_steps(judgement.reference)} may still change. Try {more}."


def _times(judgement: Judgement) -> str:
    """Return how many times as long the reference takes; in model calls if the times can't be compared."""
    enough = judgement.runs[judgement.counts.index(judgement.sweet_spot.steps or 0)].run
    reference = judgement.reference_run
    if _timed(enough) and _timed(reference) and enough.seconds > 0:
        return f" {reference.seconds / enough.seconds:.1f} × as long"
    calls = (reference.model_calls or reference.steps) / (enough.model_calls or enough.steps)
    return f" {calls:.1f} × the model calls"


def _timed(run: Run) -> bool:
    return run.timing in ("sampling", "node", "estimated") and not run.reused


def _look(judgement: Judgement, steps: int) -> str:
    when = judgement.settings.visible.when
    verb = "looks" if steps == 1 else "look"
    return f"{verb} the same {when}" if when != "to you" else f"{verb} the same to you"


def _enough(steps: int) -> str:
    return f"{_steps(steps)} {'is' if steps == 1 else 'are'} enough."


def _steps(steps: int) -> str:
    return f"{steps} step{'' if steps == 1 else 's'}"


def _span(trained: tuple[int, int]) -> str:
    lowest, highest = trained
    return _steps(lowest) if lowest == highest else f"{lowest} to {highest} steps"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
