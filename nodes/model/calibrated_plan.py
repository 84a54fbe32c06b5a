"""Turns what a calibration found into a plan, and says what a stock KSampler can do with it."""

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
    if recipe.scheduler_options:
        fields["scheduler_options"] = recipe.scheduler_options
    return known.overlaid(fields, source)


def how_to_use(found: Calibration) -> str:
    """Return how a stock KSampler samples like this, or what it can't do."""
    recipe, steps = found.chosen.recipe, found.wanted.steps
    settings = f"{steps} steps, cfg {found.wanted.cases[0].cfg:g}, {recipe.sampler_name}, {recipe.scheduler}"
    if recipe.scheduler_options:
        node = "KarrasScheduler" if recipe.scheduler == "karras" else "BetaSamplingScheduler"
        numbers = " and ".join(f"{name} {value:.3g}" for name, value in recipe.scheduler_options.items())
        return f"A stock KSampler can't: use this plan, or {node} with {numbers} and SamplerCustom."
    on = " on the model of this node" if recipe.shift is not None else ""
    return f"In a stock KSampler: {settings}{on}."
