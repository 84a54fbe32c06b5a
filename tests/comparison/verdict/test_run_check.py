"""Whether one run was enough: what the check runs' similarity means, and what the answer says."""

import pytest
from sweetspot.comparison.verdict.run_check import (
    LATENTS,
    CheckRun,
    RunCheck,
    first_answer,
    images_scale,
    second_answer,
)
from sweetspot.comparison.verdict.second_opinion import Better
from sweetspot.words import codes_of

SCALE = images_scale(0.9)


@pytest.mark.parametrize(("similarity", "answer"), [(1.0, "enough"), (0.931, "enough"), (0.925, None), (0.1, None)])
def test_the_first_check_run_only_says_that_it_was_enough(similarity: float, answer: str | None):
    """With so few steps, it is sometimes in another mode itself."""
    assert first_answer(similarity, SCALE) == answer


@pytest.mark.parametrize(
    ("similarity", "between", "answer"),
    [
        (0.95, 0.95, "enough"),
        (0.91, 0.5, "enough"),
        (0.89, 0.95, "not finished"),
        # Both check runs differ from the run and from each other: the check itself has not converged.
        (0.89, 0.6, "not clear"),
    ],
)
def test_the_second_one_decides_if_the_check_itself_has_converged(similarity: float, between: float, answer: str):
    assert second_answer(similarity, between, SCALE) == answer


def test_the_strictest_threshold_can_still_be_met():
    assert first_answer(1.0, images_scale(0.999)) == "enough"


def test_a_looser_threshold_lets_more_pass_and_never_less():
    for similarity in (0.2, 0.5, 0.8, 0.88, 0.92, 0.99):
        order = {"enough": 1, None: 0}
        strict, loose = (order[first_answer(similarity, images_scale(visible))] for visible in (0.94, 0.85))
        assert loose >= strict


@pytest.mark.parametrize("scale", [SCALE, LATENTS, images_scale(0.6), images_scale(0.98)])
def test_the_thresholds_stand_in_their_order(scale):
    assert 0 < scale.settled < scale.same_later < scale.same < 1


def check(answer: str, *, decoded: bool = True, whole: bool = True) -> RunCheck:
    runs = [CheckRun(12, 12, 1.0, 0.85), CheckRun(24, 24, 2.0, 0.8)]
    return RunCheck(answer, 25, Better("dpmpp_2m", "simple", 3.0, 24, 24), runs, decoded, whole)  # pyright: ignore[reportArgumentType]


def test_the_text_gives_the_answer_the_settings_and_the_cost():
    text = check("not finished").text
    for part in ("25 steps", "dpmpp_2m, simple, 24 steps, with a shift of 3", "36 model calls", "those settings"):
        assert part in text
    assert codes_of(text) == ["enough.no", "enough.try_settings", "enough.cost"]


def test_settings_that_start_elsewhere_are_not_recommended():
    """Image to image starts below full noise; a stock KSampler with the settings of the check would not."""
    assert "enough.try_settings" not in codes_of(check("not finished", whole=False).text)


def test_latents_are_said_to_be_less_sure():
    assert "enough.latents" in codes_of(check("enough", decoded=False).text)
    assert "enough.latents" not in codes_of(check("enough").text)
    assert check("enough", decoded=False).to_dict()["compared"] == "latents"
