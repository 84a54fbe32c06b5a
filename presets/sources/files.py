"""Where the user's caches are, and how to write a file so that no reader ever sees half of it."""

import contextlib
import os
import sys
import tempfile
from pathlib import Path

NAME = "sweetspot"


def cache_folder() -> Path:
    """Return the user's cache folder for this pack, where the operating system expects it; it may not exist yet."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / NAME / "Cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / NAME
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / NAME


def write_atomically(file: Path, text: str) -> None:
    """Write a text file completely or not at all, and create its folder.

    Raises:
        OSError: it cannot be written; an existing file is unchanged.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
