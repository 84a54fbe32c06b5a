"""A second opinion on the reference: a check run from the same noise, with another solver on another schedule.

Step counts of one sampler can agree with each other and still be wrong: the image may stay in another mode over many
counts. A second-order solver on a schedule with more steps at high noise, where the image's content is decided, reaches
the converged image with few steps and does not share such plateaus.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...samplers.schedules import karras_levels, shifted_levels
from ...samplers.stochastic import why_no_sweet_spot
from ...words import Message
from ..measures.visibility import SIDE_BY_SIDE
from ..runs import Run, Sampling

# If the check run looks different from the reference, it is repeated with the next number of steps.
STEPS = (12, 24, 48)
# Flow-matching models: time t runs evenly from 1 to 0, and the noise level is s t / (1 + (s - 1) t). A model that has a
# larger shift of its own keeps it.
SHIFT = 3.0
# Others: Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models", 2022, their rho.
RHO = 7.0
# Measured on 130 pictures of the demo model (benchmarks/truth.py, seeds 101 and 102): with less than this much above
# the visible similarity, one verdict of 40 was wrong. The second is for a check that agrees only after it ran longer.
_CLEAR, _CLEAR_LATER = 0.01, 0.04
# Images are clearly different if they are less similar than the visible similarity by this much.
_FAR = 0.045
# Other settings are worth naming if they take at most this share of the model calls.
_WORTHWHILE = 0.75
_SOLVERS = ("dpmpp_2m", "res_multistep")
_HIGHEST_FLOW_LEVEL = 1.0 + 1e-4
_SAME_LEVEL = 0.01
_CHECK_SLACK = 0.01


@dataclass(frozen=True)
class CheckPlan:
    """How the check runs sample.

    Attributes:
        sampling: the settings, except for the noise levels.
        start: the noise level at which the reference starts.
        end: its last one above 0.
        shift: the shift of a flow-matching model; None for others.
        from_full_noise: whether the start is the highest level, where stock schedulers start.
    """

    sampling: Sampling
    start: float
    end: float
    shift: float | None
    from_full_noise: bool = True

    @property
    def scheduler(self) -> str:
        """ComfyUI's name of the schedule."""
        return "simple" if self.shift else "karras"

    def starts_like(self, other: "CheckPlan") -> bool:
        """Return whether both start at the same noise level. Below denoise 1, it may depend on the step count."""
        return math.isclose(self.start, other.start, rel_tol=_SAME_LEVEL)

    def at(self, steps: int) -> Sampling:
        """Return the settings of a check run of this many steps."""
        return replace(self.sampling, scheduler=self.scheduler, denoise=1.0, sigmas=self._levels(steps))

    def _levels(self, steps: int) -> tuple[float, ...]:
        if self.shift is None:
            return karras_levels(self.start, self.end, RHO, steps)
        return shifted_levels(self.start, self.shift, steps)


@dataclass(frozen=True)
class Opinion:
    """The check runs so far, by rising steps.

    Attributes:
        plan: how they sample.
        runs: the runs, each with all seeds.
    """

    plan: CheckPlan
    runs: tuple[Run, ...]

    @property
    def next_steps(self) -> int | None:
        """The next check run's steps; None if there are no more."""
        return next((steps for steps in STEPS if steps > self.runs[-1].steps), None)


@dataclass(frozen=True)
class Check:
    """What the check runs showed about the reference.

    Attributes:
        sampler: their sampler.
        scheduler: their schedule.
        shift: its shift for a flow-matching model; None for others.
        steps: steps of the last one.
        model_calls: model calls of all of them for one seed.
        seconds: sampling time of all of them; the mean over the seeds.
        similarity: how similar the last one's images look to the reference's, pooled.
        agrees: whether no difference is visible.
        clear: whether that, or the opposite, is no close call.
        is_far: whether the images look clearly different.
        settled: whether the last two look alike at the usual threshold, or a stricter one; None with only one.
        agrees_well: whether no difference would be visible at the usual threshold, either. A looser one lets a check
            agree that is itself far from the converged image, and then no smaller count could look like both.
    """

    sampler: str
    scheduler: str
    shift: float | None
    steps: int
    model_calls: int
    seconds: float
    similarity: float
    agrees: bool
    clear: bool
    is_far: bool
    settled: bool | None
    agrees_well: bool

    @property
    def is_open(self) -> bool:
        """Whether it disagrees or hardly agrees, and a longer check run may show that it was wrong."""
        return not (self.agrees_well or self.settled) and self.steps < STEPS[-1]


