"""The verdict on a sampler's settings."""

import pytest
from sweetspot.presets.catalogue import find_variant
from sweetspot.presets.plan import SAFE_DEFAULT
from sweetspot.presets.qualities import make_plan
from sweetspot.presets.verdicts import FEW, FINE, FULL_CFG, MANY, NOT_READ, NOT_RECOGNISED, judge

SDXL, TURBO = make_plan(find_variant("sdxl")), make_plan(find_variant("z_image_turbo"))
DRAFT = make_plan(find_variant("sdxl"), "draft").steps


@pytest.mark.parametrize(
    ("steps", "cfg", "denoise", "word"),
    [(25, 7.0, 1.0, FINE), (4, 7.0, 1.0, FEW), (200, 7.0, 1.0, MANY), (None, 7.0, 1.0, NOT_READ), (6, 7.0, 0.4, FINE)],
)
def test_a_full_length_model(steps: int | None, cfg: float, denoise: float, word: str):
    assert judge(SDXL, DRAFT, steps, cfg, denoise).word == word


@pytest.mark.parametrize(
    ("steps", "cfg", "word"), [(8, 1.0, FINE), (8, 1.5, FINE), (8, 7.0, FULL_CFG), (25, 1.0, MANY), (2, 1.0, FEW)]
)
def test_a_few_step_model(steps: int, cfg: float, word: str):
    assert judge(TURBO, TURBO.steps, steps, cfg).word == word


def test_an_unknown_model_gets_no_verdict_on_its_steps():
    assert judge(SAFE_DEFAULT, 25, 4, 1.0).word == NOT_RECOGNISED
