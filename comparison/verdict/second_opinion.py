"""A second opinion on the reference: one more run from the same noise, with another solver on another schedule.

Step counts of one sampler can agree with each other and still be wrong: the image may stay in another mode over many
counts. A second-order solver on a schedule with more steps at high noise, where the image's content is decided, reaches
the converged image with about 12 steps and does not share such plateaus.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...samplers.stochastic import why_no_sweet_spot
from ..runs import Run, Sampling

STEPS = 12
# Measured on the demo model (benchmarks/truth.py): below the first similarity, the reference was never the converged
# image; between the two, 12 steps of the check are sometimes too few to tell.
_FAR, _CLOSE = 0.75, 0.915
# Flow-matching models: time t runs evenly from 1 to 0, and the noise level is s t / (1 + (s - 1) t).
SHIFT = 3.0
# Others: Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models", 2022, their rho.
RHO = 7.0
_SOLVERS = ("dpmpp_2m", "res_multistep")
_HIGHEST_FLOW_LEVEL = 1.0 + 1e-4


@dataclass(frozen=True)
class Opinion:
    """A check run.

    Attributes:
        sampling: how it sampled.
        run: the run, all seeds together.
    """

    sampling: Sampling
    run: Run


@dataclass(frozen=True)
class Check:
    """What a check run showed about the reference.

    Attributes:
        sampler: the check run's sampler.
        steps: its steps.
        model_calls: its model calls for one seed.
        similarity: how similar its images look to the reference's, pooled.
        agrees: whether no difference is visible.
    """

    sampler: str
    steps: int
    model_calls: int
    similarity: float
    agrees: bool

    @property
    def is_far(self) -> bool:
        """Whether the pictures are so different that a longer check run would not make up for it."""
        return self.similarity < _FAR

    @property
    def is_close_call(self) -> bool:
        """Whether it agrees only just."""
        return self.agrees and self.similarity < _CLOSE


def can_be_checked(sampling: Sampling, trained_steps: tuple[int, int] | None) -> bool:
    """Return whether a second opinion means something: not for distilled models, injected noise and own equations."""
    own_equation = sampling.sampler_name.endswith("_cfg_pp")
    return trained_steps is None and not why_no_sweet_spot(sampling.sampler_name) and not own_equation


def check_sampling(sampling: Sampling, levels: Sequence[float], steps: int = STEPS) -> Sampling | None:
    """Return how the check run samples; None if these levels don't allow one.

    Args:
        sampling: how the reference samples.
        levels: the noise levels of the reference, falling to 0.
        steps: the check run's steps.
    """
    positive = [level for level in levels if level > 0]
    if len(positive) < 2:
        return None
    solver = next(name for name in _SOLVERS if name != sampling.sampler_name)
    if positive[0] <= _HIGHEST_FLOW_LEVEL:
        sigmas = _shifted(positive[0], steps)
    else:
        sigmas = _karras(positive[0], positive[-1], steps)
    return replace(sampling, sampler_name=solver, scheduler="simple", denoise=1.0, sigmas=sigmas)


def _shifted(start: float, steps: int) -> tuple[float, ...]:
    first = start / (SHIFT - (SHIFT - 1) * start)
    times = [first * (1 - step / steps) for step in range(steps + 1)]
    return tuple(SHIFT * time / (1 + (SHIFT - 1) * time) for time in times)


def _karras(start: float, end: float, steps: int) -> tuple[float, ...]:
    first, last = start ** (1 / RHO), end ** (1 / RHO)
    return (*((first + step / (steps - 1) * (last - first)) ** RHO for step in range(steps)), 0.0)