@dataclass(frozen=True)
class Better:
    """Settings that reach the converged image, with fewer model calls than a sweet spot.

    Attributes:
        sampler: ComfyUI's sampler name.
        scheduler: ComfyUI's scheduler name.
        shift: the model's shift for it; None if the model has none.
        steps: step count.
        model_calls: model calls for one seed.
    """

    sampler: str
    scheduler: str
    shift: float | None
    steps: int
    model_calls: int

    @property
    def text(self) -> Message:
        """The settings in words."""
        values = {"sampler": self.sampler, "scheduler": self.scheduler, "count": self.steps}
        if not self.shift:
            return Message("why.settings", "{sampler}, {scheduler}, {count} steps", values)
        shifted = "{sampler}, {scheduler}, {count} steps, with a shift of {shift} (a ModelSampling node sets it)"
        return Message("why.settings_shift", shifted, values | {"shift": f"{self.shift:g}"})


def can_be_checked(sampling: Sampling, trained_steps: tuple[int, int] | None) -> bool:
    """Return whether a second opinion means something: not for distilled models, injected noise and own equations."""
    own_equation = sampling.sampler_name.endswith("_cfg_pp")
    return trained_steps is None and not why_no_sweet_spot(sampling.sampler_name) and not own_equation


def plan_check(
    sampling: Sampling, levels: Sequence[float], two_steps: Sequence[float] = (), karras: Sequence[float] = ()
) -> CheckPlan | None:
    """Return how the check runs sample; None if the reference has too few noise levels to choose another schedule.

    Args:
        sampling: how the reference samples.
        levels: the noise levels of the reference, falling to 0.
        karras: the levels of two steps of the scheduler "karras", which show the lowest one.
        two_steps: the levels of two steps of the scheduler "simple" from full noise. They show whether it is a
            flow-matching model, and its shift.
    """
    positive = [level for level in levels if level > 0]
    if len(positive) < 2:
        return None
    solver = next(name for name in _SOLVERS if name != sampling.sampler_name)
    is_flow = max([*positive, *two_steps]) <= _HIGHEST_FLOW_LEVEL
    shift = max(SHIFT, _own_shift(two_steps)) if is_flow else None
    lowest = karras[1] if len(karras) == 3 else positive[-1]
    full = two_steps[0] if two_steps else positive[0]
    is_full = math.isclose(positive[0], full, rel_tol=_SAME_LEVEL)
    return CheckPlan(replace(sampling, sampler_name=solver), positive[0], lowest, shift, is_full)


def make_check(opinion: Opinion, similarity: Sequence[float], settled: float | None, visible: float) -> Check:
    """Return what the check runs showed.

    Args:
        opinion: the check runs.
        similarity: how similar each one looks to the reference.
        settled: how similar the last two look to each other; None with only one.
        visible: the similarity below which a difference is visible.
    """
    plan, last = opinion.plan, opinion.runs[-1]
    calls = sum(run.model_calls for run in opinion.runs)
    alike = similarity[-1]
    usual = max(visible, SIDE_BY_SIDE.below)
    agrees, agrees_well, settles = alike >= visible, alike >= usual, None if settled is None else settled >= usual
    margin = _CLEAR if min(similarity) >= visible else _CLEAR_LATER
    is_far = alike < visible - _FAR
    clear = alike >= visible + margin if agrees else bool(settles) and is_far
    seconds = sum(run.seconds for run in opinion.runs)
    solver = plan.sampling.sampler_name
    looks = alike, agrees, clear, is_far, settles, agrees_well
    return Check(solver, plan.scheduler, plan.shift, last.steps, calls, seconds, *looks)


def like_check(similarity: float, visible: float) -> float:
    """Return a similarity to the check; one that is only just below the visible one counts as that.

    The check is not quite converged, either.
    """
    return max(similarity, min(similarity + _CHECK_SLACK, visible))


def better_settings(opinion: Opinion, check: Check, enough: Run | None, reaches: Sequence[bool]) -> Better | None:
    """Return the settings of the shortest check run that shows the converged image; None if it saves no calls.

    Where the reference starts below full noise, there are none: stock schedulers would start elsewhere.

    Args:
        opinion: the check runs.
        check: what they showed.
        enough: the run of the sweet spot; None without one.
        reaches: for each check run whether it shows the converged image.
    """
    if not opinion.plan.from_full_noise or not (check.agrees or check.settled):
        return None
    run = next(run for run, reached in zip(opinion.runs, reaches, strict=True) if reached)
    if enough is not None and run.model_calls > _WORTHWHILE * enough.model_calls:
        return None
    return Better(check.sampler, check.scheduler, check.shift, run.steps, run.model_calls)


def _own_shift(two_steps: Sequence[float]) -> float:
    """Return the shift s of the level s / (1 + s) at half of the time; 0 if unknown."""
    half = two_steps[1] if len(two_steps) == 3 else 0.0
    return half / (1 - half) if 0 < half < 1 else 0.0
