"""Tests whether a sampler that isn't known injects noise: then two neighbouring step counts differ as two seeds do."""

from collections.abc import Sequence

from ...comparison.contenders import Contender
from ...comparison.report import Report
from ...comparison.runs import Run, Task
from ...comparison.verdict.measuring import Measuring
from ...comparison.verdict.pooling import pooled
from ...samplers.stochastic import DETERMINISTIC, why_no_sweet_spot

# Of the difference between two seeds, neighbouring counts show at least this share if each run draws its own noise.
_SHARE = 0.75
# With fewer steps, images change a lot from count to count, also without noise.
_LEAST_STEPS = 8


def tasks_of_noise_test(report: Report, contender: Contender, *, can_reseed: bool) -> Sequence[Task]:
    """Return the runs that the test needs; none if it isn't needed.

    It isn't if the sampler is known, or if the two largest counts look the same: then nothing keeps changing.

    Args:
        report: the comparison so far.
        contender: what was compared.
        can_reseed: whether the graph has a seed to change.
    """
    name, runs = contender.sampling.sampler_name, report.first.runs
    is_known = name in DETERMINISTIC or why_no_sweet_spot(name)
    if is_known or contender.trained_steps is not None or not can_reseed or len(runs) == 1:
        return ()
    if runs[-2].similarity >= report.first.settings.visible.below or runs[-1].run.steps <= _LEAST_STEPS:
        return ()
    largest = runs[-1].run.steps
    return Task(contender.sampling, largest - 1), Task(contender.sampling.with_seed(1), largest)


def is_noisy(report: Report, neighbour: Run, other_seed: Run, measuring: Measuring) -> bool:
    """Return whether a neighbouring count differs visibly, and about as much as another seed.

    Args:
        report: the comparison so far; its largest count is the one that both are compared with.
        neighbour: one step less, with the same seed.
        other_seed: as many steps, with another seed.
        measuring: measures.
    """
    largest = report.first.runs[-1].run
    first_seed = len(neighbour.images)
    of_first = Run(largest.steps, largest.model_calls, largest.seconds, largest.images[:first_seed])
    same, other = (pooled(measuring.similarity([run], of_first)[0]) for run in (neighbour, other_seed))
    visible = report.first.settings.visible.below
    return same < visible and 1 - same >= _SHARE * (1 - other)
