"""Trains the demo checkpoint from scratch: `python -m sweetspot.demo.training.train`.

There are three stages: the autoencoder (on crops), the latents of all scenes (encoded once), and the flow-matching
transformer with its text encoder, which first learns to read captions (`train_text.py`). Each stage writes a file to
the working folder that the next one reads, so that an interrupted run can be resumed. `export.py` then writes the
three shipped files.

Budgets are in minutes, not iterations: learning rates follow the clock, so that a slower machine also ends with a
finished model, only less trained. Two CPU cores need about 25 and 60 minutes; a GPU needs a few.
"""

import argparse
import logging
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from ...engines.conventions import packed
from ...engines.demo_pipeline import from_tiny_layout
from ...engines.flux_keys import State, to_diffusers
from .. import files, vocabulary
from ..text_encoder import WIDTH, TextEncoder
from . import scenes
from .train_text import train_text_encoder

LATENT_CHANNELS = 16
CROP = 64
AUTOENCODER_BATCH, FLOW_BATCH = 16, 64
DECODER_NOISE = 0.05
EMPTY_PROMPT_SHARE = 0.12
EMA_DECAY = 0.999
# Share of the learning rate when training continues from a trained model.
GOING_ON = 0.5
# Mean and deviation of the noise levels' logits. At 16 x 16 latents a picture's shapes are decided between the levels
# 0.95 and 0.8 (measured: below 0.7 any caption gives nearly the same picture), so training favours these levels.
NOISE_LOGIT = (1.3, 1.3)
LEARNING_RATE = {"autoencoder": 1.2e-3, "flow": 2e-3}
TRANSFORMER = {
    "in_channels": 4 * LATENT_CHANNELS,
    "num_layers": 4,
    "num_single_layers": 8,
    "attention_head_dim": 128,
    "num_attention_heads": 1,
    "joint_attention_dim": WIDTH,
    "pooled_projection_dim": WIDTH,
    "guidance_embeds": False,
    "axes_dims_rope": (16, 56, 56),
}

log = logging.getLogger("sweetspot.demo.training.train")


def main() -> None:
    """Run every stage whose file does not exist yet; the last stage always runs."""
    arguments = _parse()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.manual_seed(arguments.seed)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    device = torch.device(arguments.device)
    drawn = draw_scenes(arguments.seed, arguments.scenes)

    autoencoder_file = arguments.folder / "autoencoder.pt"
    if not autoencoder_file.exists():
        start = shipped_autoencoder() if arguments.go_on else None
        train_autoencoder(drawn, arguments.autoencoder_minutes, device, autoencoder_file, start)
    latents_file = arguments.folder / "latents.pt"
    if not latents_file.exists():
        torch.save(encode_scenes(drawn, autoencoder_file, device), latents_file)
    latents = torch.load(latents_file, map_location=device)
    start = shipped_flow() if arguments.go_on else None
    train_flow(drawn, latents, arguments.flow_minutes, device, arguments.folder / "flow.pt", start)


def draw_scenes(seed: int, count: int) -> list[scenes.Scene]:
    """Return the first `count` scenes of this seed."""
    rng = np.random.default_rng(seed)
    return [scenes.sample_scene(rng) for _ in range(count)]


def render_batch(drawn: list[scenes.Scene]) -> Tensor:
    """Return the scenes' pictures in [-1, 1], float32, shape (scenes, 3, size, size)."""
    pictures = np.stack([scenes.render(scene) for scene in drawn])
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


def train_autoencoder(
    drawn: list[scenes.Scene], minutes: float, device: torch.device, file: Path, start: State | None = None
) -> None:
    """Train the tiny autoencoder on crops.

    The latent is mirrored at random, so that encoding and mirroring can be done in either order. With `start`, the
    weights of an earlier training, training continues from there.

    Saves a state dict of `diffusers.AutoencoderTiny` whose latents have mean 0 and deviation 1 in every channel.
    """
    images = torch.from_numpy(np.stack([scenes.render(scene) for scene in drawn])).permute(0, 3, 1, 2)
    model = _new_autoencoder(device)
    if start is not None:
        model.load_state_dict(start)
    normalise = nn.BatchNorm2d(LATENT_CHANNELS, affine=False, momentum=0.02).to(device)
    average = _Average(model)
    optimisers = [torch.optim.AdamW(model.parameters(), weight_decay=1e-4)]
    for iteration in _budget(minutes, optimisers, LEARNING_RATE["autoencoder"], "autoencoder"):
        clean = _crops(images, device)
        with torch.autocast(device.type, torch.bfloat16):
            latent = normalise(model.encoder(clean).float())
            mirrored, target = _mirror_both(latent, clean)
            decoded = model.decoder(mirrored + DECODER_NOISE * torch.randn_like(mirrored)).float()
        loss = _picture_loss(decoded, target)
        _step(optimisers, loss, model)
        average.update(model)
        if iteration % 100 == 0:
            error = functional.mse_loss(decoded.detach(), target).item()
            log.info("autoencoder %6d  loss %.4f  %.1f dB", iteration, loss.item(), 10 * math.log10(4 / error))
        if iteration % 500 == 0:
            _save_autoencoder(model, average, normalise, file.with_suffix(".part.pt"))
    _save_autoencoder(model, average, normalise, file)


