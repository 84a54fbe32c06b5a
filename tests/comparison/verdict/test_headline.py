"""The verdict in everyday words: what a person reads first."""

from dataclasses import replace

import numpy as np
import pytest
from sweetspot.comparison.runs import Run, Series, Settings
from sweetspot.comparison.verdict.headline import headline, next_count
from sweetspot.comparison.verdict.judge import judge
from sweetspot.comparison.verdict.judgement import Judgement

SETTINGS = Settings("comfyui", "flux_dev", "a file", "euler", "simple", 3.0, 7)


def judged(noise: dict[int, float], settings: Settings = SETTINGS, timing: str = "sampling") -> Judgement:
    rng = np.random.default_rng(0)
    clean, error = rng.random((1, 32, 48, 3)), rng.normal(size=(1, 32, 48, 3))
    runs = [
        Run(steps, steps, steps / 10, np.clip(clean + level * error, 0, 1).astype(np.float32), timing=timing)
        for steps, level in noise.items()
    ]
    return judge(Series(settings, runs))


SAME = {4: 0.3, 25: 0.0, 50: 0.0}


@pytest.mark.parametrize(
    ("noise", "settings", "said"),
    [
        (SAME, SETTINGS, "25 steps are enough. 50 look the same and take 2.0 × as long."),
        (
            {1: 0.4, 4: 0.0, 8: 0.5},
            replace(SETTINGS, trained_steps=(1, 4)),
            "4 steps are enough: this model was made for 1-4.",
        ),
        ({8: 0.2}, replace(SETTINGS, trained_steps=(4, 4)), "Not known: this model was made for 4 steps, and none of"),
        ({8: 0.4, 16: 0.0}, SETTINGS, "Not settled yet: even 16 steps may still change. Try 32."),
        ({16: 0.0}, SETTINGS, "Not known: only 16 steps ran. Try 32, too."),
        (
            {4: 0.3, 8: 0.0},
            replace(SETTINGS, sampler="euler_ancestral"),
            "No step count is enough. euler_ancestral injects noise: the image keeps changing",
        ),
    ],
)
def test_it_says_what_was_found_and_what_to_try(noise: dict[int, float], settings: Settings, said: str):
    assert str(headline(judged(noise, settings))).startswith(said)


def test_calls_stand_in_for_times_that_can_not_be_compared():
    assert str(headline(judged(SAME, timing="first run"))).endswith("look the same with 2.0 × the model calls.")


def test_a_count_to_try_is_larger_and_only_offered_if_it_could_change_the_answer():
    assert next_count(judged({8: 0.4, 16: 0.0})) == 32
    assert next_count(judged({4: 0.4, 5: 0.0})) == 12
    assert next_count(judged({5000: 0.4, 9000: 0.0})) == 10000
    assert next_count(judged(SAME)) is None
    assert next_count(judged({4: 0.3, 8: 0.0}, replace(SETTINGS, sampler="lcm"))) is None


def test_one_step_is_not_several():
    one = judged({1: 0.0, 2: 0.0})
    assert str(headline(one)).startswith("1 step is enough. 2 look the same")
