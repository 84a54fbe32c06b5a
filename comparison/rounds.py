"""Runs a whole comparison on any engine: every contender, seed and step count, or a search for the sweet spot."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..samplers.stochastic import why_no_sweet_spot
from .contenders import Contender
from .engine import Engine
from .measures.visibility import SIDE_BY_SIDE, THRESHOLDS, Visible
from .report import Price, Report, make_report
from .runs import Run, Series, Task, over_seeds
from .verdict.judge import judge
from .verdict.judgement import Judgement, Measurements
from .verdict.search import START, next_step_counts, trained_counts
from .verdict.second_opinion import STEPS, Check, Opinion, can_be_checked, check_sampling

_SAME_LEVEL = 0.01
_OTHER_STARTS = (
    "With this denoise and scheduler, the step counts start at different noise levels. This alone changes the images, "
    "so convergence was not estimated."
)
_UNEVEN_TIMES = 1.6
_UNEVEN = (
    "The seconds per step differ a lot between these runs: the machine was busy, a cache skipped calls, or some runs "
    "come from an earlier comparison. To compare seconds or cost, clear the kept images (cache_megabytes 0) and run "
    "again."
)


@dataclass(frozen=True)
class Question:
    """What a comparison should find out.

    Attributes:
        counts: step counts to run.
        auto: whether a search adds more of them, round by round.
        seeds: how many seeds run, each one higher by 1 than the last.
        variant: the model's variant, for the report.
        source: where the model, or the information about it, comes from.
        price: what sampling costs.
        visible: which differences count: those seen side by side, or also those seen when flipped in place.
        check: whether another solver gives a second opinion on the reference.
    """

    counts: Sequence[int]
    auto: bool = False
    seeds: int = 1
    variant: str = "unknown"
    source: str = "not known"
    price: Price = field(default_factory=Price)
    visible: Visible = SIDE_BY_SIDE
    check: bool = True


def check_contenders(engine: Engine, contenders: Sequence[Contender]) -> None:
    """Refuse contenders that the engine cannot run, and duplicates.

    Raises:
        ValueError: if there is one; names the input, what is allowed and what it got.
    """
    for place, contender in enumerate(contenders):
        try:
            engine.check(contender.sampling)
        except ValueError as error:
            if not place or contender.plan is not None:
                raise
            raise ValueError(f"also: {error}") from None
    names = [contender.settings(engine.name, "", "").name for contender in contenders]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"also: expected each sampler and its settings only once; got {twice[0]} twice")


def compare(engine: Engine, contenders: Sequence[Contender], question: Question) -> Report:
    """Run every contender and return the report. The first contender's sweet spot is the comparison's.

    Raises:
        ValueError: if there is no contender.
        BaseException: what the engine raises.
    """
    judgements = [_run_contender(engine, contender, question) for contender in contenders]
    notes = [_OTHER_STARTS] if not all(judgement.settings.same_start for judgement in judgements) else []
    notes += [_UNEVEN] if any(map(_is_uneven, judgements)) else []
    return make_report(judgements, question.price, (*engine.notes, *notes), engine.check_cancelled, engine.device)


def _run_contender(engine: Engine, contender: Contender, question: Question) -> Judgement:
    """Run a contender round by round and judge it after each round, because what runs next may depend on the result."""
    settings = contender.settings(engine.name, question.variant, question.source, question.seeds)
    settings = replace(settings, visible=question.visible)
    runs: dict[int, Run] = {}
    measured: Measurements = {}
    judgement, opinion, counts = None, None, _first_counts(contender, question)
    while counts or judgement is None:
        tasks = [task for seed in range(question.seeds) for task in _tasks(engine, contender, seed, counts)]
        finished = engine.run(tasks)
        for place, count in enumerate(counts):
            runs[count] = over_seeds(finished[place :: len(counts)])
        same_start = _same_start(engine, _tasks(engine, contender, 0, sorted(runs)))
        series = Series(replace(settings, same_start=same_start), list(runs.values()))
        opinion = opinion or _second_opinion(engine, contender, question, max(runs))
        judgement = judge(series, engine.check_cancelled, measured, engine.device, opinion)
        if judgement.check and _is_open(judgement.check):
            opinion = _second_opinion(engine, contender, question, max(runs), 2 * STEPS)
            judgement = judge(series, engine.check_cancelled, measured, engine.device, opinion)
        counts = _next_counts(contender, question, judgement)
    return judgement


def _is_open(check: Check) -> bool:
    """Return whether a longer check run may agree where the first one doesn't."""
    return not (check.agrees or check.is_far) and check.steps == STEPS


def _second_opinion(
    engine: Engine, contender: Contender, question: Question, reference: int, steps: int = STEPS
) -> Opinion | None:
    """Run the check of a contender's reference; None if it is not wanted, means nothing, or the engine can't run it."""
    if not question.check or not can_be_checked(contender.sampling, contender.trained_steps):
        return None
    (task,) = _tasks(engine, contender, 0, [reference])
    sampling = check_sampling(contender.sampling, engine.schedule(task.sampling, reference), steps)
    try:
        if sampling is None:
            return None
        engine.check(sampling)
    except ValueError:
        return None
    tasks = [Task(sampling.with_seed(seed), steps) for seed in range(question.seeds)]
    return Opinion(sampling, over_seeds(engine.run(tasks)))


def _is_uneven(judgement: Judgement) -> bool:
    """Return whether the runs' seconds differ too much to be comparable."""
    runs = [judged.run for judged in judgement.runs]
    per_call = [run.seconds / run.model_calls for run in runs if run.model_calls and run.seconds > 0]
    return bool(per_call) and max(per_call) > _UNEVEN_TIMES * min(per_call)


def _first_counts(contender: Contender, question: Question) -> list[int]:
    if not question.auto:
        return sorted(question.counts)
    trained = contender.trained_steps
    return sorted({*question.counts, *(trained_counts(trained) if trained is not None else START)})


def _next_counts(contender: Contender, question: Question, judgement: Judgement) -> list[int]:
    """Return the step counts that a search runs next; empty if it is over or none was requested.

    A distilled model needs no search. For a sampler without a sweet spot, no step count would change the verdict.
    """
    over = contender.trained_steps is not None or why_no_sweet_spot(contender.sampling.sampler_name)
    if not question.auto or over or (judgement.check and judgement.check.is_far):
        return []
    return next_step_counts(
        judgement.counts,
        judgement.similarity,
        judgement.reference_similarity,
        listed=question.counts,
        visible=THRESHOLDS[question.visible],
    )


def _same_start(engine: Engine, tasks: Sequence[Task]) -> bool:
    """Return whether all step counts start at the same noise level, to within a hundredth."""
    schedules = [engine.schedule(task.sampling, task.steps) for task in tasks]
    first = [float(schedule[0]) for schedule in schedules if len(schedule)]
    return not first or max(first) - min(first) <= _SAME_LEVEL * max(first)


def _tasks(engine: Engine, contender: Contender, seed: int, counts: Sequence[int]) -> list[Task]:
    """Return the tasks of one seed, with the exact schedules of the contender's plan if it has any."""
    sampling = contender.sampling.with_seed(seed)
    tasks = []
    for count in counts:
        exact = engine.exact_schedule(contender.plan, count) if contender.plan is not None else ()
        tasks.append(Task(replace(sampling, sigmas=exact), count))
    return tasks