@torch.inference_mode()
def encode_scenes(drawn: list[scenes.Scene], autoencoder_file: Path, device: torch.device) -> Tensor:
    """Return the latents of all scenes as bfloat16, shape (scenes, channels, 16, 16)."""
    model = _new_autoencoder(device)
    model.load_state_dict(torch.load(autoencoder_file))
    latents = []
    for start in range(0, len(drawn), 64):
        batch = render_batch(drawn[start : start + 64]).to(device)
        with torch.autocast(device.type, torch.bfloat16):
            latents.append(model.encoder(batch.contiguous(memory_format=torch.channels_last)).bfloat16())
        if start % 1024 == 0:
            log.info("encoded %d of %d", start, len(drawn))
    return torch.cat(latents)


def train_flow(
    drawn: list[scenes.Scene],
    latents: Tensor,
    minutes: float,
    device: torch.device,
    file: Path,
    start: State | None = None,
) -> None:
    """Train transformer and text encoder together on the flow-matching loss; the target velocity is noise - latent.

    With `start`, the weights of an earlier training, training continues from there.

    Source: Lipman et al., "Flow Matching for Generative Modeling", 2023; noise levels drawn logit-normally after
    Esser et al., "Scaling Rectified Flow Transformers", 2024.
    """
    text = TextEncoder().to(device) if start else train_text_encoder(drawn, device)
    model = nn.ModuleDict({"transformer": FluxTransformer2DModel(**TRANSFORMER), "text": text}).to(device)
    if start is not None:
        model.load_state_dict(start)
    average = _Average(model)
    optimisers = _flow_optimisers(model)
    rng = np.random.default_rng(1)
    mean_loss = 0.0
    peak = LEARNING_RATE["flow"] * (GOING_ON if start else 1)
    for iteration in _budget(minutes, optimisers, peak, "flow"):
        clean, tokens = _mirrored_batch(drawn, latents, rng, device)
        loss = _flow_loss(model, clean, tokens)
        _step(optimisers, loss, model)
        average.update(model)
        mean_loss += (loss.item() - mean_loss) / min(iteration + 1, 100)
        if iteration % 100 == 0:
            log.info("flow %6d  loss %.4f", iteration, mean_loss)
        if iteration % 500 == 0:
            torch.save(average.state, file.with_suffix(".part.pt"))
    torch.save(average.state, file)


def _new_autoencoder(device: torch.device) -> AutoencoderTiny:
    model = AutoencoderTiny(latent_channels=LATENT_CHANNELS)
    # Its `to` also takes a memory layout, but its type hints don't say so.
    return model.to(device=device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def shipped_autoencoder() -> State:
    """Return the weights of the shipped autoencoder under diffusers' names."""
    return from_tiny_layout(_read(files.AUTOENCODER))


def shipped_flow() -> State:
    """Return the weights of the shipped transformer and text encoder under `train_flow`'s names."""
    parts = {"transformer": to_diffusers(_read(files.TRANSFORMER)), "text": _read(files.TEXT_ENCODER)}
    return {f"{part}.{name}": value for part, state in parts.items() for name, value in state.items()}


def _read(file: Path) -> State:
    return {name: value.float() for name, value in load_file(file).items()}


class _Average:
    """An exponential moving average of a module's weights, warmed up so that the first weights are forgotten."""

    def __init__(self, model: nn.Module) -> None:
        self.state = {name: value.detach().clone().float() for name, value in model.state_dict().items()}
        self.updates = 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        self.updates += 1
        decay = min(EMA_DECAY, self.updates / (self.updates + 10))
        for name, value in model.state_dict().items():
            self.state[name].lerp_(value.float(), 1 - decay)


def _flow_optimisers(model: nn.ModuleDict) -> list[torch.optim.Optimizer]:
    """Return Muon for the blocks' matrices and AdamW for everything else.

    Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024; at AdamW's learning rate
    after Liu et al., "Muon is Scalable for LLM Training", 2025.
    """
    matrices, others = [], []
    for name, value in model.named_parameters():
        (matrices if value.ndim == 2 and "transformer_blocks" in name else others).append(value)
    return [
        torch.optim.Muon(matrices, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, betas=(0.9, 0.99), weight_decay=0.01, fused=True),
    ]


def _budget(minutes: float, optimisers: Sequence[torch.optim.Optimizer], peak: float, name: str) -> Iterator[int]:
    """Count iterations until `minutes` are over, with a linear warm-up and a cosine decay of the learning rate."""
    start, iteration = time.monotonic(), 0
    while minutes > 0 and (done := (time.monotonic() - start) / (60 * minutes)) < 1:
        warm = min(1.0, (iteration + 1) / 200)
        for group in (group for optimiser in optimisers for group in optimiser.param_groups):
            group["lr"] = peak * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))
        yield iteration
        iteration += 1
    log.info("%s: %d iterations in %g minutes", name, iteration, minutes)


