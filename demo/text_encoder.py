"""The demo model's text encoder: a small transformer over a prompt's words.

It returns what a Flux-layout transformer needs: a sequence of vectors, one per word, and one pooled vector for the
whole prompt, taken at the start token.
"""

import torch
from torch import Tensor, nn

from .vocabulary import CONTEXT_LENGTH, WORDS

WIDTH = 64
LAYERS, HEADS = 3, 4


class TextEncoder(nn.Module):
    """Word embeddings with learned positions, and three pre-norm transformer layers."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(len(WORDS), WIDTH)
        self.positions = nn.Parameter(0.1 * torch.randn(CONTEXT_LENGTH, WIDTH))
        self.layers = nn.ModuleList(_Layer() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Encode token numbers.

        Args:
            tokens: integers, shape (batch, `CONTEXT_LENGTH`), from `vocabulary.encode`.

        Returns:
            The context, shape (batch, `CONTEXT_LENGTH`, `WIDTH`), and the pooled vector, shape (batch, `WIDTH`).
        """
        hidden = self.words(tokens) + self.positions
        for layer in self.layers:
            hidden = layer(hidden)
        context = self.norm(hidden)
        return context, context[:, 0]


class _Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(WIDTH)
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.norm_mlp = nn.LayerNorm(WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, hidden: Tensor) -> Tensor:
        normed = self.norm_attention(hidden)
        hidden = hidden + self.attention(normed, normed, normed, need_weights=False)[0]
        return hidden + self.mlp(self.norm_mlp(hidden))
