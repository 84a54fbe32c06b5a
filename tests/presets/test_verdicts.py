"""The verdict on a sampler's settings."""

import pytest
from sweetspot.presets.comparable import counts_to_compare
from sweetspot.presets.recognition.evidence import Evidence
from sweetspot.presets.recognition.finding import Recognition
from sweetspot.presets.recognition.recognise import recognise, recognise_all
from sweetspot.presets.verdicts import (
    FEW,
    FINE,
    FULL_CFG,
    MANY,
    NEEDLESS_CFG,
    NOT_READ,
    NOT_RECOGNISED,
    Settings,
    judge,
    judge_list,
)


def named(name: str) -> Recognition:
    return recognise(Evidence(files=(f"{name}.safetensors",)))


SDXL, TURBO = named("sd_xl_base_1.0"), named("z_image_turbo")
DRAFT = recognise_all(Evidence(files=("sd_xl_base_1.0.safetensors",)))["draft"].plan.steps


@pytest.mark.parametrize(
    ("steps", "cfg", "denoise", "word"),
    [(25, 7.0, 1.0, FINE), (4, 7.0, 1.0, FEW), (200, 7.0, 1.0, MANY), (None, 7.0, 1.0, NOT_READ), (6, 7.0, 0.4, FINE)],
)
def test_a_full_length_model(steps: int | None, cfg: float, denoise: float, word: str):
    assert judge(SDXL, DRAFT, Settings(steps, cfg, denoise)).word == word


@pytest.mark.parametrize(
    ("steps", "cfg", "word"), [(8, 1.0, FINE), (8, 1.5, FINE), (8, 7.0, FULL_CFG), (25, 1.0, MANY), (2, 1.0, FEW)]
)
def test_a_few_step_model(steps: int, cfg: float, word: str):
    assert judge(TURBO, TURBO.plan.steps, Settings(steps, cfg)).word == word


def test_an_unknown_model_gets_no_verdict_on_its_steps():
    assert judge(named("nobody_knows"), 25, Settings(4, 1.0)).word == NOT_RECOGNISED


@pytest.mark.parametrize(
    ("name", "steps", "word"),
    [
        ("unknown_turbo", 4, FINE),
        ("unknown_turbo", 12, FINE),
        ("unknown_turbo", 40, MANY),
        ("unknown_8steps", 2, FEW),
        ("ideogram4_turbo", 4, FINE),
    ],
)
def test_a_name_that_says_few_steps_allows_any_few(name: str, steps: int, word: str):
    assert judge(named(name), 8, Settings(steps, 1.0)).word == word


def test_the_reason_names_what_was_compared():
    assert "recommended: 16 to 50" in judge(SDXL, 16, Settings(25, 7.0)).text
    assert "the lowest recommended count is 16 (5 with denoise 0.3)" in judge(SDXL, 16, Settings(3, 7.0, 0.3)).text


def test_a_model_with_built_in_guidance_needs_no_cfg():
    assert judge(named("flux1-dev"), 8, Settings(20, 7.0)).word == NEEDLESS_CFG
    assert judge(named("flux1-dev"), 8, Settings(20, 1.0)).word == FINE


def test_a_second_stage_is_not_compared():
    assert judge(named("ltx-2-19b-distilled"), 8, Settings(3, 1.0, refines=True)).word == FINE


def test_a_part_of_a_long_schedule_is_judged_by_what_it_runs():
    assert judge(SDXL, 16, Settings(100, 7.0, run=2)).word == FINE
    assert judge(SDXL, 16, Settings(100, 7.0)).word == MANY


@pytest.mark.parametrize(
    ("recognition", "counts", "cfg", "wrong"),
    [
        (SDXL, (4, 25, 50), 7.0, {}),
        (SDXL, (2, 4), 7.0, {"steps": FEW}),
        (TURBO, (4, 6, 8, 12), 1.0, {}),
        (TURBO, (25, 50), 1.0, {"steps": MANY}),
        (TURBO, (4, 6, 8, 12), 8.0, {"cfg": FULL_CFG}),
        (TURBO, (25, 50), 8.0, {"cfg": FULL_CFG, "steps": MANY}),
        (TURBO, (2, 50), 1.0, {}),
        (TURBO, (), 8.0, {"cfg": FULL_CFG}),
        (TURBO, (), None, {}),
        (named("nobody_knows"), (1, 2), 30.0, {}),
    ],
)
def test_of_a_comparison_only_what_is_wrong_is_named(
    recognition: Recognition, counts: tuple[int, ...], cfg: float | None, wrong: dict[str, str]
):
    draft = DRAFT if recognition is SDXL else TURBO.plan.steps
    assert {name: verdict.word for name, verdict in judge_list(recognition, draft, counts, cfg).items()} == wrong


@pytest.mark.parametrize(
    ("name", "counts"),
    [("z_image_turbo", [4, 6, 8, 12]), ("flux1-schnell", [2, 3, 4, 6]), ("sd_xl_turbo_1.0", [1, 2])],
)
def test_the_counts_to_compare_lie_around_the_recommended_one(name: str, counts: list[int]):
    assert counts_to_compare(named(name).plan) == counts


def test_a_full_length_models_counts_reach_twice_the_recommended_one():
    counts = counts_to_compare(SDXL.plan)
    assert counts[-1] == 2 * SDXL.plan.steps
    assert SDXL.plan.steps in counts
    assert len(counts) == 4
