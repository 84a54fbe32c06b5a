"""The words that the demo model knows, and how a prompt becomes token numbers.

A prompt is lower-cased, punctuation is dropped, and every remaining word must be in `WORDS`.
An unknown word is never ignored: it is an error that lists the known words.
"""

import difflib
import re

SHAPES = ("circle", "square", "triangle", "cross")
COLOURS = ("red", "yellow", "green", "cyan", "blue", "purple", "white", "black")
GROUND_COLOURS = (*COLOURS, "gray")
SIZES = ("small", "large")
TEXTURES = ("plain", "striped", "dotted", "checkered")
RELATIONS = ("left", "right", "above", "below")

PAD, START = "<pad>", "<start>"
WORDS = (
    PAD,
    START,
    *("a", "on", "of", "and", "background"),
    *SHAPES,
    *GROUND_COLOURS,
    *SIZES,
    *TEXTURES,
    *RELATIONS,
)
ALIASES: dict[str, str] = {"grey": "gray", "an": "a", "the": "a", "big": "large", "magenta": "purple"}
CONTEXT_LENGTH = 20
MAX_WORDS = CONTEXT_LENGTH - 1

_NUMBER = {word: number for number, word in enumerate(WORDS)}
_WORD = re.compile(r"[^\W_]+")


class UnknownWordsError(ValueError):
    """A prompt contains words outside the demo model's vocabulary, or too many words."""


def split_words(text: str) -> list[str]:
    """Return the words of `text` in order, with aliases resolved.

    Raises:
        UnknownWordsError: if a word is unknown; names each one, with the closest known word if there is one.
    """
    written: list[str] = _WORD.findall(text.lower())
    words = [ALIASES.get(word, word) for word in written]
    unknown = sorted({word for word in words if word not in _NUMBER})
    if unknown:
        raise UnknownWordsError(_explain(unknown))
    return words


def encode_words(words: list[str]) -> list[int]:
    """Return `CONTEXT_LENGTH` token numbers for at most `MAX_WORDS` known words, padded at the end."""
    if len(words) > MAX_WORDS:
        raise UnknownWordsError(f"prompt: expected at most {MAX_WORDS} words for the demo model, got {len(words)}")
    numbers = [_NUMBER[START], *(_NUMBER[word] for word in words)]
    return numbers + [_NUMBER[PAD]] * (CONTEXT_LENGTH - len(numbers))


def encode(text: str) -> list[int]:
    """Return the `CONTEXT_LENGTH` token numbers of a prompt; see `split_words` for the errors."""
    return encode_words(split_words(text))


def _explain(unknown: list[str]) -> str:
    vocabulary = [word for word in WORDS if word not in (PAD, START)]
    descriptions = []
    for word in unknown:
        near = difflib.get_close_matches(word, vocabulary, n=1)
        descriptions.append(f"{word!r}" + (f" (did you mean {near[0]!r}?)" if near else ""))
    return f"prompt: the demo model does not know {', '.join(descriptions)}; it knows: {', '.join(vocabulary)}"
