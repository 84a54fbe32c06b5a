"""Model Step Preset: its sockets in the stock nodes they are meant for, and recognition by ComfyUI's own detection."""

import json
import subprocess

import pytest
import torch
from sweetspot.presets.detection import Evidence, recognise

PRESET = {"class_type": "SweetSpotPreset", "inputs": {"model": ["model", 0]}}


def test_every_setting_connects_to_the_stock_ksampler(comfyui, graph):
    linked = {"steps": ["preset", 2], "cfg": ["preset", 3]}
    linked |= {"sampler_name": ["preset", 4], "scheduler": ["preset", 5]}
    typed = {"steps": 25, "cfg": 3.0, "sampler_name": "euler", "scheduler": "simple"}
    outputs = comfyui.run(
        graph.demo()
        | {
            "preset": PRESET,
            "linked": graph.sampler("KSampler", model=["preset", 0], **linked),
            "typed": graph.sampler("KSampler", **typed),
            "save linked": graph.save_latent("linked"),
            "save typed": graph.save_latent("typed"),
        }
    )
    assert torch.equal(comfyui.latent(outputs, "save linked"), comfyui.latent(outputs, "save typed"))


def test_every_setting_connects_to_the_custom_sampling_nodes(comfyui, graph):
    outputs = comfyui.run(
        graph.demo()
        | {
            "preset": PRESET,
            "sigmas": {
                "class_type": "BasicScheduler",
                "inputs": {
                    "model": ["model", 0],
                    "scheduler": ["preset", 5],
                    "steps": ["preset", 2],
                    "denoise": 1.0,
                },
            },
            "sampler": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": ["preset", 4]}},
            "run": {
                "class_type": "SamplerCustom",
                "inputs": {
                    "model": ["model", 0],
                    "add_noise": True,
                    "noise_seed": 11,
                    "cfg": ["preset", 3],
                    "positive": ["positive", 0],
                    "negative": ["negative", 0],
                    "sampler": ["sampler", 0],
                    "sigmas": ["sigmas", 0],
                    "latent_image": ["latent", 0],
                },
            },
            "stock": graph.sampler("KSampler", steps=25, cfg=3.0),
            "save run": graph.save_latent("run"),
            "save stock": graph.save_latent("stock"),
        }
    )
    assert torch.equal(comfyui.latent(outputs, "save run"), comfyui.latent(outputs, "save stock"))


def test_the_text_tells_what_was_recognised_and_why(comfyui, graph):
    outputs = comfyui.run(graph.demo() | {"preset": PRESET, "text": graph.show("preset", 6)})
    text = outputs["text"]["text"][0]
    assert "Recognised: Sweet Spot demo model" in text
    assert "steps: 25 (source: demo/MODEL_CARD.md)" in text


DETECT = """
import json, sys
sys.argv = ["main.py", "--cpu"]
sys.path.insert(0, {folder!r})
import comfy.options
comfy.options.enable_args_parsing()
import torch
import comfy.supported_models as models
from comfy import model_detection

UNET = dict(in_channels=4, out_channels=4, model_channels=320, num_res_blocks=[2, 2, 2, 2], image_size=32,
            legacy=False, use_temporal_attention=False, use_temporal_resblock=False)
SD15 = UNET | dict(context_dim=768, transformer_depth=[1, 1, 1, 1, 1, 1, 0, 0], channel_mult=[1, 2, 4, 4],
                   transformer_depth_middle=1, use_linear_in_transformer=False, adm_in_channels=None, num_heads=8,
                   num_head_channels=-1, use_spatial_transformer=True,
                   transformer_depth_output=[1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0])
SDXL = UNET | dict(context_dim=2048, transformer_depth=[0, 0, 2, 2, 10, 10], channel_mult=[1, 2, 4],
                   transformer_depth_middle=10, use_linear_in_transformer=True, adm_in_channels=2816, num_heads=-1,
                   num_head_channels=64, use_spatial_transformer=True, num_res_blocks=[2, 2, 2],
                   num_classes="sequential", transformer_depth_output=[0, 0, 0, 2, 2, 2, 10, 10, 10])
FLUX = dict(image_model="flux", in_channels=16, out_channels=16, patch_size=2, vec_in_dim=768, context_in_dim=4096,
            hidden_size=3072, mlp_ratio=4.0, num_heads=24, depth=19, depth_single_blocks=38, axes_dim=[16, 56, 56],
            theta=10000, qkv_bias=True, txt_ids_dims=[])
SD3 = dict(in_channels=16, patch_size=2, input_size=None, pos_embed_max_size=192, num_patches=192 * 192,
           adm_in_channels=2048, context_embedder_config=dict(target="torch.nn.Linear",
           params=dict(in_features=4096, out_features=1536)), qk_norm=None, depth=24)
BUILT = {{
    "sd15": (models.SD15, SD15),
    "sdxl": (models.SDXL, SDXL),
    "sd3_medium": (models.SD3, SD3),
    "flux_dev": (models.Flux, FLUX | dict(guidance_embed=True)),
    "flux_schnell": (models.FluxSchnell, FLUX | dict(guidance_embed=False)),
}}
told = {{}}
for name, (family, config) in BUILT.items():
    prepared = family(config)
    prepared.set_inference_dtype(torch.float16, None)
    state = prepared.get_model({{}}, device=torch.device("meta")).diffusion_model.state_dict()
    # The original files name the norms' weights as the loaders expect them.
    state = {{key.replace("_norm.weight", "_norm.scale"): value for key, value in state.items()}}
    detected = model_detection.model_config_from_unet(state, "")
    unet = {{key: value for key, value in detected.unet_config.items() if isinstance(value, (int, bool, type(None)))}}
    told[name] = (type(detected).__name__, unet)
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def detected(installation) -> dict[str, Evidence]:
    """Let ComfyUI detect weightless state dicts in the original key layout of the real architectures."""
    answer = subprocess.run(
        [installation.python, "-c", DETECT.format(folder=str(installation.folder))],
        cwd=installation.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return {name: Evidence(*row) for name, row in json.loads(answer.stdout.splitlines()[-1]).items()}


@pytest.mark.parametrize("variant", ["sd15", "sdxl", "sd3_medium", "flux_dev", "flux_schnell"])
def test_comfyuis_own_detection_leads_to_the_variant(detected, variant: str):
    assert recognise(detected[variant]).plan.variant == variant
