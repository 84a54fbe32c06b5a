from dataclasses import replace

import pytest
from sweetspot.comparison.verdict.second_opinion import Check
from sweetspot.comparison.verdict.sweet_spot import find_sweet_spot, find_trained_sweet_spot
from sweetspot.samplers.stochastic import injects_noise

# Facts: ComfyUI 0.33's KSampler names, split by whether the run adds noise.
DETERMINISTIC = (
    "euler euler_cfg_pp heun heunpp2 exp_heun_2_x0 dpm_2 lms dpm_fast dpm_adaptive dpmpp_2m dpmpp_2m_cfg_pp ipndm "
    "ipndm_v deis res_multistep res_multistep_cfg_pp gradient_estimation gradient_estimation_cfg_pp ddim uni_pc "
    "uni_pc_bh2"
).split()
STOCHASTIC = (
    "euler_ancestral euler_ancestral_cfg_pp dpm_2_ancestral dpmpp_2s_ancestral dpmpp_2s_ancestral_cfg_pp dpmpp_sde "
    "dpmpp_sde_gpu dpmpp_2m_sde dpmpp_2m_sde_gpu dpmpp_2m_sde_heun dpmpp_3m_sde dpmpp_3m_sde_gpu ddpm lcm er_sde "
    "seeds_2 seeds_3 sa_solver sa_solver_pece exp_heun_2_x0_sde res_multistep_ancestral"
).split()


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_deterministic_samplers(name: str):
    assert not injects_noise(name)


@pytest.mark.parametrize("name", STOCHASTIC)
def test_samplers_that_inject_noise(name: str):
    assert injects_noise(name)


@pytest.mark.parametrize(
    ("steps", "similarity", "sweet_spot"),
    [
        ([4, 25, 50], [0.80, 0.98, 1.0], 25),
        ([4, 25, 50], [0.96, 0.98, 1.0], 4),
        ([50, 4, 25], [1.0, 0.80, 0.98], 25),
        # A lucky small count does not count when a larger one still differs.
        ([4, 8, 25, 50], [0.97, 0.85, 0.98, 1.0], 25),
        ([4, 25, 50], [0.895, 0.895, 1.0], 4),
    ],
)
def test_smallest_count_from_which_on_nothing_changes(steps: list[int], similarity: list[float], sweet_spot: int):
    verdict = find_sweet_spot(steps, similarity, "euler")
    assert verdict.steps == sweet_spot
    assert str(sweet_spot) in verdict.reason


def test_a_comparison_that_has_not_settled_names_none():
    verdict = find_sweet_spot([4, 25, 50], [0.5, 0.85, 1.0], "euler")
    assert verdict.steps is None
    assert "25 still look different" in verdict.reason


def test_a_similarity_that_is_not_a_number_is_not_enough():
    assert find_sweet_spot([4, 50], [float("nan"), 1.0], "euler").steps is None


def test_one_run_has_nothing_to_compare_with():
    assert find_sweet_spot([25], [1.0], "euler").steps is None


def test_samplers_that_inject_noise_get_no_sweet_spot():
    verdict = find_sweet_spot([4, 25, 50], [0.96, 0.98, 1.0], "euler_ancestral")
    assert verdict.steps is None
    assert "euler_ancestral injects noise" in verdict.reason


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="as many similarities as step counts"):
        find_sweet_spot([4, 25], [1.0], "euler")


def test_a_reference_that_has_not_converged_is_judged_itself():
    verdict = find_sweet_spot([4, 25, 50], [0.8, 0.96, 1.0], "euler", estimate=0.85)
    assert (verdict.steps, verdict.answer) == (None, "not yet")
    assert "50 steps have not converged" in verdict.reason
    assert "85.0 %" in verdict.reason
    assert "Add larger step counts" in verdict.advice


def test_the_largest_count_is_the_sweet_spot_where_by_the_estimate_it_has_converged():
    verdict = find_sweet_spot([4, 25, 50], [0.5, 0.85, 1.0], "euler", estimate=0.99)
    assert verdict.steps == 50
    assert "25 still look different (85.0 %; visible below 89.5 %)" in verdict.reason
    assert "50 have probably converged" in verdict.reason


def checked(similarity: float = 0.97, *, clear: bool = True) -> Check:
    return Check(
        "dpmpp_2m", "simple", 3.0, 12, 12, 1.2, similarity, similarity >= 0.895, clear, False, None, similarity >= 0.895
    )


@pytest.mark.parametrize(
    ("similarity", "estimate", "check", "confidence"),
    [
        # Nothing shows whether the reference has converged.
        ([0.8, 0.99, 1.0], None, None, "low"),
        ([0.8, 0.97, 1.0], 0.99, None, "medium"),
        ([0.8, 0.97, 1.0], None, checked(), "high"),
        ([0.8, 0.97, 1.0], None, checked(clear=False), "medium"),
        # With slightly other similarities, the sweet spot would be two counts away.
        ([0.885, 0.9, 1.0], None, checked(), "high"),
        ([0.885, 0.89, 1.0], None, checked(), "medium"),
        ([0.905, 0.9, 1.0], None, checked(), "medium"),
    ],
)
def test_confidence(similarity: list[float], estimate: float | None, check: Check | None, confidence: str):
    verdict = find_sweet_spot([4, 25, 50], similarity, "euler", estimate, check)
    assert verdict.confidence == confidence


def test_a_reference_with_hardly_more_steps_confirms_nothing_unless_the_check_ran_twice():
    once, twice = checked(), replace(checked(), settled=True)
    assert find_sweet_spot([4, 16, 24], [0.5, 0.97, 1.0], "euler", None, once).confidence == "medium"
    assert find_sweet_spot([4, 16, 24], [0.5, 0.97, 1.0], "euler", None, twice).confidence == "high"
    assert find_sweet_spot([4, 12, 24], [0.5, 0.97, 1.0], "euler", None, once).confidence == "high"
    assert find_sweet_spot([4, 12, 24], [0.5, 0.8, 1.0], "euler", None, once).confidence == "high"


def test_a_check_outweighs_the_estimate():
    """A reference that has converged, but not with a regular order."""
    assert find_sweet_spot([4, 25, 50], [0.5, 0.97, 1.0], "euler", 0.8, checked()).steps == 25


@pytest.mark.parametrize(
    ("counts", "similarity", "steps"),
    [
        ([1, 2, 4, 8], [0.7, 0.96, 1.0, 0.5], 2),
        ([4, 8], [1.0, 0.4], 4),
        ([3, 4], [0.5, 1.0], 4),
        ([8, 16], [0.9, 1.0], None),
    ],
)
def test_a_distilled_model_is_judged_within_what_it_was_trained_for(counts, similarity, steps):
    verdict = find_trained_sweet_spot(counts, similarity, (1, 4))
    assert verdict.steps == steps
    assert "trained for 1 to 4 steps" in verdict.reason


@pytest.mark.parametrize("sampler", ["dpm_adaptive", "dpm_fast"])
def test_a_sampler_that_chooses_its_own_steps_has_none(sampler: str):
    verdict = find_sweet_spot([4, 10, 50], [1.0, 1.0, 1.0], sampler, 1.0)
    assert (verdict.steps, verdict.confidence, verdict.answer) == (None, "high", "none")
    assert f"{sampler} chooses its own steps" in verdict.reason
