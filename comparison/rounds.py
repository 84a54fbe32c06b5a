"""Runs a whole comparison on any engine: every contender, seed and step count, or a search for the sweet spot."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ..samplers.stochastic import why_no_sweet_spot
from ..words import Message
from .contenders import Contender
from .engine import Engine
from .measures.visibility import SIDE_BY_SIDE, Visible
from .report import Price, Report, make_report
from .runs import Run, Sampling, Series, Task, joined
from .verdict.judge import judge
from .verdict.judgement import Judgement
from .verdict.measuring import Measuring
from .verdict.search import CHECKED_START, START, Move, next_move, trained_counts
from .verdict.second_opinion import STEPS, CheckPlan, Opinion, can_be_checked, plan_check
from .verdict.sweet_spot import is_near

_SAME_LEVEL = 0.01
_OTHER_STARTS = Message(
    "note.other_starts",
    "With this denoise, scheduler or start step, the step counts start at different noise levels. This alone changes "
    "the images, so convergence was not estimated.",
)
_UNEVEN_TIMES = 1.6
_UNEVEN = Message(
    "note.uneven",
    "The seconds per step differ a lot between these runs: the machine was busy, a cache skipped calls, or some runs "
    "come from an earlier comparison. To compare seconds or cost, clear the kept images (cache_megabytes 0 in Compare "
    "Options) and run again.",
)


@dataclass(frozen=True)
class Question:
    """What a comparison should find out.

    Attributes:
        counts: step counts to run.
        auto: whether a search adds more of them, round by round.
        seeds: how many seeds run, each one higher by 1 than the last.
        prompts: how many of the engine's prompts run, each with every seed.
        price: what sampling costs.
        visible: which differences count: those seen side by side, or also those seen when flipped in place.
        check: whether another solver gives a second opinion on the reference.
        noisy: whether a test has shown that the sampler injects noise, although its name doesn't say so.
        possible: whether a search may run a step count.
    """

    counts: Sequence[int]
    auto: bool = False
    seeds: int = 1
    price: Price = field(default_factory=Price)
    visible: Visible = SIDE_BY_SIDE
    check: bool = True
    noisy: bool = False
    possible: Callable[[int], bool] = lambda _: True
    prompts: int = 1

    def each(self, sampling: Sampling) -> list[Sampling]:
        """Return the settings with each prompt and seed."""
        with_prompts = [replace(sampling, prompt=number) for number in range(self.prompts)]
        return [each.with_seed(number) for each in with_prompts for number in range(self.seeds)]


def check_contenders(engine: Engine, contenders: Sequence[Contender]) -> None:
    """Refuse contenders that the engine cannot run, and duplicates.

    Raises:
        ValueError: if there is one; names the input, what is allowed and what it got.
    """
    for place, contender in enumerate(contenders):
        try:
            engine.check(contender.sampling)
        except ValueError as error:
            if not place:
                raise
            raise ValueError(f"contenders: number {place + 1}: {error}") from None
    names = [contender.settings(engine.name).name for contender in contenders]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"contenders: expected each one only once; got {twice[0]} twice")


def compare(
    engine: Engine, contenders: Sequence[Contender], question: Question, measuring: Measuring | None = None
) -> Report:
    """Run every contender and return the report. The first contender's sweet spot is the comparison's.

    Args:
        engine: executes the runs.
        contenders: what runs.
        question: what to find out.
        measuring: measures, and keeps earlier measurements of the same runs.

    Raises:
        ValueError: if there is no contender.
        BaseException: what the engine raises.
    """
    measuring = measuring or Measuring(engine.device, engine.check_cancelled)
    judgements = [_run_contender(engine, contender, question, measuring) for contender in contenders]
    notes = [_OTHER_STARTS] if not all(judgement.settings.same_start for judgement in judgements) else []
    notes += [_UNEVEN] if any(map(_is_uneven, judgements)) else []
    return make_report(judgements, question.price, (*engine.notes, *notes), measuring)


def _run_contender(engine: Engine, contender: Contender, question: Question, measuring: Measuring) -> Judgement:
    """Run a contender round by round and judge it after each round, because what runs next may depend on the result."""
    settings = contender.settings(engine.name, question.seeds, question.prompts)
    settings = replace(settings, visible=question.visible, noisy=question.noisy)
    runs: dict[int, Run] = {}
    opinion, move = None, Move(tuple(_first_counts(contender, question)))
    if not move.counts:
        raise ValueError("steps: auto finds no step count that can run; write numbers")
    while True:
        runs |= dict(zip(move.counts, _run(engine, contender, question, move.counts), strict=True))
        plan = _plan_check(engine, contender, question, max(runs))
        opinion = plan and _opinion(engine, plan, question, opinion, longer=move.longer_check)
        same_start = _same_start(engine, _tasks(engine, contender, contender.sampling, sorted(runs)))
        series = Series(replace(settings, same_start=same_start), list(runs.values()))
        judgement = judge(series, measuring, opinion)
        move = _next_move(contender, question, judgement)
        move = replace(move, counts=tuple(filter(question.possible, move.counts)))
        if not (move.counts or move.longer_check):
            return judgement


def _run(engine: Engine, contender: Contender, question: Question, counts: Sequence[int]) -> list[Run]:
    """Return a run of all prompts and seeds for each step count."""
    if not counts:
        return []
    tasks = [task for each in question.each(contender.sampling) for task in _tasks(engine, contender, each, counts)]
    finished = engine.run(tasks)
    return [joined(finished[place :: len(counts)]) for place in range(len(counts))]


def _plan_check(engine: Engine, contender: Contender, question: Question, reference: int) -> CheckPlan | None:
    """Return how to check a contender; None if that is not wanted, means nothing, or the engine can't do it."""
    if not question.check or not can_be_checked(contender.sampling, contender.trained_steps):
        return None
    (task,) = _tasks(engine, contender, contender.sampling, [reference])
    levels = engine.schedule(task.sampling, reference)
    plain = replace(contender.sampling, sampler_name="euler", denoise=1.0, sigmas=())
    try:
        two_steps, karras = (engine.schedule(replace(plain, scheduler=name), 2) for name in ("simple", "karras"))
        plan = plan_check(contender.sampling, levels, two_steps, karras)
        if plan is not None:
            engine.check(plan.at(STEPS[0]))
    except ValueError:
        return None
    return plan


