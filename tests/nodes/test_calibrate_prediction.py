"""Calibration of models that predict noise or velocity: data in closed form, all else is ComfyUI's own."""

from collections.abc import Callable
from typing import Any

import comfy.latent_formats
import comfy.model_base
import comfy.model_patcher
import comfy.supported_models
import numpy as np
import pytest
import torch
from closed_forms import CHANNELS, SIDE, ClosedForm
from sweetspot.comparison.calibration.recipe import Recipe, Span
from sweetspot.comparison.calibration.search import Wanted, calibrate
from sweetspot.comparison.measures.measured import Prepared
from sweetspot.comparison.runs import Sampling, Task
from sweetspot.nodes.comparing.engine import ComfyEngine, Subject
from sweetspot.nodes.model.plan_on_model import exact_sigmas
from sweetspot.presets.plan import SAFE_DEFAULT
from sweetspot.samplers.stochastic import DETERMINISTIC, OWN_STEPS

# A model of which noise is added to the data, without plateaus.
NUMBER = 15
BASE = Sampling(3, 1.0, "euler", "normal")
NOW = Recipe("euler", "normal")


class Silent:
    def __getattr__(self, _name: str) -> Callable[..., Any]:
        return lambda *_, **__: lambda *_, **__: None


class Network(torch.nn.Module):
    """Predicts what ComfyUI expects of a network of this kind, from the mean of the data given the noisy sample."""

    dtype = torch.float32

    def __init__(self, data: Any, sampling: Any, kind: str) -> None:
        super().__init__()
        self._data, self._sampling, self._kind = data, sampling, kind
        # ComfyUI asks a model for the device of its weights.
        self.weight = torch.nn.Parameter(torch.zeros(1), requires_grad=False)
        basis = torch.cos(torch.pi / SIDE * (torch.arange(SIDE)[None] + 0.5) * torch.arange(SIDE)[:, None])
        basis *= (2 / SIDE) ** 0.5
        basis[0] /= 2**0.5
        self._basis = basis.double()

    def forward(self, x: torch.Tensor, timesteps: torch.Tensor, **_: Any) -> torch.Tensor:
        sigma = self._sampling.sigma(timesteps).double().view(-1, 1, 1, 1)
        noisy = x.double() * (sigma**2 + 1).sqrt()
        coefficients = (self._basis @ noisy @ self._basis.T).flatten(1)
        mean = self._data.denoise(coefficients, sigma.flatten()).view(-1, CHANNELS, SIDE, SIDE)
        clean = self._basis.T @ mean @ self._basis
        if self._kind == "EPS":
            return ((noisy - clean) / sigma).to(x)
        return ((noisy / (sigma**2 + 1) - clean) * (sigma**2 + 1).sqrt() / sigma).to(x)


class Decoder:
    """Shows three channels as colours."""

    device = torch.device("cpu")

    def decode(self, samples: torch.Tensor) -> torch.Tensor:
        return (0.5 + 0.2 * samples).clamp(0, 1).movedim(1, -1)


def engine_of(kind: str) -> ComfyEngine:
    config = comfy.supported_models.SD15({"disable_unet_model_creation": True})
    config.latent_format = comfy.latent_formats.LatentFormat()
    config.latent_format.latent_channels = CHANNELS
    model = comfy.model_base.BaseModel(config, comfy.model_base.ModelType[kind])
    model.diffusion_model = Network(ClosedForm(NUMBER)._data, model.model_sampling, kind)
    patcher = comfy.model_patcher.ModelPatcher(model, torch.device("cpu"), torch.device("cpu"))
    empty = [[torch.zeros(1, 1, 8), {}]]
    latent = {"samples": torch.zeros(1, CHANNELS, SIDE, SIDE)}
    return ComfyEngine(Subject((patcher,), (empty,), empty, latent, Decoder()), Silent(), 64 << 20)


@pytest.fixture(scope="module", params=["EPS", "V_PREDICTION"])
def engine(request: pytest.FixtureRequest) -> Any:
    with torch.inference_mode():
        yield engine_of(request.param)


def test_comfyuis_own_classes_give_the_closed_forms_image(engine: ComfyEngine):
    """Otherwise the calibration below would be one of something else."""
    own = ClosedForm(NUMBER)
    levels = (*np.geomspace(14.6, 0.03, 30).tolist(), 0.0)
    task = Task(Sampling(3, 1.0, "dpmpp_2m", "normal", sigmas=levels), 30)
    noise = torch.randn(1, CHANNELS, SIDE, SIDE, generator=torch.manual_seed(3)).double()
    basis = engine._subject.models[0].model.diffusion_model._basis
    start = (basis @ noise @ basis.T).flatten()

    from closed_forms import picture
    from sweetspot.samplers.lockstep import sample_lockstep

    (end,) = sample_lockstep(own._data.denoise, 14.6 * start, [torch.tensor(levels).double()], "dpmpp_2m")
    (run,) = engine.run([task])
    assert Prepared(run.images[0]).similarity(Prepared(picture(end))) > 0.97


def test_its_schedule_is_found_and_no_worse_than_the_best_stock_one(engine: ComfyEngine):
    cases = [BASE.with_seed(number) for number in range(6)]
    found = calibrate(engine, Wanted(6, cases, NOW, schedulers=("normal", "karras", "beta"), budget=400))
    assert not found.span.is_flow
    assert found.chosen.recipe.shift is None
    assert not found.left_out
    assert found.is_gain
    span, fresh = Span.of(engine, BASE), [BASE.with_seed(100 + number) for number in range(6)]

    def similar(recipe: Recipe) -> float:
        long = Recipe("res_multistep", "karras", rho=6.0)
        ends = engine.run([long.task(case, 60, span) for case in fresh])
        runs = engine.run([recipe.task(case, 6, span) for case in fresh])
        pairs = zip(runs, ends, strict=True)
        return float(np.mean([Prepared(run.images[0]).similarity(Prepared(end.images[0])) for run, end in pairs]))

    assert similar(found.chosen.recipe) >= similar(found.stock.recipe) - 0.002
    assert similar(found.chosen.recipe) > similar(NOW) + 0.01


def test_the_plan_makes_the_levels_that_were_tried(engine: ComfyEngine):
    """At every step count, by ComfyUI's own functions."""
    span, model = Span.of(engine, BASE), engine._subject.models[0]
    for recipe in (Recipe("euler", "karras", rho=3.0), Recipe("euler", "beta", alpha_beta=(0.9, 0.4))):
        fields = {"scheduler": recipe.scheduler, "scheduler_options": recipe.scheduler_options}
        for steps in (4, 13):
            plan = SAFE_DEFAULT.overlaid(fields | {"steps": steps}, "a test")
            assert exact_sigmas(model, plan).tolist() == pytest.approx(recipe.levels(steps, span), rel=0.01)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:comfy")
@pytest.mark.parametrize("sampler", sorted(DETERMINISTIC - OWN_STEPS))
def test_the_calls_of_every_sampler_that_may_be_used_now_are_known(sampler: str):
    engine, recipe = engine_of("EPS"), Recipe(sampler, "normal")
    (run,) = engine.run([recipe.task(BASE, 7, Span.of(engine, BASE))])
    # heunpp2 saves one on its last step but one.
    assert recipe.model_calls(7) - 1 <= run.model_calls <= recipe.model_calls(7)
