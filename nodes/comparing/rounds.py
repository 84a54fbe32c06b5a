"""A whole comparison: every setup, every seed, every step count, or the search for the sweet spot."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...comparison.report import Price, Report
from ...comparison.runs import Run, Series, Settings, over_seeds
from ...comparison.verdict.judge import Judgement, Known, judge
from ...comparison.verdict.search import START, next_step_counts, trained_counts
from ...presets.plan import StepPlan
from ...presets.trained import at_steps
from ...samplers.stochastic import injects_noise
from ..model.plan_on_model import exact_sigmas
from ..running.stock import SamplerSettings, check_sampler, schedule_of
from ..schema import LARGEST_SEED
from .engine import Comparison, Task, throw_if_cancelled

_SAME_LEVEL = 0.01
_OTHER_STARTS = (
    "With this denoise and scheduler the step counts start at different noise levels: their images differ for that, "
    "too, and nothing is estimated from them."
)
_UNEVEN_TIMES = 1.6
_UNEVEN = (
    "The seconds of a step differ much between these runs: the machine was busy, a cache "
    "skipped calls, or some are from another time. Clear "
    "the kept images (cache_megabytes 0) and run them again to compare seconds or cost."
)
_ALLOWED = "pairs of sampler and scheduler as dpmpp_2m/karras, separated by commas"


@dataclass(frozen=True)
class Setup:
    """One way to sample that is compared: the node's own settings, another sampler, or a plan.

    Attributes:
        settings: the KSampler's settings.
        plan: whose exact schedule is used where it has one for a step count; None where there is none.
        trained_steps: lowest and highest step count that a distilled model was trained for, None for others.
        label: tells it from another one of the same sampler, scheduler and cfg; empty where it is not needed.
    """

    settings: SamplerSettings
    plan: StepPlan | None = None
    trained_steps: tuple[int, int] | None = None
    label: str = ""

    def described(self, variant: str, source: str, seeds: int) -> Settings:
        """Return what the report says of it."""
        return Settings(
            engine="comfyui",
            variant=variant,
            source=source,
            sampler=self.settings.sampler_name,
            scheduler=self.settings.scheduler,
            cfg=self.settings.cfg,
            seed=self.settings.seed,
            seeds=seeds,
            trained_steps=self.trained_steps,
            denoise=self.settings.denoise,
            label=self.label,
        )


@dataclass(frozen=True)
class Wanted:
    """What is to be run.

    Attributes:
        counts: step counts.
        auto: whether more are chosen as the runs tell.
        seeds: how many seeds, each one more than the one before.
    """

    counts: Sequence[int]
    auto: bool = False
    seeds: int = 1


def parse_rivals(text: str) -> list[tuple[str, str]]:
    """Return the pairs of sampler and scheduler of a list such as `dpmpp_2m/karras, heun/simple`.

    Raises:
        ValueError: if an entry has another form.
    """
    pairs = []
    for entry in text.replace(";", ",").split(","):
        parts = [part for part in entry.replace("/", " ").split() if part]
        if parts and len(parts) != 2:
            raise ValueError(f"also: expected {_ALLOWED}; got {entry.strip()[:60]!r}")
        pairs += [(parts[0], parts[1])] if parts else []
    return pairs


def check_setups(setups: Sequence[Setup]) -> None:
    """Refuse setups that this ComfyUI cannot run, or that are the same twice.

    Raises:
        ValueError: names the input, what is allowed and what came.
    """
    for place, setup in enumerate(setups):
        try:
            check_sampler(setup.settings)
        except ValueError as error:
            if not place or setup.plan is not None:
                raise
            raise ValueError(f"also: {error}") from None
    names = [setup.described("", "", 1).name for setup in setups]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"also: expected other settings than those compared already; got {twice[0]} once more")


def compare(
    comparison: Comparison,
    setups: Sequence[Setup],
    wanted: Wanted,
    model: tuple[Any, str, str],
    price: Price,
) -> Report:
    """Run every setup and return the report; the first setup's sweet spot is the comparison's.

    Args:
        comparison: runs the tasks.
        setups: at least one.
        wanted: step counts and seeds.
        model: the ModelPatcher, its variant, and where the knowledge of it comes from.
        price: what sampling costs.
    """
    judgements = [_run_setup(comparison, setup, wanted, model) for setup in setups]
    notes = [_OTHER_STARTS] if not all(one.settings.same_start for one in judgements) else []
    notes += [_UNEVEN] if any(_uneven(one) for one in judgements) else []
    return Report(tuple(judgements), price, (*comparison.notes, *notes))


def _run_setup(comparison: Comparison, setup: Setup, wanted: Wanted, model: tuple[Any, str, str]) -> Judgement:
    """Run a setup, round after round, and judge it after each: the next one may hang on that."""
    patcher, variant, source = model
    settings = setup.described(variant, source, wanted.seeds)
    runs: dict[int, Run] = {}
    known: Known = {}
    judged, counts = None, _first_counts(setup, wanted)
    while counts or judged is None:
        tasks = [task for seed in range(wanted.seeds) for task in _tasks(patcher, setup, seed, counts)]
        done = comparison.run(tasks)
        for place, count in enumerate(counts):
            runs[count] = over_seeds(done[place :: len(counts)])
        same_start = _same_start(patcher, _tasks(patcher, setup, 0, sorted(runs)))
        told = replace(settings, same_start=same_start)
        judged = judge(Series(told, list(runs.values())), throw_if_cancelled, known)
        counts = _next_counts(setup, wanted, judged)
    return judged


def _uneven(judged: Judgement) -> bool:
    """Return whether the runs' seconds were taken under conditions too different to be compared."""
    per_call = [run.seconds / run.model_calls for run in judged.runs if run.model_calls and run.seconds > 0]
    return bool(per_call) and max(per_call) > _UNEVEN_TIMES * min(per_call)


def _first_counts(setup: Setup, wanted: Wanted) -> list[int]:
    if not wanted.auto:
        return sorted(wanted.counts)
    searched = trained_counts(setup.trained_steps) if setup.trained_steps is not None else START
    return sorted({*wanted.counts, *searched})


def _next_counts(setup: Setup, wanted: Wanted, judged: Judgement) -> list[int]:
    """Return what a search wants to run next; where noise is injected no more steps would change its verdict."""
    over = not wanted.auto or setup.trained_steps is not None or injects_noise(setup.settings.sampler_name)
    return (
        []
        if over
        else next_step_counts(judged.counts, judged.similarity, judged.reference_similarity, listed=wanted.counts)
    )


def _same_start(model: Any, tasks: Sequence[Task]) -> bool:
    """Return whether all step counts start at the same noise level, to within a hundredth."""
    schedules = [schedule_of(model, task.steps, task.settings) for task in tasks]
    first = [float(schedule[0]) for schedule in schedules if len(schedule)]
    return not first or max(first) - min(first) <= _SAME_LEVEL * max(first)


def _tasks(model: Any, setup: Setup, seed: int, counts: Sequence[int]) -> list[Task]:
    """Return the tasks of one seed; those without an exact schedule share their settings."""
    # As ComfyUI's own control after generate: past the largest comes 0.
    common = replace(setup.settings, seed=(setup.settings.seed + seed) % (LARGEST_SEED + 1))
    tasks = []
    for count in counts:
        exact = exact_sigmas(model, at_steps(setup.plan, count)) if setup.plan is not None else None
        tasks.append(Task(common if exact is None else replace(common, sigmas=exact), count))
    return tasks
