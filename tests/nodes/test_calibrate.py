"""What Calibrate Steps makes of a calibration: its plan, and how to use it elsewhere."""

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from sweetspot.comparison.calibration.recipe import Recipe, Span
from sweetspot.comparison.calibration.search import CalibrationError, Wanted
from sweetspot.comparison.runs import Sampling
from sweetspot.nodes.calibrate import _cases, _check_undistilled
from sweetspot.nodes.model.calibrated_plan import calibrated_plan, how_to_use
from sweetspot.nodes.model.plan_on_model import apply_sampling
from sweetspot.nodes.save_preset import _settings_of
from sweetspot.presets.catalogue import find_variant
from sweetspot.presets.plan import SAFE_DEFAULT, Shift
from sweetspot.presets.qualities import make_plan
from sweetspot.presets.trained import at_steps

BASE = Sampling(7, 3.0, "euler", "simple")


def calibration(recipe: Recipe, span: Span) -> Any:
    return SimpleNamespace(
        chosen=SimpleNamespace(recipe=recipe), wanted=Wanted(8, [BASE], Recipe("euler", "simple")), span=span
    )


def test_a_shift_goes_into_the_plan_and_onto_the_model():
    found = calibration(Recipe("dpmpp_2m", "simple", shift=3.0), Span(1.0, 0.001))
    plan = calibrated_plan(SAFE_DEFAULT, found, "calibrated on a day")
    assert (plan.steps, plan.cfg, plan.sampler_name, plan.scheduler) == (8, 3.0, "dpmpp_2m", "simple")
    assert plan.shift == Shift(3.0, "linear", "any")
    assert plan.sources["shift"] == plan.sources["steps"] == "calibrated on a day"
    assert "on the model of this node" in how_to_use(found)


@pytest.mark.parametrize(
    ("recipe", "options", "node"),
    [
        (Recipe("dpmpp_2m", "karras", rho=10.0), {"rho": 10.0}, "KarrasScheduler"),
        (Recipe("dpmpp_2m", "beta", alpha_beta=(0.9, 0.4)), {"alpha": 0.9, "beta": 0.4}, "BetaSamplingScheduler"),
    ],
)
def test_the_numbers_of_a_scheduler_go_into_the_plan_for_every_step_count(recipe: Recipe, options: dict, node: str):
    found = calibration(recipe, Span(14.6, 0.03))
    plan = calibrated_plan(SAFE_DEFAULT, found, "x")
    assert (plan.scheduler, plan.scheduler_options, plan.sigmas) == (recipe.scheduler, options, ())
    assert at_steps(plan, 20).scheduler_options == options
    assert node in how_to_use(found)
    assert "can't" in how_to_use(found)


def test_a_stock_scheduler_needs_nothing_else():
    found = calibration(Recipe("dpmpp_2m", "beta"), Span(14.6, 0.03))
    plan = calibrated_plan(SAFE_DEFAULT, found, "x")
    assert (plan.shift, plan.sigmas) == (None, ())
    assert how_to_use(found) == "In a stock KSampler: 8 steps, cfg 3, dpmpp_2m, beta."


def test_a_shift_that_a_model_does_not_have_is_not_applied():
    model = SimpleNamespace(get_model_object=lambda _: SimpleNamespace(), object_patches={})
    plan = replace(SAFE_DEFAULT, shift=Shift(3.0, "linear", "any"))
    same, told = apply_sampling(model, plan)
    assert same is model
    assert "this model has none" in told


def test_distilled_models_are_refused():
    with pytest.raises(CalibrationError, match="isn't distilled"):
        _check_undistilled(make_plan(find_variant("z_image_turbo")))
    _check_undistilled(make_plan(find_variant("flux_dev")))


def test_each_prompt_has_its_own_seeds():
    cases = _cases(BASE, 2, 2)
    assert [(case.prompt, case.seed) for case in cases] == [(0, 7), (0, 8), (1, 9), (1, 10)]
    with pytest.raises(CalibrationError, match="prompts, texts: expected at least 4"):
        _cases(BASE, 3, 1)


@pytest.mark.parametrize("shift", [Shift(3.0, "linear", "any"), Shift(math.log(3.0), "mu", "ModelSamplingFlux")])
def test_a_plan_is_saved_with_its_shift_and_levels(shift: Shift):
    plan = replace(SAFE_DEFAULT, shift=shift, sigmas=(1.0, 0.5, 0.0))
    settings = _settings_of(plan)
    assert settings["shift"] == pytest.approx(3.0)
    assert settings["sigmas"] == [1.0, 0.5, 0.0]
    assert (settings["steps"], settings["sampler_name"]) == (plan.steps, plan.sampler_name)
