"""The check runs: where they start and end, what they are not made for, and what they do to a verdict."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from sweetspot.comparison.measures.visibility import Visible
from sweetspot.comparison.runs import Run, Sampling, Series, Settings
from sweetspot.comparison.verdict.judge import judge
from sweetspot.comparison.verdict.measuring import Measuring
from sweetspot.comparison.verdict.second_opinion import Opinion, can_be_checked, plan_check
from sweetspot.comparison.verdict.sweet_spot import VISIBLE

EULER = Sampling(7, 3.0, "euler", "simple", 0.6)
SETTINGS = Settings("comfyui", "x", "x", "euler", "simple", 3.0, 7)


@pytest.mark.parametrize(
    ("levels", "last"), [([1.0, 0.5, 0.01, 0.0], 0.0), ([0.6, 0.2, 0.0], 0.0), ([14.6, 3.0, 0.03, 0.0], 0.03)]
)
def test_it_falls_from_the_same_level_in_as_many_steps(levels: list[float], last: float):
    sampling = plan_check(EULER, levels).at(12)
    assert sampling.sigmas[0] == pytest.approx(levels[0])
    assert len(sampling.sigmas) == 13
    assert all(after < before for before, after in pairwise(sampling.sigmas))
    assert sampling.sigmas[-1] == 0
    if last:
        assert sampling.sigmas[-2] == pytest.approx(last)
    # The levels say where it starts, so the denoise must not cut them again.
    assert (sampling.seed, sampling.cfg, sampling.denoise) == (7, 3.0, 1.0)


def test_from_full_noise_it_is_the_simple_schedule_on_shift_3():
    sampling = plan_check(EULER, [1.0, 0.1, 0.0]).at(4)
    assert sampling.sigmas == pytest.approx([1.0, 3 * 0.75 / 2.5, 3 * 0.5 / 2, 3 * 0.25 / 1.5, 0.0])


@pytest.mark.parametrize(("half", "shift"), [(0.5, 3.0), (0.75, 3.0), (0.875, 7.0)])
def test_a_model_with_a_larger_shift_keeps_it(half: float, shift: float):
    """On shift s, the level at half of the time is s / (1 + s)."""
    plan = plan_check(EULER, [1.0, 0.1, 0.0], [1.0, half, 0.0])
    assert plan.shift == pytest.approx(shift)
    assert plan.at(2).sigmas[1] == pytest.approx(shift / (1 + shift))


def test_other_models_end_at_the_lowest_level_of_karras():
    """The last level of 24 steps of "simple" is 0.2 with SDXL; the scheduler "karras" ends at 0.03."""
    levels = plan_check(replace(EULER, denoise=1.0), [14.6, 3.0, 0.2, 0.0], [14.6, 1.6, 0.0], [14.6, 0.03, 0.0]).at(12)
    assert levels.sigmas[-2] == pytest.approx(0.03)


def test_low_levels_do_not_make_a_model_a_flow_model():
    """Image to image with little denoise starts below 1 with any model; full noise shows what it is."""
    plan = plan_check(EULER, [0.9, 0.2, 0.03, 0.0], [14.6, 1.6, 0.0])
    assert (plan.shift, plan.scheduler) == (None, "karras")


@pytest.mark.parametrize(("sampler", "solver"), [("euler", "dpmpp_2m"), ("dpmpp_2m", "res_multistep")])
def test_it_is_another_solver(sampler: str, solver: str):
    assert plan_check(replace(EULER, sampler_name=sampler), [1.0, 0.5, 0.0]).at(12).sampler_name == solver


def test_it_is_not_made_where_it_means_nothing():
    assert plan_check(EULER, [1.0, 0.0]) is None
    assert can_be_checked(EULER, None)
    assert not can_be_checked(EULER, (1, 4))
    for name in ("euler_ancestral", "dpm_adaptive", "euler_cfg_pp", "lcm"):
        assert not can_be_checked(replace(EULER, sampler_name=name), None)


RNG = np.random.default_rng(0)
END = RNG.random((1, 48, 48, 3)) * 0.5 + 0.25
ERROR = RNG.normal(size=END.shape)


def series(counts: tuple[int, ...] = (6, 12, 24, 50)) -> Series:
    """Return runs that agree with each other from 24 steps on, and END is what they agree on."""
    return Series(SETTINGS, [Run(n, n, n / 10, END + ERROR * 4 / n**2) for n in counts])


def opinion(*images: np.ndarray) -> Opinion:
    """Return check runs of 12, 24, 48 steps with these images."""
    plan = plan_check(replace(EULER, denoise=1.0), [1.0, 0.5, 0.0])
    return Opinion(plan, tuple(Run(n, n, 1.0, image) for n, image in zip((12, 24, 48), images, strict=False)))


def test_where_it_agrees_the_verdict_stands_and_may_be_sure():
    judgement = judge(series(), opinion=opinion(END))
    assert judgement.check.agrees
    assert judgement.sweet_spot.steps == judge(series()).sweet_spot.steps is not None
    assert (judgement.sweet_spot.confidence, judgement.sweet_spot.answer) == ("high", "enough")
    # Without one, step counts may agree with each other and still be wrong.
    assert judge(series()).sweet_spot.confidence == "medium"


def test_where_it_stays_another_picture_the_reference_has_not_converged():
    judgement = judge(series(), opinion=opinion(1 - END, 1 - END))
    assert (judgement.check.agrees, judgement.check.settled, judgement.sweet_spot.steps) == (False, True, None)
    assert (judgement.sweet_spot.confidence, judgement.sweet_spot.answer) == ("high", "not yet")
    assert "dpmpp_2m, 24 steps" in judgement.sweet_spot.reason
    assert judgement.reference_similarity == judgement.check.similarity
    # Nothing that contradicts it is shown, also not for single images.
    assert (judgement.convergence, judgement.own) == (None, (None,))


@pytest.mark.parametrize("checks", [(1 - END,), (1 - END, END * 0.5)])
def test_a_check_that_still_changes_proves_nothing(checks: tuple[np.ndarray, ...]):
    verdict = judge(series(), opinion=opinion(*checks)).sweet_spot
    assert (verdict.steps, verdict.confidence) == (None, "low")


def test_settings_that_reach_the_picture_with_fewer_calls_are_named():
    disagrees = judge(series(), opinion=opinion(1 - END, 1 - END)).better
    assert (disagrees.sampler, disagrees.scheduler, disagrees.shift, disagrees.steps) == ("dpmpp_2m", "simple", 3.0, 12)
    agrees = judge(series((24, 50)), opinion=opinion(END))
    assert (agrees.sweet_spot.steps, agrees.better.steps) == (24, 12)
    assert "dpmpp_2m, simple, 12 steps, with a shift of 3" in agrees.sweet_spot.advice
    # 12 steps are enough: the check's 12 save nothing.
    assert judge(series(), opinion=opinion(END)).sweet_spot.steps == 12
    assert judge(series(), opinion=opinion(END)).better is None
    # A check that still changes has not shown that it has converged.
    assert judge(series(), opinion=opinion(1 - END, END * 0.5)).better is None


def test_a_count_has_to_look_like_the_check_too():
    """The largest count is itself a little off: what looks like it need not look like the check."""
    runs = [Run(n, n, 1.0, END + ERROR * off) for n, off in ((12, 0.045), (24, 0.025), (50, 0.012))]
    assert judge(Series(SETTINGS, runs)).sweet_spot.steps == 12
    assert judge(Series(SETTINGS, runs), opinion=opinion(END - ERROR * 0.005)).sweet_spot.steps == 24


def test_a_looser_threshold_never_asks_for_more_steps():
    """A check that is far from the converged image looks like the reference at a loose threshold only."""
    loose = replace(SETTINGS, visible=Visible("to you", 0.8))
    runs = [Run(n, n, 1.0, END + ERROR * off) for n, off in ((4, 0.5), (12, 0.03), (24, 0.0))]
    far = END - ERROR * 0.07
    short = judge(Series(loose, runs), opinion=opinion(far))
    assert VISIBLE > short.check.similarity >= 0.8
    # So it runs longer first.
    assert short.check.is_open
    longer = judge(Series(loose, runs), opinion=opinion(far, END))
    assert not longer.check.is_open
    assert longer.sweet_spot.steps == judge(Series(SETTINGS, runs), opinion=opinion(far, END)).sweet_spot.steps == 12


def test_a_largest_count_that_stands_alone_is_not_the_reference():
    runs = [Run(n, n, 1.0, END + ERROR * off) for n, off in ((4, 0.5), (12, 0.01), (24, 0.005), (50, 0.5))]
    judgement = judge(Series(SETTINGS, runs), opinion=opinion(END))
    assert (judgement.reference, judgement.sweet_spot.steps) == (24, 12)
    assert judgement.sweet_spot.confidence == "medium"
    assert "50 steps show another picture" in judgement.sweet_spot.reason


def test_a_largest_count_that_looks_like_the_others_stays_the_reference():
    """All are alike, and only the largest is just too far from the check."""
    runs = [Run(n, n, 1.0, END + ERROR * off) for n, off in ((4, 0.0), (25, 0.002), (50, 0.003))]
    check = next(
        END - ERROR * away
        for away in (step / 5000 for step in range(400))
        if [value[0] >= VISIBLE for value in Measuring().similarity(runs, Run(12, 12, 1.0, END - ERROR * away))]
        == [True, True, False]
    )
    assert judge(Series(SETTINGS, runs), opinion=opinion(check)).reference == 50


def test_settings_are_not_better_where_their_picture_was_seen_to_differ():
    """24 steps of the check look like the reference and like its 12 steps, which don't look like the reference."""
    runs = [Run(n, n, 1.0, END + ERROR * off) for n, off in ((12, 0.3), (50, 0.0))]
    judgement = judge(Series(SETTINGS, runs), opinion=opinion(END + ERROR * 0.045, END + ERROR * 0.02))
    assert (judgement.check.agrees, judgement.check.settled, judgement.check.steps) == (True, True, 24)
    assert judgement.better.steps == 24