def _opinion(engine: Engine, plan: CheckPlan, question: Question, opinion: Opinion | None, *, longer: bool) -> Opinion:
    """Return all check runs of a plan so far, and one more if it is wanted."""
    steps = [run.steps for run in opinion.runs] if opinion else [STEPS[0]]
    if opinion is not None and longer and opinion.next_steps is not None:
        steps.append(opinion.next_steps)
    known = opinion.runs if opinion is not None and opinion.plan.starts_like(plan) else ()
    if opinion is not None and known:
        plan = opinion.plan
    missing = [_run_check(engine, plan, question, count) for count in steps[len(known) :]]
    return Opinion(plan, (*known, *missing))


def _run_check(engine: Engine, plan: CheckPlan, question: Question, steps: int) -> Run:
    return joined(engine.run([Task(sampling, steps) for sampling in question.each(plan.at(steps))]))


def _is_uneven(judgement: Judgement) -> bool:
    """Return whether the runs' seconds differ too much to be comparable."""
    runs = [judged.run for judged in judgement.runs]
    per_call = [run.seconds / run.model_calls for run in runs if run.model_calls and run.timing == "sampling"]
    per_call = [seconds for seconds in per_call if seconds > 0]
    return bool(per_call) and max(per_call) > _UNEVEN_TIMES * min(per_call)


def _first_counts(contender: Contender, question: Question) -> list[int]:
    if not question.auto:
        return sorted(question.counts)
    trained = contender.trained_steps
    checked = question.check and can_be_checked(contender.sampling, trained)
    start = trained_counts(trained) if trained is not None else CHECKED_START if checked else START
    return sorted({*question.counts, *filter(question.possible, start)})


def _next_move(contender: Contender, question: Question, judgement: Judgement) -> Move:
    """Return what runs next: nothing more if it is over.

    A distilled model needs no search. For a sampler without a sweet spot, no step count would change the verdict.
    """
    if contender.trained_steps is not None or question.noisy or why_no_sweet_spot(contender.sampling.sampler_name):
        return Move()
    check = judgement.check
    if not question.auto:
        # The reference stays, so if the check disagrees, it has to show whether it has converged itself.
        # A single count, one that overrules a larger one, or one with hardly fewer steps than the reference needs a
        # check that no longer changes.
        spot, reference = judgement.sweet_spot.steps, judgement.reference
        alone = len(judgement.counts) == 1 or reference < judgement.counts[-1] or is_near(spot or reference, reference)
        return Move(longer_check=check is not None and (check.is_open or (alone and check.settled is None)))
    last = judgement.counts.index(judgement.reference) + 1
    return next_move(
        judgement.counts[:last],
        judgement.to_ends,
        judgement.convergence and judgement.convergence.reference_similarity,
        check,
        listed=question.counts,
        visible=question.visible.below,
    )


def _same_start(engine: Engine, tasks: Sequence[Task]) -> bool:
    """Return whether all step counts start at the same noise level, to within a hundredth."""
    schedules = [engine.schedule(task.sampling, task.steps) for task in tasks]
    first = [float(schedule[0]) for schedule in schedules if len(schedule)]
    return not first or max(first) - min(first) <= _SAME_LEVEL * max(first)


def _tasks(engine: Engine, contender: Contender, sampling: Sampling, counts: Sequence[int]) -> list[Task]:
    """Return the tasks of one prompt and seed, with the exact schedules of the contender's plan if it has any."""
    tasks = []
    for count in counts:
        exact = engine.exact_schedule(sampling, contender.plan, count) if contender.plan is not None else ()
        tasks.append(Task(replace(sampling, sigmas=exact), count))
    return tasks
