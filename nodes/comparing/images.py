"""Turns ComfyUI's IMAGE into the images that are compared."""

from typing import Any

import numpy as np
import torch
from nodes import VAEDecode  # pyright: ignore[reportAttributeAccessIssue] - ComfyUI's nodes, not ours

from ...comparison.frames import choose_frames
from ...comparison.measures.levels import to_floats
from ...comparison.measures.structure import LEAST_SIDE
from ...comparison.report import Report


def to_images(images: torch.Tensor, input_name: str) -> Any:
    """Return an IMAGE as float32 in [0, 1], shape (images, height, width, 3 or 4).

    Args:
        images: shape (images, height, width, channels); one channel is repeated for all colours.
        input_name: the input that an error names.

    Raises:
        ValueError: if a side is shorter than 11 pixels, or the images contain NaN or Inf.
    """
    levels = images.cpu().float().numpy()
    if levels.ndim != 4 or min(levels.shape[1:3]) < LEAST_SIDE or levels.shape[-1] not in (1, 3, 4):
        raise ValueError(
            f"{input_name}: expected images of at least {LEAST_SIDE} pixels per side with 1, 3 or 4 channels, got the "
            f"shape {tuple(levels.shape)}"
        )
    if not np.isfinite(levels).all():
        raise ValueError(
            f"{input_name}: expected finite numbers in the decoded images, got NaN or Inf; a VAE in half precision may "
            "overflow, so run it in float32 (--fp32-vae)"
        )
    return np.repeat(levels, 3, axis=-1) if levels.shape[-1] == 1 else levels


def decode(vae: Any, sampled: dict[str, Any], frames: str = "first, middle, last") -> Any:
    """Return a latent's images as float32 in [0, 1], shape (images, height, width, 3).

    Args:
        vae: decodes them.
        sampled: latent dict.
        frames: which frames to keep if it is a video.
    """
    (images,) = VAEDecode().decode(vae, sampled)
    samples = sampled["samples"]
    batch = (samples.unbind()[0] if getattr(samples, "is_nested", False) else samples).shape[0]
    each = len(images) // batch
    if each > 1:
        chosen = choose_frames(frames, each)
        images = images.unflatten(0, (batch, each))[:, chosen].flatten(0, 1)
    return to_images(images, "vae")


def measuring_device(model: Any) -> str:
    """Return the device that measures a model's images: its own where that is an NVIDIA or AMD GPU, else the CPU."""
    device = getattr(model, "load_device", None)
    return str(device) if getattr(device, "type", "") == "cuda" else "cpu"


def all_images(report: Report) -> torch.Tensor:
    """Return all images as an IMAGE, one contender after the other, by rising step count."""
    runs = [judged.run for judgement in report.judgements for judged in judgement.runs]
    images = torch.empty((sum(len(run.images) for run in runs), *runs[0].images.shape[1:]), dtype=torch.float32)
    place = 0
    for run in runs:
        # One at a time, so that they are never all in memory twice.
        for image in run.images:
            images[place] = torch.from_numpy(to_floats(image))
            place += 1
    return images


def embed(clip_vision: Any, images: Any) -> Any:
    """Return a vision model's embeddings of the images, shape (images, features), or None without a model."""
    if clip_vision is None:
        return None
    # One at a time, because the model first loads each image at full size.
    embeddings = [clip_vision.encode_image(torch.from_numpy(image[None, ..., :3]))["image_embeds"] for image in images]
    return torch.cat(embeddings).float().cpu().numpy()
