"""Finds the schedule with which a model's images are finished after a given number of steps.

Half of the cases choose: all recipes run on two of them, the best third on the rest, and the best one's number is
refined. Then the best few run on the other half, too. The best one on all of them must be no worse than the best stock
one on the half that did not choose, and better than it by more than chance; otherwise that one is the answer.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ..engine import Engine
from ..measures.visibility import SIDE_BY_SIDE, Visible
from ..runs import Run, Sampling
from ..verdict.measuring import Measuring
from .recipe import Recipe, Span, between, recipes
from .references import REFERENCE_CALLS, Reference, references
from .scores import Score

# The deterministic solvers that are worth their calls at few steps.
SOLVERS = ("dpmpp_2m", "res_multistep", "euler")
# Stock schedulers that work with every model and step count; an engine may lack some.
SCHEDULERS = (
    "simple",
    "beta",
    "sgm_uniform",
    "normal",
    "karras",
    "exponential",
    "ddim_uniform",
    "linear_quadratic",
    "kl_optimal",
)
LEAST_CASES = 4
CALLS_FOR_ONE_SOLVER = 600
# On so many cases all recipes run; then this share of them goes on.
_FIRST_CASES, _KEPT = 2, 1 / 3
# Of so many of the best, what is around them is tried, too.
_REFINED = 3
# So many of the best run on the cases that decide.
_FINALISTS = 3
# The mean gain over a stock scheduler must be this many standard errors.
_SURE = 0.5
# The share of the calls that the first round may take.
_FIRST_ROUND = 0.42


@dataclass(frozen=True)
class Wanted:
    """What to calibrate.

    Attributes:
        steps: the step count.
        cases: one for each image: prompt, seed and cfg. Half of them choose, half decide.
        before: what is used now.
        solvers: the samplers to try.
        schedulers: the stock schedulers to try, of those that the engine has.
        budget: the most model calls of the search, beyond the references.
        visible: which differences count.
    """

    steps: int
    cases: Sequence[Sampling]
    before: Recipe
    solvers: Sequence[str] = SOLVERS[:1]
    schedulers: Sequence[str] = SCHEDULERS
    budget: int = CALLS_FOR_ONE_SOLVER
    visible: Visible = SIDE_BY_SIDE

    @property
    def most_calls(self) -> int:
        """The most model calls of all, with those of the references."""
        return len(self.cases) * REFERENCE_CALLS + self.budget


@dataclass(frozen=True)
class Held:
    """A recipe on the cases that decide.

    Attributes:
        recipe: the recipe.
        score: how good its images are there.
        runs: one for each case.
        similarity: how similar each one's least similar image is to its reference.
    """

    recipe: Recipe
    score: Score
    runs: tuple[Run, ...]
    similarity: tuple[float, ...] = ()


@dataclass(frozen=True)
class Calibration:
    """What was found.

    Attributes:
        wanted: what was asked for.
        span: the model's noise levels.
        chosen: the recipe to use.
        before: what is used now, on the cases that decide.
        stock: the best stock recipe on them.
        best: the best recipe of all on them.
        references: the long runs on them.
        tried: every recipe with its score on the cases that choose, the best one first.
        left_out: the cases whose long runs disagree.
        reference_calls: model calls of the long runs.
        search_calls: all others.
    """

    wanted: Wanted
    span: Span
    chosen: Held
    before: Held
    stock: Held
    best: Held
    references: tuple[Reference, ...]
    tried: tuple[tuple[Recipe, Score], ...]
    left_out: tuple[Sampling, ...]
    reference_calls: int
    search_calls: int

    @property
    def is_gain(self) -> bool:
        """Whether the chosen recipe is better than what is used now."""
        return self.chosen.recipe != self.before.recipe and self.chosen.score > self.before.score


@dataclass(frozen=True)
class Progress:
    """How far a calibration is.

    Attributes:
        calls: model calls so far.
        most_calls: how many there will be at most.
        best: what is best so far; None before the search.
        score: its score on the cases that it has run on.
    """

    calls: int
    most_calls: int
    best: Recipe | None = None
    score: Score | None = None


class CalibrationError(ValueError):
    """It can't be calibrated; the message names the input, what is needed and what came."""


def calibrate(
    engine: Engine,
    wanted: Wanted,
    measuring: Measuring | None = None,
    tell: Callable[[Progress], None] = lambda _: None,
) -> Calibration:
    """Search for the best recipe and check it on cases that it was not chosen by.

    Args:
        engine: runs and decodes.
        wanted: what to calibrate.
        measuring: measures the images.
        tell: called after each run.

    Raises:
        CalibrationError: there are too few cases, or the long runs of too many disagree.
    """
    if len(wanted.cases) < LEAST_CASES:
        raise CalibrationError(f"prompts: expected at least {LEAST_CASES}, got {len(wanted.cases)}")
    measuring = measuring or Measuring(engine.device, engine.check_cancelled)
    span = Span.of(engine, wanted.cases[0])
    known, calls = references(
        engine,
        wanted.cases,
        span,
        wanted.visible.below,
        measuring,
        lambda so_far: tell(Progress(so_far, wanted.most_calls)),
    )
    agreed = [each for each in known if each.agreed]
    if len(agreed) < LEAST_CASES:
        raise CalibrationError(
            f"prompts: expected at least {LEAST_CASES} whose long runs show the same image with two solvers, got "
            f"{len(agreed)} of {len(known)}. A distilled model has none; otherwise try other seeds."
        )
    search = _Search(engine, wanted, span, measuring, lambda so_far: tell(replace(so_far, calls=calls + so_far.calls)))
    tried = search.tried_on(agreed[::2])
    deciding = agreed[1::2]
    few = [recipe for recipe, _ in tried[:_FINALISTS]]
    best = search.held(search.best_of(few, agreed), deciding)
    stock = search.held(search.best_of([recipe for recipe, _ in tried if recipe.is_stock], agreed[::2]), deciding)
    before = search.held(wanted.before, deciding)
    chosen = best if search.is_better(best, stock, agreed) else stock
    chosen = chosen if chosen.score.is_no_worse_than(before.score) else before
    left_out = tuple(each.sampling for each in known if not each.agreed)
    return Calibration(
        wanted, span, chosen, before, stock, best, tuple(deciding), tuple(tried), left_out, calls, search.calls
    )


