"""The demo model's text encoder: learned word embeddings with learned positions.

It gives what a Flux-layout transformer wants of a text encoder: a sequence of vectors, one a word, and one pooled
vector. Everything beyond that (which word belongs to which) is left to the transformer's own text stream.
"""

import torch
from torch import Tensor, nn

from .vocabulary import CONTEXT_LENGTH, PAD, WORDS

CONTEXT_WIDTH = 64
POOLED_WIDTH = 32


class TextEncoder(nn.Module):
    """Word embeddings plus positions, and a linear read-out of their mean over the words that are there."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(len(WORDS), CONTEXT_WIDTH)
        self.positions = nn.Parameter(0.1 * torch.randn(CONTEXT_LENGTH, CONTEXT_WIDTH))
        self.pool = nn.Linear(CONTEXT_WIDTH, POOLED_WIDTH)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Encode token numbers.

        Args:
            tokens: integers, shape (batch, `CONTEXT_LENGTH`), from `vocabulary.encode`.

        Returns:
            The context, shape (batch, `CONTEXT_LENGTH`, `CONTEXT_WIDTH`), and the pooled vector, shape
            (batch, `POOLED_WIDTH`).
        """
        embedded = self.words(tokens)
        present = (tokens != WORDS.index(PAD)).unsqueeze(-1).to(embedded.dtype)
        mean = (embedded * present).sum(dim=1) / present.sum(dim=1)
        return embedded + self.positions, self.pool(mean)
