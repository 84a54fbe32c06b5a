"""One run's helpers: what guiders say of guidance, exact schedules, and checks before any work."""

from types import SimpleNamespace

import comfy.model_sampling
import comfy.samplers
import pytest
import torch
from sweetspot.nodes.model.plan_on_model import exact_sigmas, known_names
from sweetspot.nodes.running.guiders import halves_there, scale_in_force, scale_names
from sweetspot.nodes.running.stock import KSamplerSettings, check_latent, check_sampler
from sweetspot.nodes.schema import check_choice, check_number
from sweetspot.presets.plan import SAFE_DEFAULT
from sweetspot.presets.trained import at_steps


def test_guiders_keep_one_scale_or_two():
    one, two, neither = SimpleNamespace(cfg=3.0), SimpleNamespace(cfg=8.0, cfg1=2.0, cfg2=4.0), SimpleNamespace(cfg=[1])
    assert [scale_names(guider) for guider in (one, two, neither)] == [("cfg",), ("cfg1", "cfg2"), ()]
    assert scale_in_force(one, []) == 3.0
    # What ComfyUI's cfg function was called with counts more than what the guider keeps.
    assert scale_in_force(one, [1.5]) == 1.5
    assert scale_in_force(two, [1.5]) == 2.0
    assert scale_in_force(neither, []) is None
    assert halves_there(SimpleNamespace(conds={"positive": [1], "negative": []})) == 1


def test_names_that_this_comfyui_lacks_are_replaced_and_said():
    plan, notes = known_names(SAFE_DEFAULT.overlaid({"sampler_name": "magic", "scheduler": "karras"}, "a test"))
    assert (plan.sampler_name, plan.scheduler) == ("euler", "karras")
    assert len(notes) == 1
    assert "magic" in notes[0]
    assert known_names(SAFE_DEFAULT) == (SAFE_DEFAULT, [])


def test_exact_schedules_are_a_plans_levels_or_the_models_at_its_timesteps():
    sampling = comfy.model_sampling.ModelSamplingDiscrete()
    model = SimpleNamespace(get_model_object=lambda _name: sampling)
    assert exact_sigmas(model, SAFE_DEFAULT) is None
    levels = SAFE_DEFAULT.overlaid({"steps": 2, "sigmas": (5.0, 1.0, 0.0)}, "a test")
    assert exact_sigmas(model, levels).tolist() == [5.0, 1.0, 0.0]
    trained = SAFE_DEFAULT.overlaid({"steps": 2, "sigmas": (), "timesteps": (999, 499)}, "a test")
    expected = [*sampling.sigma(torch.tensor([999.0, 499.0])).tolist(), 0.0]
    assert exact_sigmas(model, trained).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("steps", [4, 9])
def test_the_numbers_of_a_scheduler_make_what_the_stock_nodes_make(steps: int):
    """With the usual numbers, that is the stock scheduler; at every step count, not only at the plan's own."""
    sampling = comfy.model_sampling.ModelSamplingDiscrete()
    model = SimpleNamespace(get_model_object=lambda _name: sampling)
    for scheduler, usual, other in (
        ("karras", {"rho": 7.0}, {"rho": 3.0}),
        ("beta", {"alpha": 0.6, "beta": 0.6}, {"alpha": 0.9, "beta": 0.4}),
    ):
        plan = SAFE_DEFAULT.overlaid({"scheduler": scheduler, "scheduler_options": usual}, "a test")
        stock = comfy.samplers.calculate_sigmas(sampling, scheduler, steps)
        assert exact_sigmas(model, at_steps(plan, steps)).tolist() == pytest.approx(stock.tolist(), abs=1e-6)
        changed = at_steps(plan.overlaid({"scheduler_options": other}, "a test"), steps)
        assert exact_sigmas(model, changed).tolist() != pytest.approx(stock.tolist(), rel=0.05)
        # Another scheduler has no such numbers.
        assert exact_sigmas(model, changed.overlaid({"scheduler": "simple"}, "a test")) is None


@pytest.mark.parametrize(("field", "name"), [("sampler_name", "magic"), ("scheduler", "magic")])
def test_names_are_checked_before_the_stock_sampler_replaces_them(field: str, name: str):
    settings = {"sampler_name": "euler", "scheduler": "simple"} | {field: name}
    with pytest.raises(ValueError, match=rf"^{field}: expected one of .*got 'magic'"):
        check_sampler(KSamplerSettings(0, 1.0, denoise=1.0, **settings))


def test_a_latent_of_another_model_is_refused_and_an_empty_one_is_not():
    model = SimpleNamespace(get_model_object=lambda _name: SimpleNamespace(latent_channels=16))
    check_latent(model, {"samples": torch.zeros(1, 4, 8, 8)})
    check_latent(model, {"samples": torch.ones(1, 16, 8, 8)})
    with pytest.raises(ValueError, match=r"latent_image: .*16.*4"):
        check_latent(model, {"samples": torch.ones(1, 4, 8, 8)})


def test_linked_values_are_checked_as_the_widgets_are():
    check_choice("kept_as", "8 bit", ["8 bit"])
    check_number("price", 0.0, 0, 1)
    with pytest.raises(ValueError, match=r"kept_as: expected one of 8 bit; got 'x'"):
        check_choice("kept_as", "x", ["8 bit"])
    for wrong in (-1, 2, float("nan")):
        with pytest.raises(ValueError, match=r"price: expected 0 to 1, got"):
            check_number("price", wrong, 0, 1)
