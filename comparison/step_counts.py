"""Reads step counts as users write them: `4, 25, 50`, ranges (`8..32:8`), `draft, balanced, best`, and `auto`.

Ranges may also be written as in A1111's X/Y/Z plot: `8-32 (+8)`, `8-32 [4]`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..samplers.schedules import MAX_STEPS

MAX_COUNTS = 64

_SEPARATOR = re.compile(r"[,;\s]+")
_NUMBER = "[0-9]{1,9}"
_RANGE = re.compile(rf"{_NUMBER}\.\.{_NUMBER}(?::{_NUMBER})?|{_NUMBER}-{_NUMBER}(?:\(\+{_NUMBER}\)|\[{_NUMBER}\])?")
# White space inside a range is no separator.
_INSIDE = re.compile(r"\s*(?:\.\.|:|\(\+?|\[)\s*|(?<=[0-9])\s*-\s*|\s+[)\]]")
_ALLOWED = (
    f"up to {MAX_COUNTS} whole numbers from 1 to {MAX_STEPS}, each once, e.g. 4, 25, 50; a range, e.g. 8..32:8; "
    "the words draft, balanced, best; or auto"
)

# The words that stand for a plan's step counts.
WORDS = ("draft", "balanced", "best")
# Stands for a search.
AUTO = "auto"


@dataclass(frozen=True)
class StepList:
    """A parsed list of step counts.

    Attributes:
        counts: all numbers, including those in ranges, rising, each once.
        words: the words in the list that stand for a plan's counts.
        auto: whether the list asks for a search.
    """

    counts: tuple[int, ...]
    words: tuple[str, ...] = ()
    auto: bool = False

    def resolved(self, counts_by_word: Mapping[str, int]) -> tuple[int, ...]:
        """Return all counts, including those of the words, rising, each once.

        Raises:
            ValueError: if there are more than 64 counts.
        """
        try:
            return _checked({*self.counts, *(counts_by_word[word] for word in self.words)})
        except _NotCountsError as error:
            raise ValueError(f"steps: expected {_ALLOWED}; got {error}") from None


class _NotCountsError(Exception):
    """A text or list isn't one of step counts; the message says what came."""


def parse_step_counts(text: str, name: str = "steps") -> StepList:
    """Read a list such as `4, 8..32:8, best`.

    Entries are separated by commas, semicolons or white space. A range `first..last:stride` contains its first number,
    and its last one if the stride reaches it; the default stride is 1. `first-last (+stride)` is the same, and
    `first-last [n]` is n counts, evenly spread and rounded down. Numbers that a range shares with other entries count
    once.

    Args:
        text: the list.
        name: of the input that it came from.

    Raises:
        ValueError: if the list is empty, an entry is not a whole number from 1 to 10000, a range or a word, a number
            appears twice, or there are more than 64 counts. The message names the input and the entry.
    """
    try:
        return _parsed(_entries(text))
    except _NotCountsError as error:
        raise ValueError(f"{name}: expected {_ALLOWED}; got {error}") from None


def _parsed(entries: list[str]) -> StepList:
    if not entries:
        raise _NotCountsError("an empty list")
    if len(entries) > MAX_COUNTS:
        raise _NotCountsError(f"{len(entries)} entries")
    single = [_parse_count(entry) for entry in entries if not (entry in (*WORDS, AUTO) or _RANGE.fullmatch(entry))]
    twice = sorted({count for count in single if single.count(count) > 1})
    if twice:
        raise _NotCountsError(f"{', '.join(map(str, twice))} more than once")
    ranges = [_parse_range(entry) for entry in entries if _RANGE.fullmatch(entry)]
    counts = _checked({*single, *(count for of_range in ranges for count in of_range)})
    return StepList(counts, tuple(word for word in WORDS if word in entries), AUTO in entries)


def parse_numbers(text: str, name: str) -> tuple[int, ...]:
    """Read a list of numbers and ranges, which may be empty.

    Args:
        text: the list.
        name: of the input that it came from.

    Raises:
        ValueError: it is no such list; the message names the input.
    """
    if not text.strip():
        return ()
    steps = parse_step_counts(text, name)
    words = [*steps.words, *([AUTO] if steps.auto else [])]
    if words:
        raise ValueError(f"{name}: expected whole numbers and ranges, e.g. 4, 8..32:8; got {', '.join(words)}")
    return steps.counts


def why_not_step_counts(text: str | None) -> str:
    """Return why a text is no step list; empty if it is one, or None, which is not known yet."""
    try:
        if text is not None:
            parse_step_counts(text)
    except ValueError as error:
        return str(error)
    return ""


def _checked(counts: set[int]) -> tuple[int, ...]:
    if len(counts) > MAX_COUNTS:
        raise _NotCountsError(f"{len(counts)} counts")
    return tuple(sorted(counts))


def _entries(text: str) -> list[str]:
    joined = _INSIDE.sub(lambda match: "".join(match[0].split()), text.strip())
    return [entry for entry in _SEPARATOR.split(joined) if entry]


def _parse_range(entry: str) -> Sequence[int]:
    first, last, *rest = map(int, re.findall(r"[0-9]+", entry))
    given = rest[0] if rest else 1
    if not (1 <= first <= last <= MAX_STEPS and given >= 1):
        raise _NotCountsError(f"{entry!r}")
    spread = entry.endswith("]")
    how_many = given if spread else len(range(first, last + 1, given))
    if how_many > MAX_COUNTS:
        raise _NotCountsError(f"{entry!r}, which is {how_many} counts")
    if not spread:
        return range(first, last + 1, given)
    return [first + (last - first) * number // max(given - 1, 1) for number in range(given)]


def _parse_count(entry: str) -> int:
    # Matches digits first, because int() also accepts "1_000", "+4" and digits of other scripts.
    if not re.fullmatch(r"[0-9]{1,9}", entry) or not 1 <= int(entry) <= MAX_STEPS:
        shown = entry if len(entry) <= 40 else entry[:40] + "..."
        raise _NotCountsError(f"{shown!r}")
    return int(entry)
