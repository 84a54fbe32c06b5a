"""Models of real shapes with random weights, in ComfyUI's own classes: they cost what real ones cost.

Each has a small twin with the same layers, for machines without a GPU.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

_UNET = {
    "use_checkpoint": False,
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "use_spatial_transformer": True,
    "legacy": False,
    "num_classes": "sequential",
    "adm_in_channels": 2816,
    "num_res_blocks": [2, 2, 2],
    "channel_mult": [1, 2, 4],
    "use_linear_in_transformer": True,
    "num_head_channels": 64,
    "use_temporal_attention": False,
    "use_temporal_resblock": False,
}
_SDXL = {
    "model_channels": 320,
    "context_dim": 2048,
    "transformer_depth": [0, 0, 2, 2, 10, 10],
    "transformer_depth_middle": 10,
    "transformer_depth_output": [0, 0, 0, 2, 2, 2, 10, 10, 10],
}
_SMALL_SDXL = {
    "model_channels": 64,
    "context_dim": 64,
    "transformer_depth": [0, 0, 1, 1, 1, 1],
    "transformer_depth_middle": 1,
    "transformer_depth_output": [0, 0, 0, 1, 1, 1, 1, 1, 1],
}
_TRANSFORMER = {
    "image_model": "flux",
    "in_channels": 16,
    "out_channels": 16,
    "axes_dim": [16, 56, 56],
    "mlp_ratio": 4.0,
    "theta": 10000,
    "patch_size": 2,
    "qkv_bias": True,
    "guidance_embed": True,
    "txt_ids_dims": [],
}
_FLUX = {
    "hidden_size": 3072,
    "num_heads": 24,
    "depth": 19,
    "depth_single_blocks": 38,
    "context_in_dim": 4096,
    "vec_in_dim": 768,
}
_SMALL_FLUX = {
    "hidden_size": 256,
    "num_heads": 2,
    "depth": 1,
    "depth_single_blocks": 2,
    "context_in_dim": 64,
    "vec_in_dim": 32,
}
_QWEN = {"image_model": "qwen_image", "in_channels": 64, "num_layers": 60}
_SMALL_QWEN = _QWEN | {"num_layers": 2, "num_attention_heads": 2, "joint_attention_dim": 64}
_WAN = {
    "image_model": "wan2.1",
    "model_type": "t2v",
    "dim": 1536,
    "num_heads": 12,
    "ffn_dim": 8960,
    "num_layers": 30,
    "in_dim": 16,
    "out_dim": 16,
}
_SMALL_WAN = _WAN | {"dim": 256, "num_heads": 2, "ffn_dim": 512, "num_layers": 2, "text_dim": 64}


@dataclass(frozen=True)
class Shape:
    """A model's shape.

    Attributes:
        name: what it is like.
        config: name of ComfyUI's class.
        unet: the settings of its network.
        tokens: length and width of a prompt's embedding.
        pooled: width of the pooled vector; 0 for none.
        cfg: guidance scale; above 1 takes two evaluations for each step.
        channels: of the latent.
        frames: latent frames; 0 for images.
        vae: `kl` for the VAE of Stable Diffusion and Flux, `wan` for that of Wan and Qwen-Image.
        sides: heights and widths to measure at.
    """

    name: str
    config: str
    unet: dict[str, Any]
    tokens: tuple[int, int]
    pooled: int
    cfg: float
    channels: int
    frames: int = 0
    vae: str = "kl"
    sides: tuple[int, ...] = (512, 1024)


REAL = (
    Shape("SDXL", "SDXL", _UNET | _SDXL, (77, 2048), 1280, 7.0, 4),
    Shape("Flux", "Flux", _TRANSFORMER | _FLUX, (512, 4096), 768, 1.0, 16),
    Shape("Qwen-Image", "QwenImage", _QWEN, (64, 3584), 0, 2.5, 16, 1, "wan", (1024,)),
    Shape("Wan 1.3B", "WAN21_T2V", _WAN, (512, 4096), 0, 5.0, 16, 21, "wan", (640,)),
)
SMALL = (
    Shape("small SDXL", "SDXL", _UNET | _SMALL_SDXL, (8, 64), 1280, 7.0, 4, sides=(64,)),
    Shape("small Flux", "Flux", _TRANSFORMER | _SMALL_FLUX, (8, 64), 32, 1.0, 16, sides=(64,)),
    Shape("small Qwen-Image", "QwenImage", _SMALL_QWEN, (8, 64), 0, 2.5, 16, 1, "wan", (64,)),
    Shape("small Wan", "WAN21_T2V", _SMALL_WAN, (8, 64), 0, 5.0, 16, 3, "wan", (64,)),
)


@dataclass(frozen=True)
class Built:
    """A model with random weights, and what a sampler needs beside it.

    Attributes:
        shape: its shape.
        model: ModelPatcher.
        vae: decodes its latents.
    """

    shape: Shape
    model: Any
    vae: Any

    @contextmanager
    def counting(self) -> Iterator[list[int]]:
        """Count how often the network is called, in a list's only element."""
        calls = [0]

        def count(*_: Any) -> None:
            calls[0] += 1

        # Not for good: a model whose hooks change is never the same model again, and no run of it is reused.
        hook = self.model.model.diffusion_model.register_forward_pre_hook(count)
        try:
            yield calls
        finally:
            hook.remove()

    def prompt(self, seed: int) -> Any:
        """Return a conditioning of random numbers."""
        import torch

        numbers = torch.Generator().manual_seed(seed)
        more = {"pooled_output": torch.randn(1, self.shape.pooled, generator=numbers)} if self.shape.pooled else {}
        return [[torch.randn(1, *self.shape.tokens, generator=numbers), more]]

    def empty(self, side: int) -> dict[str, Any]:
        """Return an empty latent for pictures of this height and width."""
        import torch

        frames = (self.shape.frames,) if self.shape.frames else ()
        return {"samples": torch.zeros(1, self.shape.channels, *frames, side // 8, side // 8)}


def build(shape: Shape, dtype: Any) -> Built:
    """Return a model of this shape with random weights, on the device that ComfyUI would load it on."""
    import comfy.model_management as management  # pyright: ignore[reportMissingImports]
    import comfy.model_patcher  # pyright: ignore[reportMissingImports]
    import comfy.supported_models  # pyright: ignore[reportMissingImports]
    import torch

    device = management.get_torch_device()
    config = getattr(comfy.supported_models, shape.config)(dict(shape.unet))
    config.set_inference_dtype(dtype, None)
    model = config.get_model({}, device=device)
    _randomise(model.diffusion_model)
    patcher = comfy.model_patcher.ModelPatcher(model, device, management.unet_offload_device())
    with torch.inference_mode(mode=False):
        return Built(shape, patcher, _VAES[shape.vae](shape))


def _randomise(network: Any) -> None:
    """Fill a network with numbers that keep its activations about as large as its input."""
    import torch

    numbers = torch.Generator(next(network.parameters()).device).manual_seed(1)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if weight.ndim > 1:
                weight.normal_(0, (weight[0].numel()) ** -0.5, generator=numbers)
            else:
                weight.fill_(0.0 if name.endswith("bias") else 1.0)


def _kl_vae(shape: Shape) -> Any:
    import comfy.sd  # pyright: ignore[reportMissingImports]
    from comfy.ldm.models.autoencoder import AutoencodingEngine  # pyright: ignore[reportMissingImports]

    layers = {"double_z": True, "z_channels": shape.channels, "resolution": 256, "in_channels": 3, "out_ch": 3}
    layers |= {"ch": 128, "ch_mult": [1, 2, 4, 4], "num_res_blocks": 2, "attn_resolutions": [], "dropout": 0.0}
    network = AutoencodingEngine(
        regularizer_config={"target": "comfy.ldm.models.autoencoder.DiagonalGaussianRegularizer"},
        encoder_config={"target": "comfy.ldm.modules.diffusionmodules.model.Encoder", "params": layers},
        decoder_config={"target": "comfy.ldm.modules.diffusionmodules.model.Decoder", "params": layers},
    )
    _randomise(network)
    return comfy.sd.VAE(sd=network.state_dict())


def _wan_vae(shape: Shape) -> Any:
    import comfy.ldm.wan.vae  # pyright: ignore[reportMissingImports]
    import comfy.sd  # pyright: ignore[reportMissingImports]

    layers = {"dim": 96 if shape in REAL else 32, "z_dim": 16, "dim_mult": [1, 2, 4, 4], "num_res_blocks": 2}
    network = comfy.ldm.wan.vae.WanVAE(**layers, temperal_downsample=[False, True, True])
    _randomise(network)
    return comfy.sd.VAE(sd=network.state_dict())


_VAES: dict[str, Callable[[Shape], Any]] = {"kl": _kl_vae, "wan": _wan_vae}
