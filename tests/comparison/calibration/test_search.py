"""Calibration on models in closed form, judged by long runs of a third schedule."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from closed_forms import ClosedForm
from sweetspot.comparison.calibration.recipe import RHOS, SHIFTS, Recipe, Span, between, recipes
from sweetspot.comparison.calibration.report import curve, details, draw, headline, progress, to_dict
from sweetspot.comparison.calibration.scores import Score
from sweetspot.comparison.calibration.search import Calibration, CalibrationError, Progress, Wanted, calibrate
from sweetspot.comparison.measures.measured import Prepared
from sweetspot.comparison.runs import Sampling, Task
from sweetspot.comparison.verdict.sweet_spot import VISIBLE
from sweetspot.words import Message
from truth import Kept

STOCK = ("simple", "karras", "beta")
NOW = Recipe("euler", "simple")
# A flow-matching model, one whose noise is added, and one with several modes, which has plateaus.
MODELS = {"flow": (1, 1), "noise is added": (15, 1), "modes": (67, 8)}


def cases(count: int = 8, first: int = 0) -> list[Sampling]:
    return [Sampling(first + seed, 1.0, "euler", "simple") for seed in range(count)]


def calibrated(model: str, **wanted) -> tuple[Calibration, Kept]:
    engine = Kept(ClosedForm(*MODELS[model]), None, "")
    return calibrate(
        engine, Wanted(**{"steps": 6, "cases": cases(), "before": NOW, "schedulers": STOCK} | wanted)
    ), engine


@pytest.fixture(scope="module", params=MODELS)
def found(request: pytest.FixtureRequest) -> tuple[Calibration, Kept]:
    return calibrated(request.param)


def similar(engine: Kept, recipe: Recipe, steps: int, fresh: list[Sampling]) -> np.ndarray:
    """Return how similar a recipe's images are to those of 150 steps."""
    span = Span.of(engine, fresh[0])
    values = []
    for case in fresh:
        (run,) = engine.run([recipe.task(case, steps, span)])
        levels = Recipe("res_multistep", "simple", shift=2.0) if span.is_flow else Recipe("x", "karras", rho=6.0)
        truth = Task(replace(case, sampler_name="res_multistep", sigmas=levels.levels(150, span)), 150)
        (end,) = engine.run([truth])
        values.append(Prepared(run.images[0]).similarity(Prepared(end.images[0])))
    return np.array(values)


def test_it_keeps_within_its_calls(found: tuple[Calibration, Kept]):
    calibration, _ = found
    assert calibration.search_calls <= calibration.wanted.most_search_calls
    assert calibration.reference_calls == 8 * (32 + 20)


def test_what_was_found_is_nearly_the_best_that_there_is(found: tuple[Calibration, Kept]):
    """On images that it has not seen, beside a fine grid: within 5 % of the least error, or as many finished images."""
    calibration, engine = found
    fresh, span = cases(12, first=100), calibration.span
    name = calibration.chosen.recipe.sampler_name
    if span.is_flow:
        every = [Recipe(name, "simple", shift=float(shift)) for shift in np.geomspace(SHIFTS[0], SHIFTS[-1], 12)]
    else:
        every = [Recipe(name, "karras", rho=float(rho)) for rho in np.geomspace(RHOS[0], RHOS[-1], 12)]
    grid = [similar(engine, each, 6, fresh) for each in (*every, *(Recipe(name, scheduler) for scheduler in STOCK))]
    ours = similar(engine, calibration.chosen.recipe, 6, fresh)
    is_near = 1 - ours.mean() <= 1.05 * min(1 - each.mean() for each in grid)
    # With several modes, the mean says little: an image is the right one, or another.
    assert is_near or (ours >= VISIBLE).sum() >= max((each >= VISIBLE).sum() for each in grid)


def test_it_is_never_worse_than_the_stock_schedulers_where_it_was_not_chosen(found: tuple[Calibration, Kept]):
    calibration, _ = found
    assert calibration.chosen.score.is_no_worse_than(calibration.stock.score)
    assert calibration.chosen.score.is_no_worse_than(calibration.before.score)
    assert any(recipe.is_stock for recipe, _ in calibration.tried)


def test_the_report_holds_the_figures(found: tuple[Calibration, Kept]):
    calibration, _ = found
    data = to_dict(calibration)
    assert data["chosen"]["name"] in headline(calibration)
    assert str(sum(data["model_calls"].values())) in details(calibration)[-1]
    spent = {"references": calibration.reference_calls, "search": calibration.search_calls, "other_steps": 0}
    assert data["model_calls"] == spent
    assert (data["cases"], len(data["tried"])) == (8, len(calibration.tried))
    assert data["chosen"]["images"] == (8 - data["left_out"]) // 2
    picture = draw(calibration)
    assert picture.dtype == np.float32
    assert picture.ndim == 3
    assert 0 <= picture.min() < picture.max() <= 1


