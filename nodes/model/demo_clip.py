"""The demo model's text encoder as a ComfyUI CLIP."""

from typing import Any

import comfy.sd
import comfy.sd1_clip
import torch
from comfy.supported_models_base import ClipTarget
from safetensors.torch import load_file
from torch import Tensor, nn

from ...demo import files, vocabulary
from ...demo.text_encoder import TextEncoder

_TOKENS = "sweetspot_demo"

Tokens = dict[str, list[list[tuple[int, float]]]]


class DemoTokenizer:
    """Turns prompts into token numbers, with weights such as in `(word:1.2)`."""

    def __init__(self, **_options: Any) -> None:
        pass

    def tokenize_with_weights(self, text: str, *_options: Any, **_more: Any) -> Tokens:
        """Return one row of (number, weight) pairs.

        Raises:
            UnknownWordsError: if the prompt contains words that the model does not know, or too many words.
        """
        segments = comfy.sd1_clip.token_weights(comfy.sd1_clip.escape_important(text), 1.0)
        # Check all words at once, so that one error names every unknown word.
        vocabulary.split_words(" ".join(segment for segment, _ in segments))
        weighted = [(word, weight) for segment, weight in segments for word in vocabulary.split_words(segment)]
        numbers = vocabulary.encode_words([word for word, _ in weighted])
        weights = [1.0, *(weight for _, weight in weighted)]
        weights += [1.0] * (len(numbers) - len(weights))
        return {_TOKENS: [list(zip(numbers, weights, strict=True))]}

    def untokenize(self, pairs: list[tuple[int, float]]) -> list[tuple[tuple[int, float], str]]:
        """Return each pair with its word."""
        return [(pair, vocabulary.WORDS[pair[0]]) for pair in pairs]

    def state_dict(self) -> dict[str, Tensor]:
        """Return nothing: the vocabulary is part of the pack."""
        return {}


class DemoTextModel(nn.Module):
    """The text encoder in the form that ComfyUI's CLIP class needs."""

    # At half a megabyte, streaming it in parts isn't worth it.
    disable_offload = True

    def __init__(self, device: Any = "cpu", **_options: Any) -> None:
        super().__init__()
        self.encoder = TextEncoder().to(device).requires_grad_(requires_grad=False)
        self.dtypes = {torch.float32}

    def set_clip_options(self, options: dict[str, Any]) -> None:
        """Do nothing: there are no layers to choose from."""

    def reset_clip_options(self) -> None:
        """Do nothing, for the same reason."""

    def encode_token_weights(self, tokens: Tokens) -> tuple[Tensor, Tensor]:
        """Return context (1, 20, 64) and pooled vector (1, 64); weights scale the distance from the empty prompt."""
        row = tokens[_TOKENS][0]
        device = self.encoder.positions.device
        numbers = torch.tensor([[number for number, _ in row]], device=device)
        weights = torch.tensor([weight for _, weight in row], device=device)[None, :, None]
        context, pooled = self.encoder(numbers)
        nothing, _ = self.encoder(torch.tensor([vocabulary.encode("")], device=device))
        return (nothing + weights * (context - nothing)).cpu(), pooled.cpu()

    def load_sd(self, state: dict[str, Tensor]) -> Any:
        """Load the encoder's weights."""
        return self.encoder.load_state_dict(state)


def load_demo_clip() -> comfy.sd.CLIP:
    """Return the demo model's text encoder as a CLIP."""
    clip = comfy.sd.CLIP(ClipTarget(DemoTokenizer, DemoTextModel))
    clip.load_sd(load_file(files.TEXT_ENCODER))
    return clip
