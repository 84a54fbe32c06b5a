"""Which plan wins: fields laid over a plan, and changes by hand."""

from dataclasses import replace

from sweetspot.presets.by_hand import KEEP, changed_by_hand
from sweetspot.presets.plan import SAFE_DEFAULT, UNKNOWN

FIXED = replace(SAFE_DEFAULT, steps=4, timesteps=(999, 749, 499, 249), trained_steps=(4, 4))


def test_fields_win_and_bring_their_source():
    plan = SAFE_DEFAULT.overlaid({"cfg": 3.5, "scheduler": "karras"}, "somebody")
    assert (plan.steps, plan.cfg, plan.sampler_name, plan.scheduler) == (25, 3.5, "euler", "karras")
    assert plan.sources["cfg"] == plan.sources["scheduler"] == "somebody"
    assert plan.sources["steps"] == SAFE_DEFAULT.sources["steps"]


def test_a_fixed_schedule_goes_with_its_step_count():
    assert FIXED.overlaid({"cfg": 1.0}, "a").timesteps == FIXED.timesteps
    assert FIXED.overlaid({"steps": 8}, "a").timesteps == ()
    assert FIXED.overlaid({"steps": 1, "sigmas": (1.0, 0.0)}, "a").sigmas == (1.0, 0.0)


def test_by_hand_nothing_set_keeps_the_plan():
    assert changed_by_hand(FIXED) == FIXED
    blank = changed_by_hand(None)
    assert replace(blank, variant=UNKNOWN) == SAFE_DEFAULT


def test_by_hand_a_fixed_schedule_stays_so_that_steps_can_snap_back():
    plan = changed_by_hand(FIXED, steps=8)
    assert (plan.steps, plan.timesteps) == (8, FIXED.timesteps)


def test_by_hand_levels_set_the_step_count():
    plan = changed_by_hand(FIXED, cfg=0.0, sampler_name="heun", scheduler=KEEP, levels=(10.0, 1.0, 0.0))
    assert (plan.steps, plan.cfg, plan.sampler_name, plan.scheduler) == (2, 0.0, "heun", "simple")
    assert (plan.sigmas, plan.timesteps) == ((10.0, 1.0, 0.0), ())
