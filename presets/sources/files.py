"""Where the user's caches are, and how to write a file so that no reader ever sees half of it."""

import contextlib
import os
import secrets
import sys
import time
from pathlib import Path

NAME = "sweetspot"
# A writer that was killed leaves its unfinished file. No writer needs this long.
_LEFT_SECONDS = 3600.0


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

    A link stays one: the file that it leads to is written. An existing file keeps its mode.

    Raises:
        OSError: it cannot be written; an existing file is unchanged.
    """
    target = file.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        # Not with tempfile: its files are private, and a new file should be as readable as the user's others.
        with unfinished.open("xb") as stream:
            stream.write(text.encode("utf-8", "surrogatepass"))
            stream.flush()
            os.fsync(stream.fileno())
        with contextlib.suppress(FileNotFoundError):
            unfinished.chmod(target.stat().st_mode & 0o7777)
        unfinished.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise
    _sync_folder(target.parent)


def sweep_unfinished(file: Path, older_than: float = _LEFT_SECONDS) -> None:
    """Delete what killed writers of a file left beside it.

    Args:
        file: the file.
        older_than: seconds; 0 if no other writer can be at work.
    """
    target = file.resolve()
    for left in target.parent.glob(f".{target.name}.*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime >= older_than:
                left.unlink()


def _sync_folder(folder: Path) -> None:
    # Without this, a file that was just renamed may be gone after a power cut. Windows can't open folders.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