def test_settings_are_not_better_where_stock_schedulers_would_start_elsewhere():
    plan = plan_check(replace(EULER, denoise=1.0), [0.8, 0.5, 0.0], [1.0, 0.5, 0.0])
    assert judge(series((24, 50)), opinion=Opinion(plan, (Run(12, 12, 1.0, END),))).better is None


def test_a_sampler_of_unknown_kind_is_not_surely_unfinished():
    runs = [Run(n, n, 1.0, RNG.random(END.shape)) for n in (4, 25, 50)]
    unknown = replace(SETTINGS, sampler="rk_noisy")
    verdict = judge(Series(unknown, runs), opinion=opinion(END, END)).sweet_spot
    assert (verdict.steps, verdict.confidence) == (None, "medium")
    assert "may inject noise" in verdict.reason


def test_transparency_is_seen():
    from_clear = [
        Run(n, n, 1.0, np.concatenate([END, np.full_like(END[..., :1], a)], -1)) for n, a in ((4, 0), (25, 1))
    ]
    assert judge(Series(SETTINGS, from_clear)).similarity[0] < VISIBLE


def test_one_count_alone_is_judged_by_the_check():
    assert judge(series((24,)), opinion=opinion(END)).sweet_spot.steps == 24
    assert judge(series((24,)), opinion=opinion(1 - END, 1 - END)).sweet_spot.answer == "not yet"
    assert judge(series((24,))).sweet_spot.steps is None


