import pytest
from sweetspot.presets.detection import UNKNOWN, Evidence, recognise

FLUX = {"in_channels": 16, "hidden_size": 3072, "depth": 19, "depth_single_blocks": 38, "vec_in_dim": 768}
DEMO = {"hidden_size": 128, "context_in_dim": 64, "vec_in_dim": 64, "depth": 4, "depth_single_blocks": 8}

# What official templates and ComfyUI's examples set for these models.
KNOWN = [
    ("sd15", Evidence("SD15", {"context_dim": 768}), (20, 8.0, "euler", "normal")),
    ("sdxl", Evidence("SDXL", {"context_dim": 2048}), (25, 7.0, "dpmpp_2m", "karras")),
    ("sd3_medium", Evidence("SD3", {"depth": 24}), (30, 5.45, "euler", "sgm_uniform")),
    ("sd35_large", Evidence("SD3", {"depth": 38}), (20, 4.01, "euler", "sgm_uniform")),
    ("flux_dev", Evidence("Flux", FLUX), (20, 1.0, "euler", "simple")),
    ("flux_schnell", Evidence("FluxSchnell", FLUX), (4, 1.0, "euler", "simple")),
]

STRANGERS = {
    "no model class": Evidence("", {}),
    "an architecture without an entry": Evidence("WAN21_T2V", {"dim": 5120}),
    "a refiner is not the base": Evidence("SDXLRefiner", {}),
    "Fill is not dev": Evidence("FluxInpaint", FLUX | {"in_channels": 96}),
    "canny and depth are not dev": Evidence("Flux", FLUX | {"in_channels": 32}),
    "Ovis-Image is not schnell": Evidence("FluxSchnell", FLUX | {"vec_in_dim": None, "yak_mlp": True}),
    "a small Flux is not schnell": Evidence("FluxSchnell", FLUX | {"hidden_size": 256}),
}


@pytest.mark.parametrize(("variant", "evidence", "settings"), KNOWN, ids=[row[0] for row in KNOWN])
def test_known_models_get_their_recommended_settings(variant: str, evidence: Evidence, settings: tuple):
    found = recognise(evidence)
    plan = found.plan
    assert plan.variant == variant
    assert (plan.steps, plan.cfg, plan.sampler_name, plan.scheduler) == settings
    assert f"steps: {plan.steps} (source: {plan.sources['steps']})" in found.text


def test_the_demo_model_is_not_taken_for_schnell():
    assert recognise(Evidence("FluxSchnell", DEMO)).plan.variant == "sweetspot_demo"


@pytest.mark.parametrize("evidence", STRANGERS.values(), ids=STRANGERS.keys())
def test_strangers_get_the_safe_default_and_are_told_so(evidence: Evidence):
    found = recognise(evidence)
    assert found.plan.variant == UNKNOWN
    assert found.plan.steps == 25
    assert "not known" in found.text


def test_what_shapes_cannot_tell_is_said():
    assert "Turbo, Lightning" in recognise(Evidence("SDXL", {})).text
