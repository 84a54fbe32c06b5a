"""Writes a tiny Stable Diffusion 1.5 as diffusers' users have it: a folder with text encoder and tokenizer."""

from pathlib import Path
from string import ascii_lowercase

import diffusers
import torch
import transformers

from .tiny import FAMILIES

_WIDTH, _LENGTH = 16, 77


def write_folder(folder: Path) -> Path:
    """Write the folder and return it."""
    pieces = [*ascii_lowercase, *(f"{letter}</w>" for letter in ascii_lowercase), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = transformers.CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=_LENGTH)
    torch.manual_seed(0)
    encoder = transformers.CLIPTextModel(
        transformers.CLIPTextConfig(
            vocab_size=len(pieces),
            hidden_size=_WIDTH,
            intermediate_size=_WIDTH,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=_LENGTH,
            bos_token_id=vocabulary["<|startoftext|>"],
            eos_token_id=vocabulary["<|endoftext|>"],
        )
    )
    betas = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
    pipeline = FAMILIES["SD1.5"].make(diffusers.PNDMScheduler(skip_prk_steps=True, **betas))
    pipeline.register_modules(text_encoder=encoder, tokenizer=tokenizer)
    pipeline.save_pretrained(folder)
    return folder
