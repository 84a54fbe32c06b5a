"""Chooses which frames of a video are compared: `first, middle, last`, or numbers."""

import re

WORDS = ("first", "middle", "last")

_ALLOWED = "first, middle, last, or frame numbers from 0 (-1 is the last one), separated by commas"


def choose_frames(text: str, frames: int) -> list[int]:
    """Return the chosen frames of a video, rising, each once.

    Args:
        text: e.g. `first, middle, last` or `0, 12, -1`.
        frames: how many frames the video has, at least 1.

    Raises:
        ValueError: if the text is empty, an entry has another form, or the video does not have a frame of that number.
    """
    named = {"first": 0, "middle": frames // 2, "last": frames - 1}
    chosen = set()
    for entry in _entries(text):
        number = named[entry] if entry in named else int(entry)
        if not -frames <= number < frames:
            raise ValueError(f"frames: this video has {frames}, numbered 0 to {frames - 1}; got {entry}")
        chosen.add(number % frames)
    return sorted(chosen)


def check_frames(text: str) -> None:
    """Refuse a text that `choose_frames` could not read for any video.

    Raises:
        ValueError: if the text is empty or an entry has another form.
    """
    _entries(text)


def _entries(text: str) -> list[str]:
    entries = [entry for entry in re.split(r"[,;\s]+", text.strip()) if entry]
    wrong = [entry for entry in entries if entry not in WORDS and not re.fullmatch(r"-?[0-9]{1,6}", entry)]
    if wrong or not entries:
        raise ValueError(f"frames: expected {_ALLOWED}; got {wrong[0][:40] if wrong else 'nothing'!r}")
    return entries
