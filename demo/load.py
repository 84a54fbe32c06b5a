"""The demo checkpoint on the standalone engine."""

from collections.abc import Sequence

import torch
from safetensors.torch import load_file
from torch import Tensor

from ..engines.demo_pipeline import PromptEncoder, demo_pipeline
from ..engines.diffusers import DiffusersModel
from ..presets.catalogue import find_variant
from ..presets.plan import StepPlan
from ..presets.qualities import Quality, make_plan
from . import files, vocabulary
from .text_encoder import TextEncoder

VARIANT = "sweetspot_demo"


def recommended(quality: Quality = "balanced") -> StepPlan:
    """Return the demo model's plan."""
    return make_plan(find_variant(VARIANT), quality)


def load_text_encoder() -> TextEncoder:
    """Return the demo model's text encoder with its trained weights."""
    encoder = TextEncoder().eval().requires_grad_(requires_grad=False)
    encoder.load_state_dict(load_file(files.TEXT_ENCODER))
    return encoder


def load_model(device: str = "cpu", shift: float = 1.0) -> DiffusersModel:
    """Return the demo model on diffusers, with this linear shift."""
    return demo_pipeline(files.TRANSFORMER, files.AUTOENCODER, _prompt_encoder(), device, shift)


def _prompt_encoder() -> PromptEncoder:
    encoder = load_text_encoder()

    def encode(prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        return encoder(torch.tensor([vocabulary.encode(prompt) for prompt in prompts]))

    return encode
