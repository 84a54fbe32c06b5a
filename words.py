"""Sentences that the browser can show in other languages: English text that remembers its code and its values.

They are ordinary text everywhere else. `spoken` is the form in which they go to the browser.
"""

from collections.abc import Mapping, Sequence
from typing import Any, final


@final
class Message(str):
    """One sentence, or a few, or part of one.

    Attributes:
        code: its name in `locales/*/main.json`.
        values: what stands in the braces; these may be messages, too.
    """

    __slots__ = ("_english", "code", "values")

    code: str
    values: Mapping[str, Any]

    def __new__(cls, code: str, english: str, values: Mapping[str, Any] | None = None) -> "Message":
        """Return the message.

        Args:
            code: its name.
            english: the text, with values in braces; ` | ` separates the form for one step from that for several.
            values: what stands in the braces.
        """
        values = values or {}
        forms = english.split(" | ")
        form = forms[0] if values.get("steps") == 1 else forms[-1]
        message = super().__new__(cls, form.format_map(values))
        message._english, message.code, message.values = english, code, values
        return message

    def __getnewargs__(self) -> tuple[Any, ...]:
        """Return what copies are made from."""
        return self.code, self._english, self.values

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return {"code": self.code, "values": dict(self.values), "text": str(self)}


@final
class Messages(str):
    """Several messages, joined by spaces."""

    __slots__ = ("parts",)

    parts: tuple[str, ...]

    def __new__(cls, *parts: str) -> "Messages":
        """Return the messages that aren't empty, as one text."""
        flat = [each for part in parts for each in (part.parts if isinstance(part, Messages) else (part,)) if each]
        messages = super().__new__(cls, " ".join(flat))
        messages.parts = tuple(flat)
        return messages

    def __getnewargs__(self) -> tuple[Any, ...]:
        """Return what copies are made from."""
        return self.parts


def spoken(text: str) -> Any:
    """Return a text as the browser takes it: code, values and English of a message, a list of several, or the text."""
    if isinstance(text, Messages):
        return [spoken(part) for part in text.parts]
    if not isinstance(text, Message):
        return text
    values = {name: spoken(value) if isinstance(value, str) else value for name, value in text.values.items()}
    return text.to_dict() | {"values": values}


def codes_of(text: str) -> Sequence[str]:
    """Return the codes of the messages in a text."""
    parts = text.parts if isinstance(text, Messages) else (text,)
    return [part.code for part in parts if isinstance(part, Message)]
