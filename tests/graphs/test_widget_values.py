"""The names of values that a saved workflow stores by position."""

import pytest
from sweetspot.graphs.widget_values import widget_values

POWER = {"on": True, "lora": "style.safetensors", "strength": 0.5, "strengthTwo": None}


def node(kind: str, values, *names: str):
    return {"type": kind, "widgets_values": values, "inputs": [{"name": n, "widget": {"name": n}} for n in names]}


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        (node("KSampler", [7, "fixed", 20, 8.0, "euler", "normal", 1.0]), {"seed": 7, "steps": 20, "cfg": 8.0}),
        # The first versions of ComfyUI stored a boolean after the seed.
        (node("KSampler", [7, False, 30, 7.0, "euler", "karras", 1.0]), {"seed": 7, "steps": 30, "cfg": 7.0}),
        # An older file that lists only the one value that was made an input.
        (
            node("KSampler", [7, "randomize", 20, 8.0, "euler", "normal", 1.0], "seed"),
            {"steps": 20, "scheduler": "normal"},
        ),
        # A class that nobody knows, in a file that lists the names.
        (node("NewSampler", [7, "increment", 12, 1.5], "seed", "steps", "cfg"), {"seed": 7, "steps": 12, "cfg": 1.5}),
        (node("NewSampler", [12, 1.5], "steps", "cfg"), {"steps": 12, "cfg": 1.5}),
        (
            node("UltimateSDUpscale", [2, 66, "randomize", 4, 1, "deis", "normal", 0.28], "upscale_by"),
            {"upscale_by": 2, "steps": 4, "denoise": 0.28},
        ),
        (
            node("ClownsharKSampler_Beta", [0.5, "res_2s", "beta57", 30, -1, 1, 5.5, 0, "fixed", "standard", True]),
            {"steps": 30},
        ),
        (node("Power Lora Loader (rgthree)", [{}, {"type": "Header"}, POWER, {}, ""]), {"lora_2": POWER}),
        (
            node("Lora Loader (LoraManager)", ["<lora:a:1>", [{"name": "a", "strength": 1}]]),
            {"loras_1": [{"name": "a", "strength": 1}]},
        ),
        (node("Some Loader", ["a.gguf", True]), {"model_name_0": "a.gguf"}),
        (node("Some Slider", [12]), {"value": 12}),
        ({"type": "VHS_LoadVideo", "widgets_values": {"video": "a.mp4", "videopreview": {}}}, {"video": "a.mp4"}),
        ({"type": "Nothing"}, {}),
    ],
)
def test_values_get_their_names(stored, wanted):
    found = widget_values(stored)
    assert {name: found.get(name) for name in wanted} == wanted
    assert "videopreview" not in found


def test_values_that_do_not_fit_their_names_stay_unnamed():
    """An older version of the class had its inputs in another order."""
    values = [1, "fixed", 512, 512, "random", 30, 8.0, "dpmpp_2s_ancestral", "normal", 0.5]
    assert "steps" not in widget_values(node("BNK_TiledKSamplerAdvanced", values))
