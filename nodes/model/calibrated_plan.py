"""Turns what a calibration found into a plan, and says what a stock KSampler can do with it."""

from ...comparison.calibration.recipe import Recipe
from ...comparison.calibration.search import Calibration
from ...presets.plan import StepPlan


def calibrated_plan(known: StepPlan, found: Calibration, source: str) -> StepPlan:
    """Return a model's plan with the settings that were found.

    Args:
        known: the model's plan so far.
        found: the calibration.
        source: where the new settings come from, in words.
    """
    recipe, wanted = found.chosen.recipe, found.wanted
    fields = {
        "steps": wanted.steps,
        "cfg": wanted.cases[0].cfg,
        "sampler_name": recipe.sampler_name,
        "scheduler": recipe.scheduler,
    }
    if recipe.shift is not None:
        fields["shift"] = recipe.shift
    if recipe.rho is not None:
        fields["sigmas"] = _levels(recipe, found)
    return known.overlaid(fields, source)


def how_to_use(found: Calibration) -> str:
    """Return how a stock KSampler samples like this, or what it can't do."""
    recipe, steps = found.chosen.recipe, found.wanted.steps
    settings = f"{steps} steps, cfg {found.wanted.cases[0].cfg:g}, {recipe.sampler_name}, {recipe.scheduler}"
    if recipe.rho is not None:
        return (
            "A stock KSampler can't: its karras has rho 7. Use this plan, or KarrasScheduler with rho "
            f"{recipe.rho:.3g} and SamplerCustom."
        )
    on = " on the model of this node" if recipe.shift is not None else ""
    return f"In a stock KSampler: {settings}{on}."


def _levels(recipe: Recipe, found: Calibration) -> tuple[float, ...]:
    return recipe.levels(found.wanted.steps, found.span)
