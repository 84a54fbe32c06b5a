"""Changes one value in a JSON text and leaves every other character as it is.

People and other tools write into the same files: their order, spacing, numbers and unknown entries stay.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

_SPACE = re.compile(r"[ \t\n\r]*")
# Numbers are only passed over, and Python would refuse to read one of thousands of digits.
_DECODER = json.JSONDecoder(parse_int=str)
_INDENT = 2


class _Member(NamedTuple):
    name: str
    start: int
    end: int


def with_value(text: str, path: Sequence[str], value: Any) -> str:
    """Return the text with the value at a path of names replaced; missing objects on the path are added.

    Args:
        text: a JSON object.
        path: names from the outermost object inwards, at least one.
        value: the new value, as plain data.

    Raises:
        ValueError: the text is not a JSON object, or something on the path is not one.
    """
    return _with_value(text, _after_space(text, 1 if text.startswith("\ufeff") else 0), path, value, 1)


def _with_value(text: str, start: int, path: Sequence[str], value: Any, depth: int) -> str:
    members = list(_members(text, start))
    name, *inner = path
    # Of names that occur twice, the last one counts.
    found = next((member for member in reversed(members) if member.name == name), None)
    if found is not None and inner:
        return _with_value(text, found.start, inner, value, depth + 1)
    for part in reversed(inner):
        value = {part: value}
    written = json.dumps(value, indent=_INDENT, ensure_ascii=False).replace("\n", "\n" + " " * _INDENT * depth)
    if found is not None:
        return text[: found.start] + written + text[found.end :]
    line = f"\n{' ' * _INDENT * depth}{json.dumps(name, ensure_ascii=False)}: {written}"
    if members:
        return text[: members[-1].end] + "," + line + text[members[-1].end :]
    end = text.index("}", start)
    return text[: start + 1] + f"{line}\n{' ' * _INDENT * (depth - 1)}" + text[end:]


def _members(text: str, start: int) -> Iterator[_Member]:
    """Yield the names of an object with the places of their values."""
    if text[start : start + 1] != "{":
        raise ValueError(f"expected an object at character {start}, got {text[start : start + 20]!r}")
    place = _after_space(text, start + 1)
    while text[place : place + 1] == '"':
        name, place = _DECODER.raw_decode(text, place)
        value = _after_space(text, _after_space(text, place) + 1)
        _, end = _DECODER.raw_decode(text, value)
        yield _Member(name, value, end)
        place = _after_space(text, end)
        place = _after_space(text, place + 1) if text[place : place + 1] == "," else place


def _after_space(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return match.end() if match else place
