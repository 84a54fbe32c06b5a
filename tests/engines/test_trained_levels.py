"""Noise levels from diffusers' scheduler configurations: those of published models, by closed forms."""

import math
from typing import Any

import pytest
import torch
from sweetspot.engines.trained_levels import levels_of, prediction_of, shift_of

pytestmark = pytest.mark.xdist_group("diffusers")

FLUX = {
    "_class_name": "FlowMatchEulerDiscreteScheduler",
    "base_image_seq_len": 256,
    "base_shift": 0.5,
    "max_image_seq_len": 4096,
    "max_shift": 1.15,
    "shift": 3.0,
    "use_dynamic_shifting": True,
}
SDXL = {
    "_class_name": "EulerDiscreteScheduler",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
}
WAN = {
    "_class_name": "UniPCMultistepScheduler",
    "flow_shift": 5.0,
    "prediction_type": "flow_prediction",
    "use_flow_sigmas": True,
}


@pytest.mark.parametrize(
    ("config", "tokens", "shift"),
    [
        (FLUX, 256, math.exp(0.5)),
        (FLUX, 4096, math.exp(1.15)),
        (FLUX, 1024, math.exp(0.5 + 0.65 * 768 / 3840)),
        (FLUX | {"time_shift_type": "linear"}, 4096, 1.15),
        (FLUX | {"use_dynamic_shifting": False}, 4096, 3.0),
        (WAN, 99, 5.0),
        ({"_class_name": "FlowMatchEulerDiscreteScheduler"}, 99, 1.0),
    ],
)
def test_shifts(config: dict[str, Any], tokens: int, shift: float):
    assert prediction_of(config) == "flow_prediction"
    assert shift_of(config, tokens) == pytest.approx(shift)


def test_betas():
    assert prediction_of(SDXL) == "epsilon"
    assert prediction_of(SDXL | {"prediction_type": "v_prediction"}) == "v_prediction"
    # ComfyUI's largest level for Stable Diffusion.
    assert float(levels_of(SDXL, 1.0, 1000).table[-1]) == pytest.approx(14.6146, abs=1e-3)
    betas = torch.linspace(0.0001, 0.02, 1000, dtype=torch.float64)
    kept = (1 - betas).cumprod(0)[-1]
    linear = levels_of({"beta_schedule": "linear"}, 1.0, 1000).table[-1]
    assert float(linear) == pytest.approx(float(((1 - kept) / kept).sqrt()), rel=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"prediction_type": "sample"},
            "expected prediction_type .*, got 'sample'",
        ),
        ({"rescale_betas_zero_snr": True}, "got rescale_betas_zero_snr"),
        ({"trained_betas": [0.1]}, "got trained_betas"),
        ({"_class_name": "EDMEulerScheduler"}, "got the class EDMEulerScheduler"),
        ({"beta_schedule": "squaredcos_cap_v2"}, "beta_schedule: expected one of linear, scaled_linear, got 'squared"),
    ],
)
def test_levels_that_can_not_be_told_are_refused(changes: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        levels_of(SDXL | changes, 1.0, 1000)
