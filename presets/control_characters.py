"""Escapes characters that steer a terminal or turn the direction of text; names and metadata may hold them.

Source of the directions: Unicode Standard Annex 9, "Unicode Bidirectional Algorithm", 2.1 to 2.6.
"""

import re

_DIRECTIONS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_LINES = "\u2028\u2029"
_CONTROL = re.compile(f"[\x00-\x1f\x7f-\x9f\ud800-\udfff{_DIRECTIONS}{_LINES}]")


def is_control(letter: str) -> bool:
    """Return whether it is a control character, a lone surrogate, or one that turns the direction of text."""
    return _CONTROL.match(letter) is not None


def escaped(text: str, keep: str = "") -> str:
    r"""Return the text with such characters as `\uXXXX`, which is also how JSON writes them.

    Args:
        text: any text.
        keep: characters that stay, e.g. a line break.
    """
    return _CONTROL.sub(lambda match: match[0] if match[0] in keep else f"\\u{ord(match[0]):04x}", text)