@pytest.mark.fuzz
def test_over_many_models_nothing_worse_than_a_stock_scheduler_is_chosen():
    """On fresh images, no more look unfinished than with the best stock scheduler, but for one."""
    gains = []
    for number in range(40, 48):
        engine = Kept(ClosedForm(number, 8 if number % 2 else 1), None, "")
        recipe = calibrate(engine, Wanted(6, cases(), NOW, schedulers=STOCK)).chosen.recipe
        every = [recipe, *(Recipe(recipe.sampler_name, scheduler) for scheduler in STOCK)]
        finished = [int((similar(engine, each, 6, cases(16, first=100)) >= VISIBLE).sum()) for each in every]
        assert finished[0] >= max(finished[1:]) - 1
        gains.append(finished[0] - max(finished[1:]))
    assert sum(gains) > 0


def test_it_tells_how_far_it_is_and_what_is_best_so_far():
    told: list[Progress] = []
    engine = Kept(ClosedForm(*MODELS["flow"]), None, "")
    found = calibrate(engine, Wanted(6, cases(), NOW, schedulers=STOCK), tell=told.append)
    calls = [so_far.calls for so_far in told]
    assert calls == sorted(calls)
    assert calls[-1] == found.reference_calls + found.search_calls <= told[0].most_calls
    assert told[0].best is None
    assert told[-1].best is not None
    assert "model calls" in progress(told[0], None)
    assert "Best so far" in progress(told[-1], 3.0)


def test_runs_are_made_once():
    calibration, engine = calibrated("flow")
    before = len(engine._runs)
    again = calibrate(engine, calibration.wanted)
    assert len(engine._runs) == before
    assert again.chosen.recipe == calibration.chosen.recipe


@pytest.mark.parametrize(("steps", "budget"), [(6, 144), (6, 200), (12, 288), (12, 400)])
def test_no_budget_is_overrun(steps: int, budget: int):
    calibration, _ = calibrated("flow", steps=steps, budget=budget)
    assert calibration.search_calls <= budget
    assert len(calibration.tried) >= 2
    assert calibration.chosen.score.is_no_worse_than(calibration.before.score)


def test_a_budget_that_can_not_decide_is_refused_before_any_run():
    """What is used now, a stock schedule and another one, on eight images of 12 steps."""
    with pytest.raises(CalibrationError, match=r"budget: expected at least 288 .* got 250"):
        calibrated("flow", steps=12, budget=250)


def test_other_step_counts_show_what_the_schedule_saves():
    calibration, engine = calibrated("flow", other_steps=[4, 6, 12])
    plain, _ = calibrated("flow")
    assert calibration.chosen.recipe == plain.chosen.recipe
    rows = curve(calibration)
    assert sorted({held.steps for held in rows}) == [4, 6, 12]
    names = {calibration.chosen.recipe, calibration.stock.recipe, calibration.before.recipe}
    assert len(rows) == 3 * len(names)
    assert calibration.other_calls == (4 + 12) * len(names) * len(calibration.references)
    data, said = to_dict(calibration), " ".join(details(calibration))
    assert data["curve"][-1]["steps"] == 12
    assert data["model_calls"]["other_steps"] == calibration.other_calls
    assert str(calibration.other_calls) in said
    # The table's figures are those of the recipe itself.
    cases_held = [each.sampling for each in calibration.references]
    last = next(held for held in rows if held.steps == 12 and held.recipe == calibration.chosen.recipe)
    again = [engine.run([last.recipe.task(case, 12, calibration.span)])[0].images for case in cases_held]
    assert all(np.array_equal(run.images, images) for run, images in zip(last.runs, again, strict=True))


def test_how_many_steps_the_old_settings_need_is_said():
    calibration, _ = calibrated("flow", other_steps=[12, 24, 48])
    now = [held for held in curve(calibration) if held.recipe == calibration.before.recipe]
    enough = [held.steps for held in now if held.score.is_no_worse_than(calibration.chosen.score)]
    said = [line.code for line in details(calibration) if isinstance(line, Message)]
    assert calibration.is_gain
    assert min(enough, default=99) > calibration.wanted.steps
    assert ("calibrated.as_many" in said) == bool(enough)
    assert ("calibrated.never_as_many" in said) == (not enough)


