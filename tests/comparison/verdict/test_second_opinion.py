"""The check run: where it starts and ends, what it is not made for, and what it does to a verdict."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from sweetspot.comparison.runs import Run, Sampling, Series, Settings
from sweetspot.comparison.verdict.judge import judge
from sweetspot.comparison.verdict.second_opinion import Opinion, can_be_checked, check_sampling

EULER = Sampling(7, 3.0, "euler", "simple", 0.6)
SETTINGS = Settings("comfyui", "x", "x", "euler", "simple", 3.0, 7)


@pytest.mark.parametrize(
    ("levels", "last"), [([1.0, 0.5, 0.01, 0.0], 0.0), ([0.6, 0.2, 0.0], 0.0), ([14.6, 3.0, 0.03, 0.0], 0.03)]
)
def test_it_falls_from_the_same_level_in_as_many_steps(levels: list[float], last: float):
    sampling = check_sampling(EULER, levels, 12)
    assert sampling.sigmas[0] == pytest.approx(levels[0])
    assert len(sampling.sigmas) == 13
    assert all(after < before for before, after in pairwise(sampling.sigmas))
    assert sampling.sigmas[-1] == 0
    if last:
        assert sampling.sigmas[-2] == pytest.approx(last)
    # The levels say where it starts, so the denoise must not cut them again.
    assert (sampling.seed, sampling.cfg, sampling.denoise) == (7, 3.0, 1.0)


def test_from_full_noise_it_is_the_simple_schedule_on_shift_3():
    sampling = check_sampling(EULER, [1.0, 0.1, 0.0], 4)
    assert sampling.sigmas == pytest.approx([1.0, 3 * 0.75 / 2.5, 3 * 0.5 / 2, 3 * 0.25 / 1.5, 0.0])


@pytest.mark.parametrize(("sampler", "solver"), [("euler", "dpmpp_2m"), ("dpmpp_2m", "res_multistep")])
def test_it_is_another_solver(sampler: str, solver: str):
    assert check_sampling(replace(EULER, sampler_name=sampler), [1.0, 0.5, 0.0]).sampler_name == solver


def test_it_is_not_made_where_it_means_nothing():
    assert check_sampling(EULER, [1.0, 0.0]) is None
    assert can_be_checked(EULER, None)
    assert not can_be_checked(EULER, (1, 4))
    for name in ("euler_ancestral", "dpm_adaptive", "euler_cfg_pp", "lcm"):
        assert not can_be_checked(replace(EULER, sampler_name=name), None)


def series() -> tuple[Series, np.ndarray]:
    """Return runs that agree with each other from 24 steps on, and the image that they agree on."""
    rng = np.random.default_rng(0)
    end = rng.random((1, 48, 48, 3)) * 0.5 + 0.25
    error = rng.normal(size=end.shape)
    return Series(SETTINGS, [Run(n, n, n / 10, end + error * 4 / n**2) for n in (6, 12, 24, 50)]), end


def opinion(image: np.ndarray) -> Opinion:
    return Opinion(replace(EULER, sampler_name="dpmpp_2m"), Run(12, 12, 1.0, image))


def test_where_it_agrees_the_verdict_stands_and_may_be_sure():
    runs, end = series()
    judgement = judge(runs, opinion=opinion(end))
    assert judgement.check.agrees
    assert judgement.sweet_spot.steps == judge(runs).sweet_spot.steps is not None
    assert judgement.sweet_spot.confidence == "high"
    # Without one, step counts may agree with each other and still be wrong.
    assert judge(runs).sweet_spot.confidence == "medium"


def test_where_it_shows_another_picture_the_reference_has_not_converged():
    runs, end = series()
    judgement = judge(runs, opinion=opinion(1 - end))
    assert (judgement.check.agrees, judgement.sweet_spot.steps) == (False, None)
    assert judgement.sweet_spot.confidence == "high"
    assert "dpmpp_2m, 12 steps" in judgement.sweet_spot.reason
    assert judgement.reference_similarity == judgement.check.similarity
