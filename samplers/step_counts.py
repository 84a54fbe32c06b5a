"""Step counts as people write them: `4, 25, 50`."""

import re

from .schedules import MAX_STEPS

MAX_COUNTS = 64

_SEPARATOR = re.compile(r"[,;\s]+")
_ALLOWED = f"up to {MAX_COUNTS} whole numbers from 1 to {MAX_STEPS}, each once, such as 4, 25, 50"


def parse_step_counts(text: str) -> list[int]:
    """Return the step counts of a list such as `4, 25, 50`, in rising order.

    Commas, semicolons and white space separate.

    Raises:
        ValueError: if the list is empty, has an entry that is no whole number from 1 to 10000, has an entry twice, or
            has more than 64; the message names the entry.
    """
    entries = [entry for entry in _SEPARATOR.split(text.strip()) if entry]
    if not entries:
        raise ValueError(f"steps: expected {_ALLOWED}; got an empty list")
    if len(entries) > MAX_COUNTS:
        raise ValueError(f"steps: expected {_ALLOWED}; got {len(entries)} entries")
    counts = [_parse_count(entry) for entry in entries]
    twice = sorted({count for count in counts if counts.count(count) > 1})
    if twice:
        raise ValueError(f"steps: expected {_ALLOWED}; got {', '.join(map(str, twice))} more than once")
    return sorted(counts)


def _parse_count(entry: str) -> int:
    # Digits are matched first: int() would also take "1_000", "+4" and digits of other scripts.
    if not re.fullmatch(r"[0-9]{1,9}", entry) or not 1 <= int(entry) <= MAX_STEPS:
        shown = entry if len(entry) <= 40 else entry[:40] + "..."
        raise ValueError(f"steps: expected {_ALLOWED}; got {shown!r}")
    return int(entry)
