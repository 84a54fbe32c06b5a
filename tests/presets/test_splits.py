"""Where the second of two models takes over."""

from dataclasses import replace

import pytest
from sweetspot.graphs.walk import Lora
from sweetspot.presets.catalogue import find_variant
from sweetspot.presets.plan import Split
from sweetspot.presets.qualities import make_plan
from sweetspot.presets.recognition.evidence import Evidence
from sweetspot.presets.recognition.recognise import recognise
from sweetspot.presets.splits import split_step


@pytest.mark.parametrize(
    ("variant", "steps", "step"), [("wan22_t2v_14b", 20, 10), ("sdxl_refiner", 25, 20), ("sdxl", 25, 0)]
)
def test_a_templates_share(variant: str, steps: int, step: int):
    plan = make_plan(find_variant(variant))
    assert (plan.steps, split_step(plan)) == (steps, step)


@pytest.mark.parametrize(("steps", "step"), [(40, 26), (20, 13), (4, 3), (2, 1)])
def test_wans_own_boundary_is_counted_on_its_own_schedule(steps: int, step: int):
    plan = replace(make_plan(find_variant("wan22_t2v_14b"), "best"), steps=steps)
    assert plan.split == Split(0.875, "boundary")
    levels = [12 * t / (1 + 11 * t) for t in (1 - i / steps for i in range(steps + 1))]
    assert split_step(plan) == split_step(plan, levels) == step
    # Of two steps, the first model must leave one.
    assert steps == 2 or levels[step - 1] >= 0.875 > levels[step]


def test_each_model_gets_a_step():
    plan = replace(make_plan(find_variant("wan22_t2v_14b")), split=Split(0.99, "share"))
    assert split_step(replace(plan, steps=3)) == 2
    assert split_step(replace(plan, steps=1)) == 0


def test_an_accelerator_of_another_model_keeps_the_split_of_the_file():
    lora = Lora("Wan21_I2V_14B_lightx2v_cfg_step_distill_lora_rank64.safetensors", 1.0)
    plan = recognise(Evidence(files=("wan2.2_i2v_high_noise_14B_fp8_scaled.safetensors",), loras=(lora,))).plan
    assert (plan.steps, split_step(plan)) == (4, 2)
