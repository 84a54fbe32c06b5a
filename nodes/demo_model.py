"""Load Demo Model: loads MODEL, CLIP and VAE of the small checkpoint that comes with the pack."""

import json
from typing import Any

import comfy.latent_formats
import comfy.model_detection
import comfy.model_management
import comfy.model_patcher
import comfy.sd
import comfy.utils
from comfy_api.latest import io
from safetensors import safe_open

from ..demo import files
from .model.demo_clip import load_demo_clip
from .schema import make_schema


class SweetSpotDemoModel(io.ComfyNode):
    """Loads the demo checkpoint. It can replace Load Checkpoint in any workflow."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's outputs."""
        return make_schema(
            node_id="SweetSpotDemoModel",
            display_name="Load Demo Model",
            description="Loads a small but real model that draws coloured shapes. Try step counts in seconds, without "
            "a download. It knows a few dozen words; if a prompt contains others, an error lists the known ones.",
            search_aliases=["demo checkpoint", "load checkpoint", "tiny model", "sweet spot"],
            inputs=[],
            outputs=[
                io.Model.Output(
                    "model", display_name="MODEL", tooltip="The transformer, for images of 128 by 128 pixels."
                ),
                io.Clip.Output("clip", display_name="CLIP", tooltip="The model's text encoder, for CLIP Text Encode."),
                io.Vae.Output("vae", display_name="VAE", tooltip="The model's autoencoder."),
            ],
        )

    @classmethod
    def execute(cls) -> io.NodeOutput:
        """Load the three parts."""
        return io.NodeOutput(load_demo_transformer(), load_demo_clip(), load_demo_vae())


def load_demo_transformer() -> comfy.model_patcher.ModelPatcher:
    """Return the transformer with its own latent format, which gives previews the right colours."""
    state = comfy.utils.load_torch_file(str(files.TRANSFORMER))
    detected = comfy.model_detection.detect_unet_config(state, "")
    if detected["num_heads"] * sum(detected["axes_dim"]) == detected["hidden_size"]:
        patcher = comfy.sd.load_diffusion_model(str(files.TRANSFORMER))
    else:
        patcher = _load_with_counted_heads(state, detected)
    patcher.model.latent_format = _DemoLatent()
    return patcher


def load_demo_vae() -> comfy.sd.VAE:
    """Return the autoencoder."""
    vae = comfy.sd.VAE(sd=comfy.utils.load_torch_file(str(files.AUTOENCODER)))
    vae.throw_exception_if_invalid()
    return vae


class _DemoLatent(comfy.latent_formats.Flux):
    """Flux's scaling, with preview colours fitted to the demo model's own latents."""

    def __init__(self) -> None:
        super().__init__()
        with safe_open(files.AUTOENCODER, "pt") as file:
            preview = json.loads(file.metadata()[files.LATENT_RGB_KEY])
        self.latent_rgb_factors = preview["factors"]
        self.latent_rgb_factors_bias = preview["bias"]


def _load_with_counted_heads(state: dict[str, Any], detected: dict[str, Any]) -> comfy.model_patcher.ModelPatcher:
    """Load like the stock loader, with the right number of heads: ComfyUI before 0.9 assumes 24 for every Flux."""
    detected["num_heads"] = detected["hidden_size"] // sum(detected["axes_dim"])
    config = comfy.model_detection.model_config_from_unet_config(detected, state)
    device = comfy.model_management.get_torch_device()
    dtype = comfy.model_management.unet_dtype(supported_dtypes=list(config.supported_inference_dtypes))
    cast = comfy.model_management.unet_manual_cast(dtype, device, config.supported_inference_dtypes)
    config.set_inference_dtype(dtype, cast)
    model = config.get_model(state, "")
    model.load_model_weights(state, "")
    patcher = comfy.model_patcher.ModelPatcher(model, device, comfy.model_management.unet_offload_device())
    patcher.cached_patcher_init = (load_demo_transformer, (str(files.TRANSFORMER),))
    return patcher