def _step(optimisers: Sequence[torch.optim.Optimizer], loss: Tensor, model: nn.Module) -> None:
    model.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimiser in optimisers:
        optimiser.step()


def _crops(images: Tensor, device: torch.device) -> Tensor:
    chosen = torch.randint(len(images), (AUTOENCODER_BATCH,)).tolist()
    corners = torch.randint(scenes.SIZE - CROP + 1, (AUTOENCODER_BATCH, 2)).tolist()
    crops = [images[n, :, y : y + CROP, x : x + CROP] for n, (y, x) in zip(chosen, corners, strict=True)]
    batch = torch.stack(crops).to(device).float() / 127.5 - 1
    return batch.contiguous(memory_format=torch.channels_last)


def _mirror(picture: Tensor, symmetry: scenes.Symmetry) -> Tensor:
    flips = [axis for axis, wanted in ((-1, symmetry.horizontally), (-2, symmetry.vertically)) if wanted]
    picture = picture.flip(flips) if flips else picture
    return picture.transpose(-1, -2) if symmetry.transpose else picture


def _mirror_both(latent: Tensor, clean: Tensor) -> tuple[Tensor, Tensor]:
    symmetry = scenes.Symmetry(*(torch.rand(3) < 0.5).tolist())
    mirrored = (_mirror(picture, symmetry) for picture in (latent, clean))
    latent, clean = (picture.contiguous(memory_format=torch.channels_last) for picture in mirrored)
    return latent, clean


def _picture_loss(decoded: Tensor, target: Tensor) -> Tensor:
    """Return the absolute and squared error of the pixels plus, for sharp edges, the absolute error of differences."""
    difference = decoded - target
    edges = difference.diff(dim=-1).abs().mean() + difference.diff(dim=-2).abs().mean()
    return difference.abs().mean() + 2 * difference.square().mean() + 0.5 * edges


def _save_autoencoder(model: AutoencoderTiny, average: _Average, normalise: nn.BatchNorm2d, file: Path) -> None:
    """Save the averaged weights, with the latent's mean and deviation folded into the encoder's last layer."""
    state = {name: value.clone() for name, value in average.state.items()}
    mean, variance = normalise.running_mean, normalise.running_var
    if mean is None or variance is None:
        raise ValueError("normalise: expected a layer that tracks its statistics, got one that does not")
    last = f"encoder.layers.{len(model.encoder.layers) - 1}"
    deviation = (variance + normalise.eps).sqrt()
    state[f"{last}.weight"] /= deviation[:, None, None, None]
    state[f"{last}.bias"] = (state[f"{last}.bias"] - mean) / deviation
    torch.save(state, file)


def _mirrored_batch(
    drawn: list[scenes.Scene], latents: Tensor, rng: np.random.Generator, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return a batch of latents, each mirrored its own way, and the tokens of the mirrored scenes' captions."""
    clean, tokens = [], []
    for number in rng.integers(len(drawn), size=FLOW_BATCH):
        allowed = scenes.symmetries(drawn[number])
        symmetry = allowed[rng.integers(len(allowed))]
        clean.append(_mirror(latents[number], symmetry))
        scene = scenes.mirror(drawn[number], symmetry)
        scene = scenes.swap(scene) if rng.random() < 0.5 else scene
        caption = "" if rng.random() < EMPTY_PROMPT_SHARE else scene.caption
        tokens.append(vocabulary.encode(caption))
    return torch.stack(clean).float(), torch.tensor(tokens, device=device)


def _image_positions(height: int, width: int, device: torch.device) -> Tensor:
    """Return the rotary position (0, y, x) of every token of a latent of `height` by `width`, shape (tokens, 3)."""
    y, x = torch.meshgrid(torch.arange(height // 2), torch.arange(width // 2), indexing="ij")
    return torch.stack([torch.zeros_like(x), y, x], dim=-1).flatten(0, 1).float().to(device)


def _flow_loss(model: nn.ModuleDict, clean: Tensor, tokens: Tensor) -> Tensor:
    noise = torch.randn_like(clean)
    mean, deviation = NOISE_LOGIT
    sigma = torch.sigmoid(mean + deviation * torch.randn(len(clean), device=clean.device))
    noisy = torch.lerp(clean, noise, sigma[:, None, None, None])
    context, pooled = model["text"](tokens)
    with torch.autocast(clean.device.type, torch.bfloat16):
        velocity = model["transformer"](
            hidden_states=packed(noisy),
            encoder_hidden_states=context,
            pooled_projections=pooled,
            timestep=sigma,
            img_ids=_image_positions(clean.shape[-2], clean.shape[-1], clean.device),
            txt_ids=torch.zeros(context.shape[1], 3, device=clean.device),
            return_dict=False,
        )[0]
    return functional.mse_loss(velocity.float(), packed(noise - clean))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("out/demo-training"), help="folder for the stages' files")
    parser.add_argument("--autoencoder-minutes", type=float, default=25)
    parser.add_argument("--flow-minutes", type=float, default=60)
    parser.add_argument("--go-on", action="store_true", help="start from the shipped files instead of from scratch")
    parser.add_argument("--scenes", type=int, default=12_000, help="how many scenes to draw")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
