from dataclasses import replace

import pytest
from sweetspot.presets.catalogue import find_variant
from sweetspot.presets.qualities import make_plan
from sweetspot.presets.trained import at_steps, fixed_schedule, off_trained_levels, off_trained_steps, snapped


@pytest.mark.parametrize(
    ("steps", "timesteps"),
    # Facts: trailing spacing of the 1000 trained timesteps, as diffusers rounds it.
    [(1, (999,)), (2, (999, 499)), (4, (999, 749, 499, 249)), (8, (999, 874, 749, 624, 499, 374, 249, 124))],
)
def test_lightning_gets_the_trailing_timesteps_it_was_trained_on(steps: int, timesteps: tuple[int, ...]):
    plan = make_plan(find_variant(f"sdxl_lightning_{steps}"))
    assert plan.timesteps == timesteps
    assert plan.trained_steps == (steps, steps)
    assert plan.sources["timesteps"].startswith("trailing spacing; publisher: ")
    assert fixed_schedule(plan)


def test_steps_off_the_trained_ones_are_told_and_snapped_to_the_nearest():
    plan = make_plan(find_variant("sdxl_lightning_4"))
    assert off_trained_steps(plan) == ""
    other = replace(plan, steps=12)
    assert all(fact in off_trained_steps(other) for fact in ("trained for 4 steps", "12"))
    assert not fixed_schedule(other)
    assert snapped(other).steps == 4
    turbo = make_plan(find_variant("sdxl_turbo"))
    assert turbo.trained_steps == (1, 4)
    assert snapped(replace(turbo, steps=20)).steps == 4
    base = make_plan(find_variant("sdxl"))
    assert (base.trained_steps, snapped(replace(base, steps=3)).steps) == (None, 3)


def test_another_step_count_has_a_schedule_of_its_own_or_none():
    lightning = make_plan(find_variant("sdxl_lightning_4"))
    assert at_steps(lightning, 4) is lightning
    assert at_steps(lightning, 2).timesteps == (999, 499)
    assert at_steps(lightning, 2).steps == 2
    dmd2 = replace(lightning, timesteps=(999, 749, 499, 200))  # not trailing: for its own count alone
    assert at_steps(dmd2, 8).timesteps == ()
    exact = replace(lightning, timesteps=(), sigmas=(1.0, 0.5, 0.25, 0.1, 0.0))
    assert (at_steps(exact, 8).sigmas, at_steps(exact, 4).sigmas) == ((), exact.sigmas)


@pytest.mark.parametrize(
    ("variant", "denoise", "told"),
    [
        ("sdxl_lightning_4", 1.0, ""),
        ("sdxl_lightning_4", 0.5, "use 2 steps"),
        ("sdxl_lightning_8", 0.1, "use 1 step:"),
        ("sdxl_lightning_4", 0.95, ""),
        ("sdxl", 0.5, ""),
    ],
)
def test_less_than_the_full_noise_misses_a_few_step_models_levels(variant: str, denoise: float, told: str):
    plan = make_plan(find_variant(variant))
    missed = off_trained_levels(plan, plan.steps, denoise)
    assert off_trained_levels(plan, max(1, round(plan.steps * denoise)), denoise) == ""
    assert told in missed
    assert bool(told) == bool(missed)
