"""The cheapest setup that looks like the first contender's reference."""

from dataclasses import replace

import numpy as np
from sweetspot.comparison.runs import Run, Sampling, Series, Settings
from sweetspot.comparison.verdict.cheapest import find_cheapest
from sweetspot.comparison.verdict.judge import judge
from sweetspot.comparison.verdict.judgement import Judgement
from sweetspot.comparison.verdict.measuring import Measuring
from sweetspot.comparison.verdict.second_opinion import Opinion, plan_check
from sweetspot.comparison.verdict.sweet_spot import VISIBLE

SETTINGS = Settings("comfyui", "flux_dev", "a file", "euler", "simple", 3.0, 7)
RANDOM = np.random.default_rng(0)
CLEAN, ERROR = RANDOM.random((1, 32, 48, 3)), RANDOM.normal(size=(1, 32, 48, 3))


def judged(name: str, noise: dict[int, float], pace: float, timing: str = "sampling", **settings) -> Judgement:
    runs = [
        Run(steps, steps, steps * pace, np.clip(CLEAN + level * ERROR, 0, 1).astype(np.float32), timing=timing)
        for steps, level in noise.items()
    ]
    return judge(Series(replace(SETTINGS, label=name, **settings), runs))


FIRST = judged("first", {4: 0.3, 25: 0.0, 50: 0.0}, 1.0)


def test_it_is_the_least_time_not_the_fewest_steps():
    slow, fast = judged("slow", {4: 0.0, 25: 0.0, 50: 0.0}, 9.0), judged("fast", {4: 0.3, 25: 0.0, 50: 0.0}, 0.5)
    found = find_cheapest([FIRST, slow, fast], Measuring())
    assert (found.best.name, found.best.steps, found.best.seconds) == ("fast", 25, 12.5)
    assert (found.reference.name, found.reference.steps) == ("first", 50)
    assert str(found.headline) == "The cheapest that looks the same is fast with 25 steps: 12.5 s instead of 50 s."


def test_only_what_no_other_one_beats_is_on_the_front():
    fast = judged("fast", {4: 0.3, 25: 0.0, 50: 0.0}, 0.5)
    found = find_cheapest([FIRST, fast], Measuring())
    assert {(setup.name, setup.steps) for setup in found.setups if setup.on_front} == {("fast", 4), ("fast", 25)}


def test_a_contender_with_another_picture_is_never_the_cheapest():
    other = judged("other", {1: 0.5, 2: 0.5}, 0.1)
    found = find_cheapest([FIRST, other], Measuring())
    assert (found.best.name, found.best.steps) == ("first", 25)


def test_a_distilled_models_larger_counts_do_not_count_against_it():
    distilled = judged("distilled", {4: 0.0, 8: 0.0, 16: 0.5}, 1.0, trained_steps=(4, 8))
    found = find_cheapest([FIRST, distilled], Measuring())
    assert (found.best.name, found.best.steps) == ("distilled", 4)


def test_calls_decide_where_a_time_is_not_known():
    untimed = judged("untimed", {12: 0.0, 25: 0.0}, 99.0, timing="unknown")
    found = find_cheapest([FIRST, untimed], Measuring())
    assert (found.best.name, found.best.model_calls) == ("untimed", 12)
    assert str(found.headline).endswith("with 12 steps: 12 instead of 50 model calls.")


def test_without_a_converged_reference_there_is_none_and_the_reason_is_given():
    unsettled = judged("unsettled", {8: 0.4, 16: 0.0}, 1.0)
    found = find_cheapest([unsettled, FIRST], Measuring())
    assert found.best is None
    assert "unsettled" in found.why_not
    assert found.headline is None


def test_one_contender_has_no_cheapest():
    assert find_cheapest([FIRST], Measuring()) is None


def test_the_first_contenders_cheapest_is_its_sweet_spot_also_where_the_check_decides():
    noise = {12: 0.045, 24: 0.025, 50: 0.012}
    plan = plan_check(Sampling(7, 3.0, "euler", "simple", 1.0), [1.0, 0.5, 0.0])
    check = np.clip(CLEAN - 0.01 * ERROR, 0, 1).astype(np.float32)
    runs = [
        Run(steps, steps, 1.0 * steps, np.clip(CLEAN + level * ERROR, 0, 1).astype(np.float32))
        for steps, level in noise.items()
    ]
    first = judge(Series(SETTINGS, runs), opinion=Opinion(plan, (Run(12, 12, 1.0, check),)))
    same = judged("same", noise, 1.5)
    assert first.similarity[0] >= VISIBLE > first.to_ends[0]
    found = find_cheapest([first, same], Measuring())
    assert (
        (found.best.name, found.best.steps)
        == (first.settings.name, first.sweet_spot.steps)
        == ("euler, simple, cfg 3", 24)
    )
