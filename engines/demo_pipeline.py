"""Builds diffusers' FluxPipeline from the demo checkpoint's files, which are in the layouts that ComfyUI loads."""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .diffusers import DiffusersModel, Words
from .flux_keys import to_diffusers

PromptEncoder = Callable[[Sequence[str]], tuple[Tensor, Tensor]]

LATENT_CHANNELS = 16
HEAD_WIDTH = 128
ROTARY_AXES = (16, 56, 56)


def demo_pipeline(
    transformer: Path, autoencoder: Path, encode: PromptEncoder, device: str = "cpu", shift: float = 1.0
) -> DiffusersModel:
    """Return a Flux-layout model without distilled guidance on diffusers.

    Args:
        transformer: safetensors file in the original Flux layout.
        autoencoder: safetensors file in the tiny autoencoder's layout.
        encode: the text encoder: turns prompts into context (prompts, tokens, width) and pooled vectors (prompts,
            width).
        device: where it runs, `cpu` or `cuda`.
        shift: the linear shift.
    """
    diffusers: Any = import_module("diffusers")
    parts = {"transformer": _load_transformer(transformer).eval(), "vae": _load_autoencoder(autoencoder).eval()}
    others = ("text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2")
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler()
    pipeline = diffusers.FluxPipeline(scheduler, **parts, **dict.fromkeys(others)).to(device)
    return DiffusersModel(pipeline, _words(encode, device), shift)


def from_tiny_layout(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a tiny autoencoder's weights under the names of `diffusers.AutoencoderTiny`."""
    renamed = {}
    for name, value in state.items():
        part, _, rest = name.partition(".")
        if part in ("taesd_encoder", "taesd_decoder"):
            number, _, rest = rest.partition(".")
            # Layer 0 of the original decoder is a clamp without weights.
            shift = 1 if part == "taesd_decoder" else 0
            renamed[f"{part.removeprefix('taesd_')}.layers.{int(number) - shift}.{rest}"] = value
    return renamed


def _words(encode: PromptEncoder, device: str) -> Words:
    @torch.inference_mode()
    def words(positive: str, negative: str | None) -> dict[str, Any]:
        prompts = [positive] if negative is None else [positive, negative]
        context, pooled = (value.to(device) for value in encode(prompts))
        found = {"prompt_embeds": context[:1], "pooled_prompt_embeds": pooled[:1]}
        if negative is None:
            return found
        return found | {"negative_prompt_embeds": context[1:], "negative_pooled_prompt_embeds": pooled[1:]}

    return words


def _read(file: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return {name: value.float() for name, value in load_file(file).items()}


def _load_transformer(file: Path) -> Any:
    diffusers: Any = import_module("diffusers")
    state = to_diffusers(_read(file))
    hidden = state["x_embedder.weight"].shape[0]
    transformer = diffusers.FluxTransformer2DModel(
        in_channels=4 * LATENT_CHANNELS,
        num_layers=_blocks(state, "transformer_blocks."),
        num_single_layers=_blocks(state, "single_transformer_blocks."),
        attention_head_dim=HEAD_WIDTH,
        num_attention_heads=hidden // HEAD_WIDTH,
        joint_attention_dim=state["context_embedder.weight"].shape[1],
        pooled_projection_dim=state["time_text_embed.text_embedder.linear_1.weight"].shape[1],
        guidance_embeds=False,
        axes_dims_rope=ROTARY_AXES,
    )
    transformer.load_state_dict(state)
    return transformer


def _load_autoencoder(file: Path) -> Any:
    diffusers: Any = import_module("diffusers")
    autoencoder = diffusers.AutoencoderTiny(latent_channels=LATENT_CHANNELS)
    autoencoder.load_state_dict(from_tiny_layout(_read(file)))
    return autoencoder


def _blocks(state: dict[str, Tensor], prefix: str) -> int:
    return len({name[len(prefix) :].split(".")[0] for name in state if name.startswith(prefix)})