@dataclass
class _Search:
    """Runs recipes on cases, each pair once."""

    engine: Engine
    wanted: Wanted
    span: Span
    measuring: Measuring
    tell: Callable[[Progress], None]
    calls: int = 0
    _best: tuple[Recipe, Score] | None = None
    _known: dict[tuple[Recipe, Sampling], tuple[Run, float]] = field(default_factory=dict)

    def tried_on(self, cases: Sequence[Reference]) -> list[tuple[Recipe, Score]]:
        """Return the recipes that went on to all of these cases, with their scores; the best one first."""
        first = self._ranked(self._affordable(), cases[:_FIRST_CASES])
        kept = [recipe for recipe, _ in first[: max(round(_KEPT * len(first)), 2)]]
        # The best stock recipe is what the others have to beat.
        stock = [recipe for recipe, _ in first if recipe.is_stock][:2]
        ranked = self._ranked(list(dict.fromkeys([*kept, *stock])), cases)
        leading = [recipe for recipe, _ in ranked[:_REFINED]]
        around = [
            *between(leading[0]),
            *(near for one in leading[1:] if one.scheduler == "beta" for near in between(one)),
        ]
        refined = self._payable(around, len(cases))
        return self._ranked([*(recipe for recipe, _ in ranked), *refined], cases)

    def held(self, recipe: Recipe, cases: Sequence[Reference]) -> Held:
        """Return a recipe's runs and score on the cases that decide."""
        runs, similarity = (tuple(part) for part in zip(*self._ran(recipe, cases), strict=True))
        return Held(recipe, self._score(recipe, cases), runs, similarity)

    def best_of(self, every: Sequence[Recipe], cases: Sequence[Reference]) -> Recipe:
        """Return the best recipe on these cases."""
        return self._ranked(every, cases)[0][0]

    def is_better(self, one: Held, other: Held, cases: Sequence[Reference]) -> bool:
        """Return whether a recipe is no worse where it counts, and better on all cases by more than chance."""
        if one.recipe == other.recipe or not one.score.is_no_worse_than(other.score):
            return False
        pairs = zip(self._ran(one.recipe, cases), self._ran(other.recipe, cases), strict=True)
        gains = [mine[1] - theirs[1] for mine, theirs in pairs]
        return statistics.mean(gains) > _SURE * statistics.stdev(gains) / len(gains) ** 0.5

    def _affordable(self) -> list[Recipe]:
        """Return what is used now, and as many others as the first round may pay for."""
        wanted = self.wanted
        every = dict.fromkeys([wanted.before, *recipes(wanted.solvers, wanted.schedulers, self.span)])
        chosen, calls = [], 0
        for recipe in every:
            calls += _FIRST_CASES * recipe.model_calls(wanted.steps)
            if calls <= _FIRST_ROUND * wanted.budget or not chosen:
                chosen.append(recipe)
        # Without a stock recipe, there would be nothing to compare with.
        return chosen if any(recipe.is_stock for recipe in chosen) else [*chosen, Recipe(wanted.solvers[0], "simple")]

    def _payable(self, every: Sequence[Recipe], cases: int) -> list[Recipe]:
        """Return the first recipes that may still run on the cases, if the finalists then run on those that decide."""
        wanted = self.wanted
        deciding = (_FINALISTS + 2) * (len(wanted.cases) // 2)
        left = (
            wanted.budget - self.calls - deciding * max((each.model_calls(wanted.steps) for each in every), default=0)
        )
        payable: list[Recipe] = []
        for recipe in every:
            left -= cases * recipe.model_calls(wanted.steps)
            if left >= 0:
                payable.append(recipe)
        return payable

    def _ranked(self, every: Sequence[Recipe], cases: Sequence[Reference]) -> list[tuple[Recipe, Score]]:
        scored = [(recipe, self._score(recipe, cases)) for recipe in every]
        ranked = sorted(scored, key=lambda pair: pair[1], reverse=True)
        self._best = ranked[0]
        return ranked

    def _score(self, recipe: Recipe, cases: Sequence[Reference]) -> Score:
        return Score.of([similarity for _, similarity in self._ran(recipe, cases)], self.wanted.visible.below)

    def _ran(self, recipe: Recipe, cases: Sequence[Reference]) -> list[tuple[Run, float]]:
        """Return the run of each case, and how similar its least similar image is to the reference."""
        missing = [case for case in cases if (recipe, case.sampling) not in self._known]
        if missing:
            # Together, so that the engine can decode them together.
            runs = self.engine.run([recipe.task(case.sampling, self.wanted.steps, self.span) for case in missing])
            for case, run in zip(missing, runs, strict=True):
                self.calls += run.model_calls
                similarity = min(self.measuring.similarity([run], case.run)[0])
                self._known[recipe, case.sampling] = (run, similarity)
            self.tell(Progress(self.calls, self.wanted.most_calls, *(self._best or (None, None))))
        return [self._known[recipe, case.sampling] for case in cases]
