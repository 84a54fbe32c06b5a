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
        from .step_scheduler import StepScheduler

        self.device = torch.device(device)
        self._encode = encode
        self._scheduler = StepScheduler()
        parts = {"transformer": _load_transformer(transformer).eval(), "vae": _load_autoencoder(autoencoder).eval()}
        others = ("text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2")
        self._pipeline = _diffusers().FluxPipeline(self._scheduler, **parts, **dict.fromkeys(others)).to(self.device)
        self._pipeline.set_progress_bar_config(disable=True)

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
        from .step_scheduler import Plan, asked_levels

        if guidance.cfg < 1:
            raise ValueError(f"cfg: expected at least 1 on diffusers, got {guidance.cfg:g}")
        levels = tuple(levels) or tuple(flow_schedule(steps, denoise).tolist())
        calls, ended = len(asked_levels(solver, levels)), 0.0

        def watch(number: int, clean: Tensor) -> None:
            nonlocal ended
            if number + 1 == calls:
                # Reading one element waits until the device has finished.
                clean.flatten()[:1].cpu()
                ended = time.perf_counter()

        self._scheduler.plan(Plan(levels, solver, watch))
        # The empty latent is 0, so only the noise remains.
        start = pack(levels[0] * _noise(seed, size)).to(self.device)
        words = self._words(guidance)
        started = time.perf_counter()
        images = self._pipeline(
            **words, latents=start, width=size[0], height=size[1], num_inference_steps=steps, output_type="np"
        ).images
        return Run(steps, calls, ended - started, images)

    @torch.inference_mode()
    def _words(self, guidance: Guidance) -> dict[str, Any]:
        """Return the pipeline's arguments for prompts and guidance; its guidance is ComfyUI's."""
        context, pooled = (value.to(self.device) for value in self._encode([guidance.positive, guidance.negative]))
        words = {"prompt_embeds": context[:1], "pooled_prompt_embeds": pooled[:1]}
        if guidance.cfg == 1:
            return words
        negative = {"negative_prompt_embeds": context[1:], "negative_pooled_prompt_embeds": pooled[1:]}
        return words | negative | {"true_cfg_scale": guidance.cfg}


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
