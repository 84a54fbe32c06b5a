"""Runs a Flux-layout flow-matching model on diffusers' modules, from the same files that ComfyUI loads.

Noise, schedule and guidance are ComfyUI's (noise is drawn on the CPU from the seed, guidance acts on the predicted
clean image), so that both engines give the same picture.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ..comparison.runs import Run
from ..samplers.noise_levels import flow_levels
from ..samplers.schedulers import make_schedule
from ..samplers.schedules import MAX_STEPS
from ..samplers.solvers import Denoiser, find_solver, solve
from .flux_keys import to_diffusers

PromptEncoder = Callable[[Sequence[str]], tuple[Tensor, Tensor]]

LATENT_CHANNELS = 16
PIXELS_PER_LATENT = 8
HEAD_WIDTH = 128
# Above this denoise, ComfyUI uses the whole schedule.
_WHOLE = 0.9999
ROTARY_AXES = (16, 56, 56)


@dataclass(frozen=True)
class Guidance:
    """Prompts and guidance scale of a run.

    Attributes:
        positive: prompt.
        negative: prompt to steer away from, usually empty.
        cfg: guidance scale in ComfyUI's convention; 1 leaves the negative prompt out.
    """

    positive: str
    negative: str
    cfg: float


class DiffusersFlow:
    """A flow-matching model in the Flux layout without distilled guidance, on diffusers.

    Args:
        transformer: safetensors file in the original Flux layout.
        autoencoder: safetensors file in the tiny autoencoder's layout.
        encode: the text encoder: turns prompts into context (prompts, tokens, width) and pooled vectors (prompts,
            width).
        device: where it runs, `cpu` or `cuda`.

    Raises:
        ImportError: if diffusers is not installed; the message says what to install.
    """

    def __init__(self, transformer: Path, autoencoder: Path, encode: PromptEncoder, device: str = "cpu") -> None:
        self.device = torch.device(device)
        self._transformer = _load_transformer(transformer).to(self.device).eval()
        self._autoencoder = _load_autoencoder(autoencoder).to(self.device).eval()
        self._encode = encode

    @torch.inference_mode()
    def run(
        self,
        steps: int,
        guidance: Guidance,
        seed: int,
        size: tuple[int, int] = (128, 128),
        solver: str = "euler",
        denoise: float = 1.0,
        levels: Sequence[float] = (),
    ) -> Run:
        """Make one picture, by default on the `simple` schedule.

        Args:
            steps: step count, 1 to 10000.
            guidance: prompts and guidance scale.
            seed: seed of the noise, as in ComfyUI.
            size: width and height in pixels, multiples of 16.
            solver: the name of a solver in `samplers/solvers.py`.
            denoise: share of the noise that is applied, above 0, at most 1.
            levels: falling noise levels instead of those of steps and denoise.

        Raises:
            ValueError: if steps, a prompt's words, the size or another setting is not allowed.
        """
        method = find_solver(solver)
        sigmas = torch.tensor(levels) if levels else flow_schedule(steps, denoise)
        sigmas = sigmas.to(self.device)
        # The empty latent is 0, so only the noise remains.
        start = sigmas[0] * _noise(seed, size).to(self.device)
        calls = 0

        def count(number: int, _denoised: Tensor) -> None:
            nonlocal calls
            calls = number + 1

        started = time.perf_counter()
        latent = solve(method, self._denoiser(guidance, size), start, sigmas, count)
        # Reading one element waits until the device has finished.
        latent.flatten()[:1].cpu()
        seconds = time.perf_counter() - started
        return Run(steps, calls, seconds, self.decode(latent))

    @torch.inference_mode()
    def decode(self, latent: Tensor) -> Any:
        """Return the pictures of a latent (batch, 16, height / 8, width / 8) as float in [0, 1], channels last."""
        pixels = self._autoencoder.decode(latent, return_dict=False)[0]
        return ((pixels + 1) / 2).clamp(0, 1).permute(0, 2, 3, 1).float().cpu().numpy()

    def _denoiser(self, guidance: Guidance, size: tuple[int, int]) -> Denoiser:
        prompts = [guidance.positive] if guidance.cfg == 1 else [guidance.positive, guidance.negative]
        context, pooled = (value.to(self.device) for value in self._encode(prompts))
        width, height = (side // PIXELS_PER_LATENT for side in size)
        places = image_positions(height, width, self.device)

        def denoise(x: Tensor, sigma: Tensor) -> Tensor:
            velocity = self._transformer(
                hidden_states=pack(x).expand(len(prompts), -1, -1),
                encoder_hidden_states=context,
                pooled_projections=pooled,
                timestep=sigma.expand(len(prompts)),
                img_ids=places,
                txt_ids=torch.zeros(context.shape[1], 3, device=self.device),
                return_dict=False,
            )[0]
            clean = x - sigma * unpack(velocity, height, width)
            if len(prompts) == 1:
                return clean
            positive, negative = clean.chunk(2)
            return negative + guidance.cfg * (positive - negative)

        return denoise


def flow_schedule(steps: int, denoise: float = 1.0, shift: float = 1.0, scheduler: str = "simple") -> Tensor:
    """Return the levels of a run: the end of a stock scheduler's schedule, cut according to `denoise` as in ComfyUI.

    Args:
        steps: step count, 1 to 10000.
        denoise: share of the noise that is applied, above 0, at most 1.
        shift: the model's linear shift.
        scheduler: one of `samplers/schedulers.py`.

    Returns:
        Falling noise levels, shape (steps + 1,).

    Raises:
        ValueError: if steps is outside its range.
    """
    if not 1 <= steps <= MAX_STEPS:
        raise ValueError(f"steps: expected 1 to {MAX_STEPS}, got {steps}")
    whole = steps if denoise > _WHOLE else int(steps / denoise)
    return make_schedule(scheduler, flow_levels(shift), whole)[-(steps + 1) :]


def pack(latents: Tensor) -> Tensor:
    """Return latents (batch, channels, height, width) as 2 by 2 tokens (batch, height * width / 4, 4 * channels)."""
    return functional.pixel_unshuffle(latents, 2).flatten(2).transpose(1, 2)


def unpack(tokens: Tensor, height: int, width: int) -> Tensor:
    """Return tokens as latents of `height` by `width`; the inverse of `pack`."""
    return functional.pixel_shuffle(tokens.transpose(1, 2).unflatten(2, (height // 2, width // 2)), 2)


def image_positions(height: int, width: int, device: torch.device) -> Tensor:
    """Return the rotary position (0, y, x) of every token of a latent of `height` by `width`, shape (tokens, 3)."""
    y, x = torch.meshgrid(torch.arange(height // 2), torch.arange(width // 2), indexing="ij")
    return torch.stack([torch.zeros_like(x), y, x], dim=-1).flatten(0, 1).float().to(device)


def _noise(seed: int, size: tuple[int, int]) -> Tensor:
    if any(side <= 0 or side % (2 * PIXELS_PER_LATENT) for side in size):
        raise ValueError(f"size: expected width and height as multiples of {2 * PIXELS_PER_LATENT}, got {size}")
    width, height = (side // PIXELS_PER_LATENT for side in size)
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, LATENT_CHANNELS, height, width, generator=generator)


def _read(file: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return {name: value.float() for name, value in load_file(file).items()}


def _diffusers() -> Any:
    try:
        import diffusers
    except ImportError as error:
        raise ImportError("the standalone engine needs diffusers: pip install 'sweetspot[standalone]'") from error
    return diffusers


def _load_transformer(file: Path) -> Any:
    state = to_diffusers(_read(file))
    hidden = state["x_embedder.weight"].shape[0]
    transformer = _diffusers().FluxTransformer2DModel(
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
    autoencoder = _diffusers().AutoencoderTiny(latent_channels=LATENT_CHANNELS)
    autoencoder.load_state_dict(from_tiny_layout(_read(file)))
    return autoencoder


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


def _blocks(state: dict[str, Tensor], prefix: str) -> int:
    return len({name[len(prefix) :].split(".")[0] for name in state if name.startswith(prefix)})
