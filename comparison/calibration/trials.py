"""Runs recipes on cases, each pair once, and scores them against the references."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ..engine import Engine
from ..runs import Run, Sampling
from ..verdict.measuring import Measuring
from .recipe import Recipe, Span
from .references import Reference
from .scores import Score


@dataclass(frozen=True)
class Held:
    """A recipe on the cases that decide.

    Attributes:
        recipe: the recipe.
        steps: the step count.
        score: how good its images are there.
        runs: one for each case.
        similarity: how similar each one's least similar image is to its reference.
    """

    recipe: Recipe
    steps: int
    score: Score
    runs: tuple[Run, ...]
    similarity: tuple[float, ...] = ()


@dataclass
class Trials:
    """Runs recipes and remembers their runs.

    Attributes:
        engine: runs and decodes.
        span: the model's noise levels.
        measuring: measures the images.
        visible: the similarity below which a difference is visible.
        tell: called after each recipe with the model calls so far.
        calls: model calls so far.
    """

    engine: Engine
    span: Span
    measuring: Measuring
    visible: float
    tell: Callable[[int], None]
    calls: int = 0
    _known: dict[tuple[Recipe, int, Sampling], tuple[Run, float]] = field(default_factory=dict)

    def price(self, every: Iterable[Recipe], steps: int, cases: Sequence[Reference]) -> int:
        """Return how many model calls these recipes would take on these cases, beside what has run."""
        return sum(recipe.model_calls(steps) * len(self._missing(recipe, steps, cases)) for recipe in set(every))

    def score(self, recipe: Recipe, steps: int, cases: Sequence[Reference]) -> Score:
        """Return how good a recipe's images are on these cases."""
        return Score.of(self.similarity(recipe, steps, cases), self.visible)

    def similarity(self, recipe: Recipe, steps: int, cases: Sequence[Reference]) -> list[float]:
        """Return for each case how similar the least similar image is to the reference."""
        return [similarity for _, similarity in self._ran(recipe, steps, cases)]

    def held(self, recipe: Recipe, steps: int, cases: Sequence[Reference]) -> Held:
        """Return a recipe's runs and score on these cases."""
        runs, similarity = (tuple(part) for part in zip(*self._ran(recipe, steps, cases), strict=True))
        return Held(recipe, steps, self.score(recipe, steps, cases), runs, similarity)

    def _ran(self, recipe: Recipe, steps: int, cases: Sequence[Reference]) -> list[tuple[Run, float]]:
        missing = self._missing(recipe, steps, cases)
        if missing:
            # Together, so that the engine can decode them together.
            runs = self.engine.run([recipe.task(case.sampling, steps, self.span) for case in missing])
            for case, run in zip(missing, runs, strict=True):
                self.calls += run.model_calls
                similarity = min(self.measuring.similarity([run], case.run)[0])
                self._known[recipe, steps, case.sampling] = (run, similarity)
            self.tell(self.calls)
        return [self._known[recipe, steps, case.sampling] for case in cases]

    def _missing(self, recipe: Recipe, steps: int, cases: Sequence[Reference]) -> list[Reference]:
        return [case for case in cases if (recipe, steps, case.sampling) not in self._known]
