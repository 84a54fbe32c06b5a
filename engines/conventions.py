"""How each of diffusers' pipeline classes takes what a comparison varies: one row for each class.

To add a class, add a row, a tiny pipeline in tests/engines/tiny.py, and its name in the README. The tests check the row
against what the pipeline itself computes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.nn import functional

# Width and height in pixels, and frames.
Size = tuple[int, int, int]


@dataclass(frozen=True)
class Convention:
    """How one class takes size, noise and guidance.

    Attributes:
        architecture: returns ComfyUI's name of the same model class, in `comfy.supported_models`.
        shape: returns the shape of ComfyUI's latent for one image, without the batch.
        multiple: returns the pixels of which width and height must be multiples.
        default: the usual width and height.
        given: converts noise of that shape, with a batch of 1, to the pipeline's `latents`.
        scale: the argument that takes cfg; empty if the class has no classifier-free guidance.
        below: how much less than cfg that argument is: 1 if the class computes cond + g (cond - uncond).
        guidance: the argument that takes distilled guidance; empty if there is none.
        negative: whether there is a negative prompt; if not, the unconditional one is empty.
        trained_levels: returns how many levels ComfyUI's table of a flow-matching model has: 10000 if its shift is mu.
        positions: how many of the latent's positions make one token; some shifts depend on the number of tokens.
        mu: the shift that ComfyUI gives the class, as mu, if diffusers' depends on the step count; 0 for others.
        frames_step: a video has 1 frame more than a multiple of this; 0 for images.
        note: what the user should know.
    """

    architecture: Callable[[Any], str]
    shape: Callable[[Any, Size], tuple[int, ...]]
    multiple: Callable[[Any], int] = lambda _: 16
    default: tuple[int, int] = (1024, 1024)
    given: Callable[[Tensor], Tensor] = lambda noise: noise
    scale: str = "guidance_scale"
    below: float = 0.0
    guidance: str = ""
    negative: bool = True
    trained_levels: Callable[[Any], int] = lambda _: 1000
    positions: int = 4
    mu: float = 0.0
    frames_step: int = 0
    note: str = ""


def convention_of(name: str) -> Convention:
    """Return a pipeline class's row.

    Raises:
        ValueError: if there is none; names the classes that have one, and where to add it.
    """
    if name not in CONVENTIONS:
        raise ValueError(
            f"model: expected a pipeline of one of the classes {', '.join(CONVENTIONS)}, got {name}; to add a class, "
            "write a row in engines/conventions.py"
        )
    return CONVENTIONS[name]


def packed(latents: Tensor) -> Tensor:
    """Return latents (batch, channels, height, width) as 2 by 2 tokens (batch, height * width / 4, 4 * channels)."""
    return functional.pixel_unshuffle(latents, 2).flatten(2).transpose(1, 2)


def _in_a_row(latents: Tensor) -> Tensor:
    """Return latents (batch, channels, frames, height, width) as tokens (batch, frames * height * width, channels)."""
    return latents.flatten(2).transpose(1, 2)


def _of_unet(pipeline: Any, size: Size) -> tuple[int, ...]:
    return (pipeline.unet.config.in_channels, *_shrunk(size, pipeline.vae_scale_factor))


def _of_transformer(pipeline: Any, size: Size) -> tuple[int, ...]:
    return (pipeline.transformer.config.in_channels, *_shrunk(size, pipeline.vae_scale_factor))


def _of_packing_transformer(pipeline: Any, size: Size) -> tuple[int, ...]:
    return (pipeline.transformer.config.in_channels // 4, *_shrunk(size, pipeline.vae_scale_factor))


def _of_flux_2(pipeline: Any, size: Size) -> tuple[int, ...]:
    return (pipeline.transformer.config.in_channels, *_shrunk(size, 2 * pipeline.vae_scale_factor))


def _of_wan(pipeline: Any, size: Size) -> tuple[int, ...]:
    frames = (size[2] - 1) // pipeline.vae_scale_factor_temporal + 1
    return (pipeline.transformer.config.in_channels, frames, *_shrunk(size, pipeline.vae_scale_factor_spatial))


def _of_ltx(pipeline: Any, size: Size) -> tuple[int, ...]:
    frames = (size[2] - 1) // pipeline.vae_temporal_compression_ratio + 1
    return (pipeline.transformer.config.in_channels, frames, *_shrunk(size, pipeline.vae_spatial_compression_ratio))


def _shrunk(size: Size, factor: int) -> tuple[int, int]:
    return size[1] // factor, size[0] // factor


def _of_flux(pipeline: Any) -> int:
    # Without distilled guidance, ComfyUI takes it for a FLUX.1 schnell, which has a linear shift.
    return 10_000 if pipeline.transformer.config.guidance_embeds else 1000


def _stable_diffusion(pipeline: Any) -> str:
    return "SD20" if pipeline.unet.config.cross_attention_dim == 1024 else "SD15"


def _flux(pipeline: Any) -> str:
    return "Flux" if pipeline.transformer.config.guidance_embeds else "FluxSchnell"


def _wan(pipeline: Any) -> str:
    return "WAN22_T2V" if pipeline.config.expand_timesteps else "WAN21_T2V"


def _many(_pipeline: Any) -> int:
    return 10_000


_RESCALED = (
    "QwenImagePipeline rescales its guided prediction to the length of the conditional one. ComfyUI doesn't, so the "
    "images differ from ComfyUI's if cfg is above 1."
)

CONVENTIONS = {
    "StableDiffusionPipeline": Convention(_stable_diffusion, _of_unet, multiple=lambda _: 8, default=(512, 512)),
    "StableDiffusionXLPipeline": Convention(lambda _: "SDXL", _of_unet, multiple=lambda _: 8),
    "StableDiffusion3Pipeline": Convention(lambda _: "SD3", _of_transformer),
    "FluxPipeline": Convention(
        _flux,
        _of_packing_transformer,
        given=packed,
        scale="true_cfg_scale",
        guidance="guidance_scale",
        trained_levels=_of_flux,
    ),
    "Flux2Pipeline": Convention(
        lambda _: "Flux2",
        _of_flux_2,
        scale="",
        guidance="guidance_scale",
        negative=False,
        trained_levels=_many,
        mu=2.02,
    ),
    "Flux2KleinPipeline": Convention(lambda _: "Flux2", _of_flux_2, negative=False, trained_levels=_many, mu=2.02),
    "QwenImagePipeline": Convention(
        lambda _: "QwenImage",
        _of_packing_transformer,
        given=packed,
        scale="true_cfg_scale",
        trained_levels=_many,
        note=_RESCALED,
    ),
    "ZImagePipeline": Convention(lambda _: "ZImage", _of_transformer, below=1.0),
    "WanPipeline": Convention(
        _wan,
        _of_wan,
        # Two by two positions make a token.
        multiple=lambda pipeline: 2 * pipeline.vae_scale_factor_spatial,
        default=(832, 480),
        frames_step=4,
    ),
    "LTXPipeline": Convention(
        lambda _: "LTXV",
        _of_ltx,
        multiple=lambda pipeline: pipeline.vae_spatial_compression_ratio,
        default=(768, 512),
        given=_in_a_row,
        trained_levels=_many,
        positions=1,
        frames_step=8,
    ),
}
