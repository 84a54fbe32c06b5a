"""What the images of a calibration should look like: long runs, checked by another solver."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ...samplers.schedules import karras_levels, shifted_levels
from ..engine import Engine
from ..runs import Run, Sampling, Task
from ..verdict.measuring import Measuring
from ..verdict.pooling import pooled
from ..verdict.second_opinion import RHO, SHIFT
from .recipe import Span

REFERENCE_STEPS = 32
# Two solvers and two schedules, so that they don't share the same error: sampler, shift, rho and steps.
_REFERENCE = ("dpmpp_2m", SHIFT, RHO, REFERENCE_STEPS)
_CHECK = ("res_multistep", 2.0, 5.0, 20)
REFERENCE_CALLS = _REFERENCE[-1] + _CHECK[-1]


@dataclass(frozen=True)
class Reference:
    """One case, and what it should look like.

    Attributes:
        sampling: the case: prompt, seed and cfg; its sampler and schedule are not used.
        run: the long run.
        agreed: whether the other solver shows the same image. If not, it is not known what it should look like.
    """

    sampling: Sampling
    run: Run
    agreed: bool


def references(
    engine: Engine,
    cases: Sequence[Sampling],
    span: Span,
    visible: float,
    measuring: Measuring,
    tell: Callable[[int], None] = lambda _: None,
) -> tuple[list[Reference], int]:
    """Run every case with many steps, and return what it looks like, and how many model calls that took.

    Args:
        engine: runs them.
        cases: what differs between them.
        span: the model's noise levels.
        visible: the similarity below which a difference is visible.
        measuring: measures the images.
        tell: called after each case with the model calls so far.
    """
    found, calls = [], 0
    for case in cases:
        run, other = engine.run([_run_of(case, span, *settings) for settings in (_REFERENCE, _CHECK)])
        alike = pooled(measuring.similarity([other], run)[0])
        found.append(Reference(case, run, alike >= visible))
        calls += run.model_calls + other.model_calls
        tell(calls)
    return found, calls


def _run_of(case: Sampling, span: Span, sampler_name: str, shift: float, rho: float, steps: int) -> Task:
    """Return a long run on a shift, or on a rho where it is no flow-matching model."""
    if span.is_flow:
        levels = shifted_levels(span.first, shift, steps)
    else:
        levels = karras_levels(span.first, span.last, rho, steps)
    return Task(replace(case, sampler_name=sampler_name, denoise=1.0, sigmas=levels), steps)