def test_an_image_more_or_less_alike_is_no_reason_to_say_that_the_old_settings_are_as_good():
    """At the calibrated count itself, they are what was improved."""
    calibration, _ = calibrated("flow", other_steps=[3])
    nearly = replace(calibration.chosen.score, mean=calibration.chosen.score.mean - 1e-4)
    alike = replace(calibration, before=replace(calibration.before, score=nearly))
    assert alike.is_gain
    said = [line.code for line in details(alike) if isinstance(line, Message)]
    assert not {"calibrated.as_many", "calibrated.never_as_many"} & set(said)


def test_ddim_uniform_may_make_a_step_more():
    assert [Recipe("euler", "ddim_uniform").model_calls(steps) for steps in (6, 7, 8, 12, 30)] == [7, 8, 8, 13, 31]


@pytest.mark.parametrize("changes", [{"steps": 1}, {"steps": 101}, {"other_steps": [4, 1]}, {"other_steps": [1000]}])
def test_step_counts_out_of_range_are_refused_before_any_run(changes: dict):
    (name,) = changes
    with pytest.raises(CalibrationError, match=f"{name}: expected 2 to 100, got"):
        calibrated("flow", **changes)


def test_too_few_prompts_are_refused_before_any_run():
    with pytest.raises(CalibrationError, match="prompts: expected at least 4, got 3"):
        calibrated("flow", cases=cases(3))


def test_a_model_that_never_settles_is_refused():
    class Noisy(ClosedForm):
        def run(self, tasks):
            return [
                replace(run, images=np.random.default_rng(id(run)).random(run.images.shape))
                for run in super().run(tasks)
            ]

    with pytest.raises(CalibrationError, match="got 0 of 8"):
        calibrate(Noisy(1, 1), Wanted(6, cases(), NOW, schedulers=STOCK))


def test_finished_images_count_before_the_mean():
    """A lower mean error with more images that became other ones is no gain."""
    tail, mean = Score.of([0.9, 0.9, 0.9, 0.9], 0.895), Score.of([0.99, 0.99, 0.99, 0.5], 0.895)
    assert tail > mean
    assert not mean.is_no_worse_than(tail)
    assert Score.of([0.95], 0.895).is_no_worse_than(Score.of([0.951], 0.895))
    assert not Score.of([0.95], 0.895).is_no_worse_than(Score.of([0.96], 0.895))


def test_recipes_are_refined_between_their_neighbours():
    assert [each.shift for each in between(Recipe("euler", "simple", shift=3.0))] == pytest.approx([6**0.5, 13.5**0.5])
    assert [each.shift for each in between(Recipe("euler", "simple", shift=1.0))] == pytest.approx([1.5**0.5])
    assert between(Recipe("euler", "normal")) == []


def test_beta_is_refined_around_its_stock_numbers_in_both():
    around = [recipe.scheduler_options for recipe in between(Recipe("euler", "beta"))]
    assert [options["alpha"] for options in around] == pytest.approx([0.9, 0.4, 0.6, 0.6])
    assert [options["beta"] for options in around] == pytest.approx([0.6, 0.6, 0.9, 0.4])
    assert not any(recipe.is_stock for recipe in between(Recipe("euler", "beta")))


def test_beta_with_its_stock_numbers_is_the_stock_scheduler():
    engine = Kept(ClosedForm(*MODELS["flow"]), None, "")
    stock = Recipe("euler", "beta").task(cases()[0], 8, Span.of(engine, cases()[0]))
    spelled = Recipe("euler", "beta", alpha_beta=(0.6, 0.6)).task(cases()[0], 8, Span.of(engine, cases()[0]))
    assert spelled.sampling.sigmas == pytest.approx(engine.schedule(stock.sampling, 8), abs=2e-3)


@pytest.mark.parametrize(("span", "number"), [(Span(1.0, 0.001), "shift"), (Span(14.6, 0.03), "rho")])
def test_only_flow_matching_models_get_a_shift(span: Span, number: str):
    every = recipes(["euler"], ["simple", "beta"], span)
    # A budget that isn't enough for all still reaches stock schedulers and others.
    assert [recipe.is_stock for recipe in every[:5]] == [False, True, False, True, False]
    assert {recipe.scheduler for recipe in every if recipe.is_stock} == {"simple", "beta"}
    for recipe in (recipe for recipe in every if not recipe.is_stock):
        assert getattr(recipe, number) is not None
        levels = recipe.levels(5, span)
        assert (len(levels), levels[-1]) == (6, 0)
        assert levels[0] == pytest.approx(span.first)
        assert all(after < before for before, after in pairwise(levels))
