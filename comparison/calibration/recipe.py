"""What a calibration tries: a sampler, on a stock scheduler or on noise levels with one number to choose."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...samplers.schedules import karras_levels, shifted_levels
from ...samplers.solvers import find_solver
from ..engine import Engine
from ..runs import Sampling, Task

# Flow-matching models: how far the schedule is shifted towards noise; 1 spaces the levels evenly.
SHIFTS = (1.0, 1.5, 2.0, 3.0, 4.5, 6.5)
# Others: Karras et al.'s rho, of which the stock scheduler has 7.
RHOS = (2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 30.0)
_HIGHEST_FLOW_LEVEL = 1.0 + 1e-4


@dataclass(frozen=True)
class Span:
    """The noise levels of a model.

    Attributes:
        first: the highest one, at which stock schedulers start.
        last: the lowest one above 0.
    """

    first: float
    last: float

    @classmethod
    def of(cls, engine: Engine, base: Sampling) -> "Span":
        """Return the levels of an engine's model."""
        plain = replace(base, denoise=1.0, sigmas=())
        first, last = (engine.schedule(replace(plain, scheduler=name), 2)[at] for name, at in _ENDS)
        return cls(float(first), float(last))

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
        scheduler: ComfyUI's name of the scheduler; `simple` with a shift, `karras` with a rho.
        shift: the absolute shift of a flow-matching model's schedule; None leaves the model's own.
        rho: the exponent of the levels; None leaves the scheduler's.
    """

    sampler_name: str
    scheduler: str
    shift: float | None = None
    rho: float | None = None

    @property
    def is_stock(self) -> bool:
        """Whether it is a stock scheduler, with nothing set on the model."""
        return self.shift is None and self.rho is None

    @property
    def value(self) -> float | None:
        """The number that can be refined; None without one."""
        return self.shift if self.shift is not None else self.rho

    @property
    def name(self) -> str:
        """A short name."""
        more = f", shift {self.shift:.3g}" if self.shift is not None else ""
        more += f", rho {self.rho:.3g}" if self.rho is not None else ""
        return f"{self.sampler_name}, {self.scheduler}{more}"

    def at(self, value: float) -> "Recipe":
        """Return the same recipe with another shift, or another rho."""
        return replace(self, **{"shift" if self.shift is not None else "rho": value})

    def levels(self, steps: int, span: Span) -> tuple[float, ...]:
        """Return its noise levels, falling to 0; empty for a stock scheduler, which the engine makes itself."""
        if self.shift is not None:
            return shifted_levels(span.first, self.shift, steps)
        return karras_levels(span.first, span.last, self.rho, steps) if self.rho is not None else ()

    def task(self, base: Sampling, steps: int, span: Span) -> Task:
        """Return what the engine runs."""
        settings = {"sampler_name": self.sampler_name, "scheduler": self.scheduler}
        return Task(replace(base, **settings, denoise=1.0, sigmas=self.levels(steps, span)), steps)

    def model_calls(self, steps: int) -> int:
        """Return how often it calls the model."""
        return find_solver(self.sampler_name).model_calls(steps)


def recipes(solvers: Sequence[str], schedulers: Sequence[str], span: Span) -> list[Recipe]:
    """Return everything to try, the most promising first.

    Args:
        solvers: samplers that inject no noise, of `samplers.solvers.SOLVERS`.
        schedulers: the stock schedulers that the engine has.
        span: the model's noise levels.
    """
    if span.is_flow:
        own = [Recipe(solver, "simple", shift=shift) for solver in solvers for shift in SHIFTS]
    else:
        own = [Recipe(solver, "karras", rho=rho) for solver in solvers for rho in RHOS]
    stock = [Recipe(solver, scheduler) for scheduler in schedulers for solver in solvers]
    return [*own, *stock]


def between(recipe: Recipe) -> list[Recipe]:
    """Return the recipes halfway to its neighbours on the grid, at the geometric mean; none without a number."""
    value = recipe.value
    if value is None:
        return []
    grid = SHIFTS if recipe.shift is not None else RHOS
    below = max((each for each in grid if each < value), default=None)
    above = min((each for each in grid if each > value), default=None)
    return [recipe.at((value * other) ** 0.5) for other in (below, above) if other is not None]
