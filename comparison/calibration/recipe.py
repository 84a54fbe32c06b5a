"""What a calibration tries: a sampler, on a stock scheduler or on noise levels with a number or two to choose."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from ...samplers.schedules import beta_levels, karras_levels, shifted_levels
from ..engine import Engine
from ..runs import Sampling, Task

# Flow-matching models: how far the schedule is shifted towards noise; 1 spaces the levels evenly.
SHIFTS = (1.0, 1.5, 2.0, 3.0, 4.5, 6.5)
# In this order they are tried if the budget isn't enough for all.
_FROM_THE_MIDDLE = (3, 2, 4, 1, 5, 0, 6)
# Others: Karras et al.'s rho, of which the stock scheduler has 7.
RHOS = (2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 30.0)
# Of the stock scheduler "beta". They are only tried around it, by this factor, and only if it is among the best.
STOCK_BETA = (0.6, 0.6)
_BETA_FACTOR = 1.5
# ComfyUI's deterministic samplers that call the model more than once per step.
_CALLS_PER_STEP = {"heun": 2, "exp_heun_2_x0": 2, "dpm_2": 2, "heunpp2": 3}
_HIGHEST_FLOW_LEVEL = 1.0 + 1e-4
_TABLE_STEPS = 1000


@dataclass(frozen=True)
class Span:
    """The noise levels of a model.

    Attributes:
        first: the highest one, at which stock schedulers start.
        last: the lowest one above 0.
        table: those of a thousand trained timesteps, rising.
    """

    first: float
    last: float
    table: tuple[float, ...] = ()

    @classmethod
    def of(cls, engine: Engine, base: Sampling) -> "Span":
        """Return the levels of an engine's model."""
        plain = replace(base, denoise=1.0, sigmas=())
        first, last = (engine.schedule(replace(plain, scheduler=name), 2)[at] for name, at in _ENDS)
        table = engine.schedule(replace(plain, scheduler="simple"), _TABLE_STEPS)
        return cls(float(first), float(last), tuple(sorted(float(level) for level in table if level > 0)))

    @property
    def is_flow(self) -> bool:
        """Whether it is a flow-matching model: noise replaces the data, up to a level of 1."""
        return self.first <= _HIGHEST_FLOW_LEVEL


# Every stock scheduler starts at the highest level; "karras" ends at the lowest.
_ENDS = (("simple", 0), ("karras", 1))


@dataclass(frozen=True)
class Recipe:
    """A sampler and its schedule.

    Attributes:
        sampler_name: ComfyUI's name of the sampler.
        scheduler: ComfyUI's name of the scheduler; `simple` with a shift, `karras` with a rho, `beta` with its numbers.
        shift: the absolute shift of a flow-matching model's schedule; None leaves the model's own.
        rho: the exponent of the levels; None leaves the scheduler's.
        alpha_beta: the two numbers of the beta distribution; None leaves the scheduler's.
    """

    sampler_name: str
    scheduler: str
    shift: float | None = None
    rho: float | None = None
    alpha_beta: tuple[float, float] | None = None

    @property
    def is_stock(self) -> bool:
        """Whether it is a stock scheduler, with nothing set on the model."""
        return self.shift is None and not self.scheduler_options

    @property
    def scheduler_options(self) -> dict[str, float]:
        """The scheduler's own numbers, by the names of the stock nodes KarrasScheduler and BetaSamplingScheduler."""
        if self.rho is not None:
            return {"rho": self.rho}
        return dict(zip(("alpha", "beta"), self.alpha_beta, strict=True)) if self.alpha_beta else {}

    @property
    def name(self) -> str:
        """A short name."""
        more = f", shift {self.shift:.3g}" if self.shift is not None else ""
        more += "".join(f", {name} {value:.3g}" for name, value in self.scheduler_options.items())
        return f"{self.sampler_name}, {self.scheduler}{more}"

    def levels(self, steps: int, span: Span) -> tuple[float, ...]:
        """Return its noise levels, falling to 0; empty for a stock scheduler, which the engine makes itself."""
        if self.shift is not None:
            return shifted_levels(span.first, self.shift, steps)
        if self.alpha_beta is not None:
            return beta_levels(span.table, steps, *self.alpha_beta)
        return karras_levels(span.first, span.last, self.rho, steps) if self.rho is not None else ()

    def task(self, base: Sampling, steps: int, span: Span) -> Task:
        """Return what the engine runs."""
        settings = {"sampler_name": self.sampler_name, "scheduler": self.scheduler}
        return Task(replace(base, **settings, denoise=1.0, sigmas=self.levels(steps, span)), steps)

    def model_calls(self, steps: int) -> int:
        """Return how often it calls the model at most."""
        if self.scheduler == "ddim_uniform":
            # It takes every so many trained levels, and so sometimes makes a step more.
            steps = math.ceil((_TABLE_STEPS - 1) / max(_TABLE_STEPS // steps, 1))
        return _CALLS_PER_STEP.get(self.sampler_name, 1) * (steps - 1) + 1


def recipes(solvers: Sequence[str], schedulers: Sequence[str], span: Span) -> list[Recipe]:
    """Return everything to try, the most promising first, stock schedulers and others in turn.

    Args:
        solvers: samplers that inject no noise, of `samplers.solvers.SOLVERS`.
        schedulers: the stock schedulers that the engine has.
        span: the model's noise levels.
    """
    if span.is_flow:
        shifts = [SHIFTS[place] for place in _FROM_THE_MIDDLE if place < len(SHIFTS)]
        own = [Recipe(solver, "simple", shift=shift) for shift in shifts for solver in solvers]
    else:
        own = [Recipe(solver, "karras", rho=RHOS[place]) for place in _FROM_THE_MIDDLE for solver in solvers]
    stock = [Recipe(solver, scheduler) for scheduler in schedulers for solver in solvers]
    return [recipe for pair in zip_longest(own, stock) for recipe in pair if recipe is not None]


def between(recipe: Recipe) -> list[Recipe]:
    """Return the recipes around one; none for a scheduler without numbers.

    A shift or rho goes halfway to its neighbours on the grid; the numbers of "beta" change by a factor.
    """
    if recipe.scheduler == "beta":
        alpha, beta = recipe.alpha_beta or STOCK_BETA
        others = [(alpha * by, beta) for by in (_BETA_FACTOR, 1 / _BETA_FACTOR)]
        others += [(alpha, beta * by) for by in (_BETA_FACTOR, 1 / _BETA_FACTOR)]
        return [replace(recipe, alpha_beta=pair) for pair in others]
    if recipe.shift is not None:
        return [replace(recipe, shift=value) for value in _halfway(recipe.shift, SHIFTS)]
    return [replace(recipe, rho=value) for value in _halfway(recipe.rho, RHOS)] if recipe.rho is not None else []


def _halfway(value: float, grid: Sequence[float]) -> list[float]:
    """Return the geometric means of a value and its neighbours on a grid."""
    below = max((each for each in grid if each < value), default=None)
    above = min((each for each in grid if each > value), default=None)
    return [(value * other) ** 0.5 for other in (below, above) if other is not None]
