"""Recommended guidance windows, each with its source, stored in `guidance_windows.json` and checked by its schema."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

_FILE = Path(__file__).with_suffix(".json")


@dataclass(frozen=True)
class NamedWindow:
    """A guidance window that a source recommends.

    Attributes:
        name: the name that the user chooses.
        unit: `fraction` of the steps, or `sigma`, the noise level of x = image + sigma * noise.
        start: where guidance begins: a share from 0 to 1, or the highest noise level.
        end: where it ends: a share, or the lowest noise level.
        source: who recommends it.
        agreed: once both halves of a model call are this similar, guidance is dropped for good; None never drops it.
    """

    name: str
    unit: Literal["fraction", "sigma"]
    start: float
    end: float
    source: str
    agreed: float | None = None


@cache
def load_windows() -> tuple[NamedWindow, ...]:
    """Return all recommended windows, in the file's order."""
    return tuple(NamedWindow(**entry) for entry in json.loads(_FILE.read_text("utf-8"))["windows"])


def find_window(name: str) -> NamedWindow:
    """Return the window of this name.

    Raises:
        ValueError: there is no such window; the message lists the known names.
    """
    for window in load_windows():
        if window.name == name:
            return window
    raise ValueError(f"guidance_window: expected one of {', '.join(w.name for w in load_windows())}; got {name!r}")
