"""ComfyUI's own detection on weightless state dicts in the original key layout of every class in the catalogue."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sweetspot.presets.catalogue import load_catalogue
from sweetspot.presets.recognition.evidence import Evidence
from sweetspot.presets.recognition.recognise import recognise

LAYOUTS_FILE = Path(__file__).resolve().parents[1] / "presets" / "recognition" / "layouts.py"
spec = importlib.util.spec_from_file_location("sweetspot_test_layouts", LAYOUTS_FILE)
layouts = importlib.util.module_from_spec(spec)
sys.modules["sweetspot_test_layouts"] = layouts
spec.loader.exec_module(layouts)

# Layout -> the variant that class and geometry lead to.
VARIANTS = {
    "sd15": "sd15",
    "sd20_vpred": "sd21",
    "sd21_unclip_h": "sd21_unclip_h",
    "stable_zero123": "stable_zero123",
    "lotus_d": "lotus_depth_d",
    "sdxl": "sdxl",
    "sdxl_vpred_ztsnr": "noobai_vpred",
    "sdxl_playground": "playground_v25",
    "sdxl_cosxl_edit": "cosxl_edit",
    "sdxl_refiner": "sdxl_refiner",
    "ssd_1b": "ssd_1b",
    "segmind_vega": "segmind_vega",
    "koala_700m": "koala",
    "sd_x4_upscaler": "sd_x4_upscaler",
    "sd21_unclip_l": "sd21_unclip_l",
    "sd15_instruct_pix2pix": "sd15_instruct_pix2pix",
    "z_image_pixel": "zeta_chroma",
    "wan21_scail": "wan21_scail",
    "wan22_dancer": "wan_dancer_global",
    "wan21_flow_rvs": "wan21_flowrvs",
    "hunyuan3d_2_mini": "hunyuan3d_2mini",
    "hunyuan3d_2_mini_turbo": "hunyuan3d_2mini_turbo",
    "trellis_2": "trellis2_structure",
    "triposplat": "triposplat",
    "minimax_music_3": "minimax_music_3",
    "sd3_medium": "sd3_medium",
    "sd35_medium": "sd35_medium",
    "sd35_large": "sd35_large",
    "flux_dev": "flux_dev",
    "flux_canny": "flux_canny_dev",
    "flux_fill": "flux_fill_dev",
    "flux_schnell": "flux_schnell",
    "ovis_image": "ovis_image",
    "flux2_dev": "flux2_dev",
    "flux2_klein_9b": "flux2_klein_base_9b",
    "flux2_klein_4b": "flux2_klein_base_4b",
    "newbie": "newbie_image",
    "lumina2": "lumina2",
    "z_image": "z_image",
    "qwen_image": "qwen_image",
    "qwen_image_edit_2511": "qwen_image_edit_2511",
    "qwen_image_layered": "qwen_image_layered",
    "hunyuan_image_21": "hunyuan_image_21",
    "hunyuan_image_21_distilled": "hunyuan_image_21_distilled",
    "hunyuan_video_15_sr": "hunyuan_video_15_sr_720p",
    "ltxv_2b": "ltxv_2b",
    "ltxv_13b": "ltxv_13b",
    "ltxav_20": "ltx2_dev",
    "ltxav_23": "ltx23_dev",
    "wan21_t2v_14b": "wan21_t2v_14b",
    "wan21_t2v_1b": "wan21_t2v_1_3b",
    "wan22_i2v_14b": "wan22_i2v_14b",
    "wan21_flf2v_14b": "wan21_flf2v",
    "wan22_ti2v_5b": "wan22_ti2v_5b",
    "wan_animate2_14b": "wan_animate2",
    "hunyuan3d_2": "hunyuan3d_2",
    "hunyuan3d_2_turbo": "hunyuan3d_2mv_turbo",
    "stable_audio_3": "stable_audio_3_base",
    "seedvr2_7b": "seedvr2",
}

DETECT = """
import importlib.util, json, sys
sys.argv = ["main.py", "--cpu"]
sys.path.insert(0, {folder!r})
import comfy.options
comfy.options.enable_args_parsing()
import comfy.supported_models
from comfy import model_detection
spec = importlib.util.spec_from_file_location("layouts", {layouts!r})
layouts = importlib.util.module_from_spec(spec)
sys.modules["layouts"] = layouts
spec.loader.exec_module(layouts)
known = {{kind.__name__ for kind in comfy.supported_models.models}}
told = {{"known": sorted(known), "found": {{}}}}
for label, layout in layouts.LAYOUTS.items():
    if layout.architecture not in known:
        continue
    state = layouts.state_dict(layout, layout.prefix)
    try:
        config = model_detection.model_config_from_unet(state, layout.prefix, metadata=layout.metadata)
    except TypeError:  # before ComfyUI read metadata
        config = model_detection.model_config_from_unet(state, layout.prefix)
    if config is None:
        continue
    plain = (int, bool, str, type(None))
    unet = {{key: value for key, value in config.unet_config.items() if isinstance(value, plain)}}
    try:
        prediction = config.model_type(state, layout.prefix).name if layout.root or "SD" in layout.architecture else ""
    except Exception:
        prediction = ""
    told["found"][label] = [type(config).__name__, unet, prediction]
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(installation) -> dict[str, Any]:
    code = DETECT.format(folder=str(installation.folder), layouts=str(LAYOUTS_FILE))
    answer = subprocess.run(
        [installation.python, "-c", code], cwd=installation.folder, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout.splitlines()[-1])


def test_every_class_of_the_catalogue_has_a_layout():
    classes = {name for variant in load_catalogue() for name in variant.signals.architectures}
    judged = {layout.architecture for layout in layouts.LAYOUTS.values()}
    assert classes - judged == set()


@pytest.mark.parametrize("label", layouts.LAYOUTS)
def test_comfyui_detects_the_class(told, label: str):
    architecture = layouts.LAYOUTS[label].architecture
    if architecture not in told["known"]:
        pytest.skip(f"this ComfyUI has no class {architecture}")
    if label not in told["found"]:
        pytest.skip("this ComfyUI knows the class in another form")
    assert told["found"][label][0] == architecture


@pytest.mark.parametrize("label", VARIANTS)
def test_comfyuis_own_detection_leads_to_the_variant(told, label: str):
    if label not in told["found"]:
        pytest.skip(f"this ComfyUI has no class {layouts.LAYOUTS[label].architecture}")
    architecture, unet_config, prediction = told["found"][label]
    assert recognise(Evidence(architecture, unet_config, prediction)).plan.variant == VARIANTS[label]


def test_most_layouts_were_judged(told):
    judged = len(told["found"]) / sum(1 for one in layouts.LAYOUTS.values() if one.architecture in told["known"])
    assert judged >= 0.95
