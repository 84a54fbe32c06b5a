"""A verdict in one or two everyday sentences, and the step count to try next."""

import math

from ...samplers.schedules import MAX_STEPS
from ...words import Message, Messages
from ..runs import Run
from .judgement import Judgement


def headline(judgement: Judgement) -> Message:
    """Return the verdict in one or two short sentences. They promise no more than was judged: a look side by side."""
    spot = judgement.sweet_spot
    if spot.answer == "none":
        why = spot.reason.parts[0] if isinstance(spot.reason, Messages) else spot.reason
        return Message("headline.none", "No step count is enough. {why}", {"why": why})
    if spot.steps is None:
        return _not_yet(judgement)
    trained = judgement.settings.trained_steps
    if trained is not None:
        return Message(
            "headline.trained",
            "{steps} step is enough: this model was made for {span}. | "
            "{steps} steps are enough: this model was made for {span}.",
            {"steps": spot.steps, "span": _span(trained)},
        )
    if spot.steps < judgement.reference:
        return _same(judgement, spot.steps)
    below = [steps for steps in judgement.counts if steps < spot.steps]
    if below:
        return Message(
            "headline.not_fewer",
            "{steps} step is enough. | {steps} steps are enough. At {below}, the picture still looks different.",
            {"steps": spot.steps, "below": below[-1]},
        )
    return Message(
        "headline.alone",
        "{steps} step is enough. | {steps} steps are enough. Whether fewer are, too, is not known: none ran.",
        {"steps": spot.steps},
    )


def next_count(judgement: Judgement) -> int | None:
    """Return the step count to try next; None if the answer is known, or more steps would not change it."""
    spot, trained, reference = judgement.sweet_spot, judgement.settings.trained_steps, judgement.reference
    ran = any(judged.run.model_calls or not judged.run.counted for judged in judgement.runs)
    if spot.answer != "not yet" or not ran:
        return None
    if trained is not None:
        return trained[1]
    estimate = judgement.convergence.enough_at if judgement.convergence else None
    more = min(max(estimate or 2 * reference, reference + 1), 4 * reference)
    # A round number is easier to read, and no less right.
    return min(math.ceil(more / 4) * 4 if more > 8 else more, MAX_STEPS)


def _same(judgement: Judgement, steps: int) -> Message:
    """Return that more steps look the same, and how many times as long they take."""
    enough, reference = judgement.runs[judgement.counts.index(steps)].run, judgement.reference_run
    values = {"steps": steps, "reference": judgement.reference}
    if _timed(enough) and _timed(reference) and enough.seconds > 0:
        return Message(
            "headline.same",
            "{steps} step is enough. {reference} look the same and take {times} × as long. | "
            "{steps} steps are enough. {reference} look the same and take {times} × as long.",
            values | {"times": f"{reference.seconds / enough.seconds:.1f}"},
        )
    calls = (reference.model_calls or reference.steps) / (enough.model_calls or enough.steps)
    return Message(
        "headline.same_calls",
        "{steps} step is enough. {reference} look the same with {times} × the model calls. | "
        "{steps} steps are enough. {reference} look the same with {times} × the model calls.",
        values | {"times": f"{calls:.1f}"},
    )


def _not_yet(judgement: Judgement) -> Message:
    trained, more, reference = judgement.settings.trained_steps, next_count(judgement), judgement.reference
    if more is None:
        return Message("headline.nothing", "Nothing ran: this denoise leaves no steps to run.")
    if trained is not None:
        return Message(
            "headline.untrained",
            "Not known: this model was made for {span} steps, and none of these ran. Try {more}.",
            {"span": _span(trained), "more": more},
        )
    if len(judgement.runs) == 1 and judgement.check is None:
        return Message(
            "headline.only_one",
            "Not known: only {steps} step ran. Try {more}, too. | Not known: only {steps} steps ran. Try {more}, too.",
            {"steps": reference, "more": more},
        )
    return Message(
        "headline.not_settled",
        "Not settled yet: even {steps} step may still change. Try {more}. | "
        "Not settled yet: even {steps} steps may still change. Try {more}.",
        {"steps": reference, "more": more},
    )


def _timed(run: Run) -> bool:
    return run.timing in ("sampling", "node", "estimated") and not run.reused


def _span(trained: tuple[int, int]) -> str:
    lowest, highest = trained
    return f"{lowest}" if lowest == highest else f"{lowest}-{highest}"
