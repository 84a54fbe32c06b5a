"""Finds the schedule with which a model's images are finished after a given number of steps.

Half of the cases choose: all recipes run on two of them, the best third on the rest, and the best one's number is
refined. Then the best few run on the other half, too. The best one on all of them must be no worse than the best stock
one on the half that did not choose, and better than it by more than chance; otherwise that one is the answer.
"""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..engine import Engine
from ..measures.visibility import SIDE_BY_SIDE, Visible
from ..runs import Sampling
from ..verdict.measuring import Measuring
from .recipe import Recipe, Span, between, recipes
from .references import REFERENCE_CALLS, Reference, references
from .scores import Score
from .trials import Held, Trials

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
# One step has no schedule to choose; with so many, any schedule will do.
LEAST_STEPS, MOST_STEPS = 2, 100
CALLS_FOR_ONE_SOLVER = 600
# On so many cases all recipes run; then this share of them goes on.
_FIRST_CASES, _KEPT = 2, 1 / 3
# Of so many of the best, what is around them is tried, too.
_REFINED = 3
# So many of the best run on the cases that decide.
_FINALISTS = 3
# What is used now, the best stock recipe, and what was found.
_HELD = _LEAST_RECIPES = 3
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
        budget: the most model calls of the search, beyond the references; 0 for the usual number.
        visible: which differences count.
        other_steps: more step counts at which what was found, the best stock recipe and what is used now are run.
    """

    steps: int
    cases: Sequence[Sampling]
    before: Recipe
    solvers: Sequence[str] = SOLVERS[:1]
    schedulers: Sequence[str] = SCHEDULERS
    budget: int = 0
    visible: Visible = SIDE_BY_SIDE
    other_steps: Sequence[int] = ()

    @property
    def least_calls(self) -> int:
        """The fewest model calls of a search: what is used now, a stock recipe and another one, on all cases."""
        return _LEAST_RECIPES * len(self.cases) * self.calls_each

    @property
    def most_search_calls(self) -> int:
        """The most model calls of the search."""
        return self.budget or max(CALLS_FOR_ONE_SOLVER * len(self.solvers), 2 * self.least_calls)

    @property
    def most_calls(self) -> int:
        """The most model calls of all, with those of the references and of other step counts."""
        others = _HELD * (len(self.cases) // 2) * sum(map(self.calls_at, self.other_steps))
        return len(self.cases) * REFERENCE_CALLS + self.most_search_calls + others

    @property
    def calls_each(self) -> int:
        """The most model calls of one image."""
        return self.calls_at(self.steps)

    def calls_at(self, steps: int) -> int:
        """Return the most model calls of one image with so many steps."""
        names, schedulers = {*self.solvers, self.before.sampler_name}, {*self.schedulers, self.before.scheduler}
        return max(Recipe(name, scheduler).model_calls(steps) for name in names for scheduler in schedulers)

    def check(self) -> None:
        """Refuse what can't be calibrated.

        Raises:
            CalibrationError: a step count is out of range, there are too few cases, or the budget is too small.
        """
        for name, counts in (("steps", [self.steps]), ("other_steps", self.other_steps)):
            if wrong := [count for count in counts if not LEAST_STEPS <= count <= MOST_STEPS]:
                raise CalibrationError(f"{name}: expected {LEAST_STEPS} to {MOST_STEPS}, got {wrong[0]}")
        if len(self.cases) < LEAST_CASES:
            raise CalibrationError(f"prompts: expected at least {LEAST_CASES}, got {len(self.cases)}")
        if self.most_search_calls < self.least_calls:
            images = f"{len(self.cases)} images of {self.steps} steps"
            raise CalibrationError(f"budget: expected at least {self.least_calls} for {images}, got {self.budget}")


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
        search_calls: those of the search.
        others: what was found, the best stock recipe and what is used now, at other step counts, by rising count.
        other_calls: model calls of these.
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
    others: tuple[Held, ...] = ()
    other_calls: int = 0

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
    wanted.check()
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
    search = _Search(wanted, agreed[::2], agreed[1::2])
    trials = Trials(engine, span, measuring, wanted.visible.below, lambda made: tell(search.progress(calls + made)))
    tried = search.tried(trials)
    chosen, before, stock, best = search.decided(trials, [recipe for recipe, _ in tried])
    searched = trials.calls
    others = tuple(
        trials.held(recipe, steps, search.deciding)
        for steps in sorted(set(wanted.other_steps) - {wanted.steps})
        for recipe in dict.fromkeys([chosen.recipe, stock.recipe, before.recipe])
    )
    left_out = tuple(each.sampling for each in known if not each.agreed)
    return Calibration(
        wanted,
        span,
        chosen,
        before,
        stock,
        best,
        tuple(search.deciding),
        tuple(tried),
        left_out,
        calls,
        searched,
        others,
        trials.calls - searched,
    )


@dataclass
class _Search:
    """Chooses recipes on one half of the cases, and decides on the other."""

    wanted: Wanted
    choosing: Sequence[Reference]
    deciding: Sequence[Reference]
    _best: tuple[Recipe, Score] | None = None

    def progress(self, calls: int) -> Progress:
        """Return how far it is."""
        return Progress(calls, self.wanted.most_calls, *(self._best or (None, None)))

    def tried(self, trials: Trials) -> list[tuple[Recipe, Score]]:
        """Return the recipes that ran on all cases that choose, with their scores; the best one first."""
        first = self._ranked(trials, self._affordable(trials.span), self.choosing[:_FIRST_CASES])
        kept = [recipe for recipe, _ in first[: max(round(_KEPT * len(first)), 2)]]
        # The best stock recipe is what the others have to beat.
        stock = [recipe for recipe, _ in first if recipe.is_stock][:2]
        decision = _HELD * len(self.deciding) * self.wanted.calls_each
        payable = self._payable(trials, dict.fromkeys([stock[0], *kept, *stock]), self.choosing, decision)
        ranked = self._ranked(trials, payable, self.choosing)
        leading = [recipe for recipe, _ in ranked[:_REFINED]]
        around = [
            *between(leading[0]),
            *(near for one in leading[1:] if one.scheduler == "beta" for near in between(one)),
        ]
        finals = (_FINALISTS + _HELD - 1) * len(self.deciding) * self.wanted.calls_each
        refined = self._payable(trials, around, self.choosing, finals)
        return self._ranked(trials, [*(recipe for recipe, _ in ranked), *refined], self.choosing)

    def decided(self, trials: Trials, tried: Sequence[Recipe]) -> tuple[Held, Held, Held, Held]:
        """Return the chosen recipe, what is used now, the best stock one and the best one, on the cases that decide."""
        wanted, steps, both = self.wanted, self.wanted.steps, [*self.choosing, *self.deciding]
        best_stock = next(recipe for recipe in tried if recipe.is_stock)
        others = trials.price([best_stock, wanted.before], steps, self.deciding)
        finalists = self._payable(trials, tried[:_FINALISTS], self.deciding, others) or tried[:1]
        best, stock, before = (
            trials.held(recipe, steps, self.deciding)
            for recipe in (self._ranked(trials, finalists, both)[0][0], best_stock, wanted.before)
        )
        chosen = best if self._is_better(trials, best, stock, both) else stock
        return (chosen if chosen.score.is_no_worse_than(before.score) else before), before, stock, best

    def _is_better(self, trials: Trials, one: Held, other: Held, cases: Sequence[Reference]) -> bool:
        """Return whether a recipe is no worse where it counts, and better on all cases by more than chance."""
        if one.recipe == other.recipe or not one.score.is_no_worse_than(other.score):
            return False
        mine, theirs = (trials.similarity(each.recipe, self.wanted.steps, cases) for each in (one, other))
        gains = [value - than for value, than in zip(mine, theirs, strict=True)]
        return statistics.mean(gains) > _SURE * statistics.stdev(gains) / len(gains) ** 0.5

    def _affordable(self, span: Span) -> list[Recipe]:
        """Return what is used now, and as many others as the first round may pay for."""
        wanted = self.wanted
        every = dict.fromkeys([wanted.before, *recipes(wanted.solvers, wanted.schedulers, span)])
        later = wanted.least_calls - _LEAST_RECIPES * _FIRST_CASES * wanted.calls_each
        most = min(_FIRST_ROUND * wanted.most_search_calls, wanted.most_search_calls - later)
        chosen, calls = [], 0
        for recipe in every:
            calls += _FIRST_CASES * recipe.model_calls(wanted.steps)
            if calls <= most or not chosen:
                chosen.append(recipe)
        return chosen

    def _payable(
        self, trials: Trials, every: Iterable[Recipe], cases: Sequence[Reference], reserve: int
    ) -> list[Recipe]:
        """Return the first recipes that may still run on the cases, if so many calls are to be left."""
        left = self.wanted.most_search_calls - trials.calls - reserve
        payable: list[Recipe] = []
        for recipe in every:
            left -= trials.price([recipe], self.wanted.steps, cases)
            if left < 0:
                break
            payable.append(recipe)
        return payable

    def _ranked(
        self, trials: Trials, every: Sequence[Recipe], cases: Sequence[Reference]
    ) -> list[tuple[Recipe, Score]]:
        scored = [(recipe, trials.score(recipe, self.wanted.steps, cases)) for recipe in every]
        ranked = sorted(scored, key=lambda pair: pair[1], reverse=True)
        self._best = ranked[0]
        return ranked
