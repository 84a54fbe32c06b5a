"""Headers in the original layouts of real models; tests/comfyui lets ComfyUI's own detection judge the same layouts."""

import json
from pathlib import Path

import jsonschema
import pytest
from sweetspot.presets.recognition.headers import Header
from sweetspot.presets.recognition.model_file import architecture_of, is_lora

from .layouts import LAYOUTS, TRAPS, Layout

ROOT = Path(__file__).resolve().parents[3]

# ComfyUI gives these no class as they lie on the disk; its loaders rename or refuse them.
NOT_AS_COMFYUI = ("wan22_fun_camera_5b", "z_image_original_names")


def header_of(layout: Layout, prefix: str) -> Header:
    shapes = {(name if name in layout.root else prefix + name): shape for name, shape in layout.keys.items()}
    return Header(shapes, layout.metadata or {})


def test_the_table_keeps_to_its_schema():
    schema = json.loads((ROOT / "presets" / "recognition" / "layouts.schema.json").read_text("utf-8"))
    jsonschema.validate(json.loads((ROOT / "presets" / "recognition" / "layouts.json").read_text("utf-8")), schema)


@pytest.mark.parametrize("label", LAYOUTS)
def test_a_header_tells_the_class_whatever_stands_before_its_names(label: str):
    layout = LAYOUTS[label]
    for prefix in dict.fromkeys((layout.prefix, "", "model.diffusion_model.")):
        assert architecture_of(header_of(layout, prefix))[0] == layout.architecture


@pytest.mark.parametrize("label", [label for label in TRAPS if label not in NOT_AS_COMFYUI])
def test_a_header_that_misleads_tells_the_class_that_comfyui_takes(label: str):
    assert architecture_of(header_of(TRAPS[label], TRAPS[label].prefix))[0] == TRAPS[label].architecture


@pytest.mark.parametrize(
    ("label", "prediction"),
    [
        ("sdxl", "EPS"),
        ("sdxl_vpred_ztsnr", "V_PREDICTION"),
        ("sdxl_playground", "EDM"),
        ("sdxl_cosxl", "V_PREDICTION_EDM"),
    ],
)
def test_marks_beside_the_model_tell_its_prediction(label: str, prediction: str):
    assert architecture_of(header_of(LAYOUTS[label], LAYOUTS[label].prefix))[2] == prediction


@pytest.mark.parametrize(
    "name",
    [
        "lora_unet_double_blocks_0_img_attn_proj.lora_down.weight",
        "transformer.single_blocks.0.attn.to_q.lora_A.weight",
        "diffusion_model.blocks.0.cross_attn.k.lora_up.weight",
        "lora_te1_text_model_encoder_layers_0_mlp_fc1.alpha",
    ],
)
def test_a_lora_is_no_model(name: str):
    header = Header({name: (4, 64)})
    assert is_lora(header)
    assert architecture_of(header)[0] == ""


@pytest.mark.parametrize(
    ("told", "architecture"), [("sdxl", "SDXL"), ("qwen_image", "QwenImage"), ("flux", ""), ("", "")]
)
def test_gguf_tells_its_class_where_one_class_loads_it(told: str, architecture: str):
    assert architecture_of(Header({}, {"general.architecture": told})) == (architecture, {}, "")


def test_a_model_is_no_lora():
    assert not any(is_lora(header_of(layout, "")) for layout in LAYOUTS.values())
    assert not is_lora(Header())
