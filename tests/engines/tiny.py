"""Tiny pipelines of ten families: diffusers' own classes with random weights, and prompts as embeddings.

They are built without text encoders, and download nothing.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import diffusers
import torch
from sweetspot.engines.diffusers import DiffusersModel


@dataclass(frozen=True)
class Tiny:
    """A pipeline, and what to call it with for one latent.

    Attributes:
        make: makes the pipeline with a scheduler.
        call: the arguments, except the step count.
        prediction: what its model predicts.
    """

    make: Callable[[Any], Any]
    call: dict[str, Any]
    prediction: str = "flow_prediction"


_HEADS: dict[str, Any] = {"num_layers": 1, "attention_head_dim": 8, "num_attention_heads": 2, "joint_attention_dim": 16}


def _random(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def _kl(channels: int = 4, **more: Any) -> Any:
    blocks = {"down_block_types": ["DownEncoderBlock2D"] * 2, "up_block_types": ["UpDecoderBlock2D"] * 2}
    return diffusers.AutoencoderKL(
        block_out_channels=[8, 8], latent_channels=channels, norm_num_groups=4, **blocks, **more
    )


def _unet(context: int, **more: Any) -> Any:
    blocks = {
        "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
        "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
    }
    return diffusers.UNet2DConditionModel(
        sample_size=8,
        block_out_channels=[8, 16],
        layers_per_block=1,
        cross_attention_dim=context,
        attention_head_dim=4,
        norm_num_groups=4,
        **blocks,
        **more,
    )


def _stable_diffusion(scheduler: Any) -> Any:
    return diffusers.StableDiffusionPipeline(
        _kl(), None, None, _unet(16), scheduler, None, None, requires_safety_checker=False
    )


def _sdxl(scheduler: Any) -> Any:
    sizes = {"addition_embed_type": "text_time", "addition_time_embed_dim": 8}
    unet = _unet(16, projection_class_embeddings_input_dim=6 * 8 + 16, **sizes)
    return diffusers.StableDiffusionXLPipeline(_kl(), None, None, None, None, unet, scheduler, add_watermarker=False)


def _sd3(scheduler: Any) -> Any:
    network = diffusers.SD3Transformer2DModel(
        sample_size=8,
        in_channels=4,
        **_HEADS,
        caption_projection_dim=16,
        pooled_projection_dim=16,
        out_channels=4,
        pos_embed_max_size=16,
    )
    vae = _kl(shift_factor=0.0, use_quant_conv=False, use_post_quant_conv=False)
    return diffusers.StableDiffusion3Pipeline(network, scheduler, vae, None, None, None, None, None, None)


def _flux(scheduler: Any) -> Any:
    network = diffusers.FluxTransformer2DModel(
        in_channels=16,
        num_single_layers=1,
        **_HEADS,
        pooled_projection_dim=16,
        axes_dims_rope=(2, 2, 4),
    )
    vae = _kl(shift_factor=0.0, use_quant_conv=False, use_post_quant_conv=False)
    return diffusers.FluxPipeline(scheduler, vae, None, None, None, None, network)


def _flux2_network(**more: Any) -> Any:
    return diffusers.Flux2Transformer2DModel(
        in_channels=16,
        num_single_layers=1,
        **_HEADS,
        timestep_guidance_channels=16,
        axes_dims_rope=(2, 2, 2, 2),
        **more,
    )


def _flux2_vae() -> Any:
    return diffusers.AutoencoderKLFlux2(
        block_out_channels=(8, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=4,
        norm_num_groups=4,
    )


def _flux2(scheduler: Any) -> Any:
    return diffusers.Flux2Pipeline(scheduler, _flux2_vae(), None, None, _flux2_network())


def _klein(scheduler: Any) -> Any:
    network = _flux2_network(guidance_embeds=False)
    return diffusers.Flux2KleinPipeline(scheduler, _flux2_vae(), None, None, network, is_distilled=True)


def _wan_vae() -> Any:
    return diffusers.AutoencoderKLWan(base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1)


def _qwen(scheduler: Any) -> Any:
    network = diffusers.QwenImageTransformer2DModel(
        in_channels=64,
        out_channels=16,
        **_HEADS,
        axes_dims_rope=(2, 2, 4),
    )
    vae = diffusers.AutoencoderKLQwenImage(base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1)
    return diffusers.QwenImagePipeline(scheduler, vae, None, None, network)


def _z_image(scheduler: Any) -> Any:
    network = diffusers.ZImageTransformer2DModel(
        in_channels=4,
        dim=16,
        n_layers=1,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=16,
        axes_dims=[2, 2, 4],
        axes_lens=[64, 64, 64],
    )
    return diffusers.ZImagePipeline(scheduler, _kl(shift_factor=0.0), None, None, network)


def _wan(scheduler: Any) -> Any:
    network = diffusers.WanTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=12,
        text_dim=16,
        freq_dim=16,
        ffn_dim=16,
        num_layers=1,
        rope_max_seq_len=32,
    )
    return diffusers.WanPipeline(None, None, _wan_vae(), scheduler, network)


def _ltx(scheduler: Any) -> Any:
    network = diffusers.LTXVideoTransformer3DModel(
        in_channels=4,
        out_channels=4,
        num_attention_heads=2,
        attention_head_dim=8,
        cross_attention_dim=16,
        num_layers=1,
        caption_channels=16,
    )
    vae = diffusers.AutoencoderKLLTXVideo(
        latent_channels=4,
        block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1, 1),
    )
    return diffusers.LTXPipeline(scheduler, vae, None, None, network)


_TEXT = {"prompt_embeds": _random(1, 4, 16)}
_BOTH = _TEXT | {"negative_prompt_embeds": _random(1, 4, 16) * 0.5}
_POOLED = {"pooled_prompt_embeds": _random(1, 16)}
_SMALL = {"height": 16, "width": 16}
_MASKS = {"prompt_attention_mask": torch.ones(1, 4), "negative_prompt_attention_mask": torch.ones(1, 4)}
_POOLED_BOTH = _POOLED | {"negative_pooled_prompt_embeds": _random(1, 16)}

FAMILIES = {
    "SD1.5": Tiny(_stable_diffusion, _BOTH | _SMALL | {"guidance_scale": 2.0}, "epsilon"),
    "SDXL": Tiny(_sdxl, _BOTH | _POOLED_BOTH | _SMALL | {"guidance_scale": 2.0}, "v_prediction"),
    "SD3": Tiny(_sd3, _BOTH | _POOLED_BOTH | _SMALL | {"guidance_scale": 2.0}),
    "Flux": Tiny(_flux, _TEXT | _POOLED | _SMALL),
    "Flux.2": Tiny(_flux2, _TEXT | _SMALL),
    "Klein": Tiny(_klein, _TEXT | _SMALL),
    "Qwen-Image": Tiny(_qwen, _BOTH | _SMALL | {"true_cfg_scale": 2.0}),
    "Z-Image": Tiny(_z_image, {"prompt_embeds": [_random(4, 16)], "guidance_scale": 0.0} | _SMALL),
    "Wan": Tiny(_wan, _BOTH | _SMALL | {"num_frames": 1, "guidance_scale": 2.0}),
    "LTX": Tiny(_ltx, _BOTH | _MASKS | {"height": 32, "width": 32, "num_frames": 1, "guidance_scale": 2.0}),
}


def scheduler_of(family: str) -> Any:
    """Return a scheduler of diffusers' own for a family."""
    tiny = FAMILIES[family]
    if tiny.prediction == "flow_prediction":
        return diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0)
    betas = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
    return diffusers.EulerDiscreteScheduler(prediction_type=tiny.prediction, **betas)


@cache
def model_of(family: str) -> DiffusersModel:
    """Return a family's pipeline for the engine; each prompt has embeddings of its own."""
    tiny = FAMILIES[family]

    def words(positive: str, negative: str | None) -> dict[str, Any]:
        found = _said("", positive)
        return found | (_said("negative_", negative) if negative is not None else {})

    def _said(start: str, text: str) -> dict[str, Any]:
        names = [name for name in tiny.call if name.startswith("prompt_") or name == "pooled_prompt_embeds"]
        said = {}
        for name in names:
            value = tiny.call[name]
            if "mask" not in name:
                seed = torch.Generator().manual_seed(zlib.crc32(text.encode()) + len(name))
                like = value[0] if isinstance(value, list) else value
                drawn = torch.randn(like.shape, generator=seed)
                value = [drawn] if isinstance(value, list) else drawn
            said[start + name] = value
        return said

    return DiffusersModel(tiny.make(scheduler_of(family)), words)
