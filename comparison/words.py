"""Sentences that the browser can show in other languages: an English text with a code and values."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Message:
    """One sentence, or a few.

    Attributes:
        code: its name in `locales/*/main.json`.
        english: the text, with values in braces; ` | ` separates the form for one step from that for several.
        values: what stands in the braces.
    """

    code: str
    english: str
    values: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the English text."""
        forms = self.english.split(" | ")
        form = forms[0] if self.values.get("steps") == 1 else forms[-1]
        return form.format_map(self.values)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return {"code": self.code, "values": self.values, "text": str(self)}
