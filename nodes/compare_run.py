"""A whole comparison: every setup, every seed, every step count, or the search for the sweet spot."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..comparison.judge import judge
from ..comparison.report import Price, Report, build_report
from ..comparison.runs import Run, Series, Settings, over_seeds
from ..presets.plan import StepPlan
from ..presets.trained import at_steps
from ..samplers.search import next_step_counts, trained_counts
from .comparison import Comparison, Task
from .model_sampling import exact_sigmas
from .sampling import SamplerSettings, check_sampler
from .schema import LARGEST_SEED

_ALLOWED = "pairs of sampler and scheduler as dpmpp_2m/karras, separated by commas"


@dataclass(frozen=True)
class Setup:
    """One way to sample that is compared: the node's own settings, another sampler, or a plan.

    Attributes:
        settings: the KSampler's settings.
        plan: whose exact schedule is used where it has one for a step count; None where there is none.
        trained_steps: lowest and highest step count that a distilled model was trained for, None for others.
    """

    settings: SamplerSettings
    plan: StepPlan | None = None
    trained_steps: tuple[int, int] | None = None

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
    for setup in setups:
        check_sampler(setup.settings)
    names = [setup.described("", "", 1).name for setup in setups]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"also: expected other settings than the node's own, each once; got {twice[0]} more than once")


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
    series = [_run_setup(comparison, setup, wanted, model) for setup in setups]
    return build_report(series, price, comparison.notes)


def _run_setup(comparison: Comparison, setup: Setup, wanted: Wanted, model: tuple[Any, str, str]) -> Series:
    patcher, variant, source = model
    settings = setup.described(variant, source, wanted.seeds)
    runs: dict[int, Run] = {}
    for counts in _rounds(setup, wanted, settings, runs):
        tasks = [task for seed in range(wanted.seeds) for task in _tasks(patcher, setup, seed, counts)]
        done = comparison.run(tasks)
        for place, count in enumerate(counts):
            runs[count] = over_seeds(done[place :: len(counts)])
    return Series(settings, [runs[count] for count in sorted(runs)])


def _rounds(setup: Setup, wanted: Wanted, settings: Settings, runs: dict[int, Run]) -> Iterator[list[int]]:
    """Yield the step counts of each round; `runs` fills in between."""
    counts = sorted(wanted.counts)
    if wanted.auto and setup.trained_steps is not None:
        yield sorted({*counts, *trained_counts(setup.trained_steps)})
        return
    if not wanted.auto:
        yield counts
        return
    first = next_step_counts(counts, [], None)
    yield sorted({*counts, *first})
    while True:
        told = judge(Series(settings, list(runs.values())))
        more = next_step_counts(told.counts, told.similarity, told.reference_similarity)
        if not more:
            return
        yield more


def _tasks(model: Any, setup: Setup, seed: int, counts: Sequence[int]) -> list[Task]:
    """Return the tasks of one seed; those without an exact schedule share their settings."""
    # As ComfyUI's own control after generate: past the largest comes 0.
    common = replace(setup.settings, seed=(setup.settings.seed + seed) % (LARGEST_SEED + 1))
    tasks = []
    for count in counts:
        exact = exact_sigmas(model, at_steps(setup.plan, count)) if setup.plan is not None else None
        tasks.append(Task(common if exact is None else replace(common, sigmas=exact), count))
    return tasks
