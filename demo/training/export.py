"""Writes the shipped files from a finished training.

`python -m sweetspot.demo.training.export --folder out/demo-training`

The transformer is saved in the original Flux layout and the autoencoder in the tiny autoencoder's layout, both in half
precision, so that ComfyUI's stock loaders can read them.
"""

import argparse
import json
import logging
from datetime import datetime, timezone
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from ...engines.flux_keys import to_original
from .. import files
from .train import draw_scenes, render_batch

TITLE = "Sweet Spot demo"

log = logging.getLogger("sweetspot.demo.training.export")


def main() -> None:
    """Export the three files and log their sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("out/demo-training"), help="folder of the training's files")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    written = export(arguments.folder, files.FOLDER)
    for file in written:
        log.info("%s  %.2f MB", file.name, file.stat().st_size / 1e6)
    log.info("total %.2f MB", sum(file.stat().st_size for file in written) / 1e6)


def export(folder: Path, target: Path) -> list[Path]:
    """Convert the training's final files in `folder` to the three shipped ones in `target`, and return their paths."""
    flow = torch.load(folder / "flow.pt", map_location="cpu")
    autoencoder = torch.load(folder / "autoencoder.pt", map_location="cpu")
    latents = torch.load(folder / "latents.pt", map_location="cpu")
    rgb = {files.LATENT_RGB_KEY: json.dumps(fit_preview(latents[:512]))}
    made = {
        files.TRANSFORMER: (_half(to_original(_below(flow, "transformer."))), _metadata("transformer")),
        files.AUTOENCODER: (_half(to_tiny_layout(autoencoder)), _metadata("autoencoder") | rgb),
        files.TEXT_ENCODER: (_below(flow, "text."), _metadata("text encoder")),
    }
    for file, (state, metadata) in made.items():
        save_file(state, target / file.name, metadata)
    return [target / file.name for file in made]


def to_tiny_layout(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return `diffusers.AutoencoderTiny` weights under the names of ComfyUI's tiny autoencoder.

    The original decoder starts with a clamping layer without weights, so its numbers are one higher. The scale and
    shift entries turn the transformer's latents, which have unit variance, into Flux latents and back.
    """
    renamed = {
        "vae_scale": torch.tensor(files.LATENT_SCALE),
        "vae_shift": torch.tensor(files.LATENT_SHIFT),
    }
    for name, value in state.items():
        part, _, number, rest = name.split(".", 3)
        shift = 1 if part == "decoder" else 0
        renamed[f"taesd_{part}.{int(number) + shift}.{rest}"] = value
    return renamed


def fit_preview(latents: Tensor) -> dict[str, list]:
    """Fit the mean colours of 8 by 8 pixels, in [-1, 1], as a linear function of the latent, by least squares."""
    pixels = render_batch(draw_scenes(seed=0, count=len(latents)))
    colours = functional.avg_pool2d(pixels, 8).permute(0, 2, 3, 1).reshape(-1, 3)
    values = latents.float().permute(0, 2, 3, 1).reshape(-1, latents.shape[1])
    design = torch.cat([values, torch.ones(len(values), 1)], dim=1)
    solution = torch.linalg.lstsq(design, colours).solution
    return {"factors": _rounded(solution[:-1]), "bias": _rounded(solution[-1])}


def _rounded(values: Tensor) -> list:
    return [round(value, 4) if isinstance(value, float) else [round(v, 4) for v in value] for value in values.tolist()]


def _below(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) :]: value.contiguous() for name, value in state.items() if name.startswith(prefix)}


def _half(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.half().contiguous() for name, value in state.items()}


def _metadata(part: str) -> dict[str, str]:
    """Return ModelSpec 1.0.1 metadata."""
    return {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": "sweetspot-demo-flux",
        "modelspec.implementation": "https://github.com/black-forest-labs/flux",
        "modelspec.title": f"{TITLE} {part}",
        "modelspec.author": "Sweet Spot",
        "modelspec.license": "MIT",
        "modelspec.date": datetime.now(timezone.utc).date().isoformat(),
        "modelspec.description": "Small flow-matching model of coloured shapes, for trying and testing step counts.",
        "modelspec.resolution": "128x128",
        "modelspec.usage_hint": "25 steps, cfg 3, euler, simple; see demo/MODEL_CARD.md",
    }


if __name__ == "__main__":
    main()
