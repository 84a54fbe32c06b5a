"""Pretrains the text encoder: it learns to read from a caption what is where, before it sees any picture.

One linear layer must be able to predict each of a scene's attributes from the pooled vector. Items are counted from the
left or the top, so that "a circle left of a square" and "a square right of a circle" have the same answers. Without
this stage, the transformer would spend most of its training on finding out which colour belongs to which shape.
"""

import logging

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .. import vocabulary
from ..text_encoder import WIDTH, TextEncoder
from . import scenes

ITERATIONS, BATCH, LEARNING_RATE = 3000, 128, 2e-3
FIRST_STANDS_FIRST = ("left", "above", None)
AXES = {"left": "across", "right": "across", "above": "down", "below": "down", None: "untold"}

log = logging.getLogger("sweetspot.demo.training.train")

# The possible answers to each question about an item.
_ITEM_QUESTIONS: tuple[tuple[str, ...], ...] = (
    ("nothing", *vocabulary.SHAPES),
    ("nothing", *vocabulary.COLOURS),
    ("nothing", "untold", *vocabulary.SIZES),
    ("nothing", *vocabulary.TEXTURES),
)
QUESTIONS: tuple[tuple[str, ...], ...] = (
    ("across", "down", "untold"),
    vocabulary.GROUND_COLOURS,
    vocabulary.TEXTURES,
    *_ITEM_QUESTIONS,
    *_ITEM_QUESTIONS,
)


def train_text_encoder(drawn: list[scenes.Scene], device: torch.device) -> TextEncoder:
    """Return a text encoder that reads captions; logs the share of questions that it answers correctly."""
    encoder = TextEncoder().to(device)
    readout = nn.Linear(WIDTH, sum(map(len, QUESTIONS))).to(device)
    optimiser = torch.optim.AdamW([*encoder.parameters(), *readout.parameters()])
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=ITERATIONS)
    rng = np.random.default_rng(2)
    for iteration in range(ITERATIONS):
        batch = [_retold(drawn[number], rng) for number in rng.integers(len(drawn), size=BATCH)]
        tokens = torch.tensor([vocabulary.encode(scene.caption) for scene in batch], device=device)
        answers = torch.tensor([answers_to(scene) for scene in batch], device=device)
        given = readout(encoder(tokens)[1]).split([len(question) for question in QUESTIONS], dim=1)
        loss = torch.stack([functional.cross_entropy(logits, answers[:, i]) for i, logits in enumerate(given)]).sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        if iteration % 500 == 0 or iteration == ITERATIONS - 1:
            log.info("text %6d  loss %.4f  right %.4f", iteration, loss.item(), _share_right(given, answers))
    return encoder


def answers_to(scene: scenes.Scene) -> list[int]:
    """Return the number of the right answer to each of `QUESTIONS`."""
    items = scene.items if scene.relation in FIRST_STANDS_FIRST else scene.items[::-1]
    attributes = [AXES[scene.relation], scene.ground, scene.ground_texture]
    for index in range(2):
        if index < len(items):
            item = items[index]
            attributes += [item.shape, item.colour, item.size if item.name_size else "untold", item.texture]
        else:
            attributes += ["nothing"] * len(_ITEM_QUESTIONS)
    return [question.index(answer) for question, answer in zip(QUESTIONS, attributes, strict=True)]


def _retold(scene: scenes.Scene, rng: np.random.Generator) -> scenes.Scene:
    symmetry = scenes.Symmetry(*(rng.random(3) < 0.5).tolist())
    scene = scenes.mirror(scene, symmetry)
    # Without a relation, only the order of the items in the caption tells them apart, so it stays.
    return scenes.swap(scene) if scene.relation is not None and rng.random() < 0.5 else scene


def _share_right(given: tuple[Tensor, ...], answers: Tensor) -> float:
    right = [(logits.argmax(dim=1) == answers[:, i]).float().mean() for i, logits in enumerate(given)]
    return torch.stack(right).mean().item()
