"""Our own schedulers beside ComfyUI's, on its own classes of noise levels, for every step count up to 50."""

import math
from types import SimpleNamespace
from typing import Any

import comfy.model_sampling
import comfy.samplers
import pytest
import torch
from sweetspot.samplers.noise_levels import NoiseLevels, diffusion_levels, flow_levels
from sweetspot.samplers.schedulers import SCHEDULERS, make_schedule


def flow(shift: float, multiplier: float) -> Any:
    settings = SimpleNamespace(sampling_settings={"shift": shift, "multiplier": multiplier})
    return comfy.model_sampling.ModelSamplingDiscreteFlow(settings)


def flux(mu: float) -> Any:
    return comfy.model_sampling.ModelSamplingFlux(SimpleNamespace(sampling_settings={"shift": mu}))


MODELS: dict[str, tuple[Any, NoiseLevels]] = {
    "the demo model": (flow(1.0, 1.0), flow_levels(1.0, 1.0)),
    "SD3": (flow(3.0, 1000), flow_levels(3.0, 1000)),
    "AuraFlow": (flow(1.73, 1.0), flow_levels(1.73, 1.0)),
    "Flux": (flux(1.15), flow_levels(math.exp(1.15), 1.0, 10_000)),
    "Stable Diffusion": (comfy.model_sampling.ModelSamplingDiscrete(), diffusion_levels()),
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_schedules_are_comfyuis(model: str, scheduler: str):
    stock, levels = MODELS[model]
    for steps in range(1, 51):
        expected = comfy.samplers.calculate_sigmas(stock, scheduler, steps)
        made = make_schedule(scheduler, levels, steps)
        assert made.shape == expected.shape, steps
        assert made.dtype == torch.float32
        assert made.tolist() == pytest.approx(expected.tolist(), rel=2e-5, abs=1e-6), steps


def test_the_schedulers_are_all_stock_ones():
    assert set(SCHEDULERS) <= set(comfy.samplers.SCHEDULER_NAMES)