def test_each_image_has_its_own_check():
    two = np.concatenate([END, END])
    runs = Series(SETTINGS, [Run(n, n, 1.0, two + ERROR * 4 / n**2) for n in (6, 12, 24)])
    judgement = judge(runs, opinion=opinion(*[np.concatenate([END, 1 - END])] * 2))
    assert judgement.own[0] is not None
    assert judgement.own[1] is None
    assert judgement.sweet_spot.steps is None


def test_images_that_turn_into_noise_are_said_to_be_of_a_model_made_for_few_steps():
    """A one-step model sampled with many steps: clean at 1 to 4, noise from 12 on, alike among themselves."""
    noise = RNG.random((1, 48, 48, 3))
    smooth = np.full_like(noise, 0.5)
    runs = [
        Run(1, 1, 1.0, smooth),
        Run(4, 4, 1.0, smooth + noise / 50),
        Run(12, 12, 1.0, noise),
        Run(25, 25, 1.0, noise),
    ]
    verdict = judge(Series(SETTINGS, runs), opinion=opinion(noise)).sweet_spot
    assert verdict.confidence == "medium"
    assert "made for few steps" in verdict.reason
    assert verdict.advice.startswith("If it is, compare 1, 2, 4 and 8 steps")
    trained = replace(SETTINGS, trained_steps=(1, 4))
    assert "made for few" not in judge(Series(trained, runs)).sweet_spot.reason
