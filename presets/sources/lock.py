"""Lets one program at a time change the files of a folder."""

import contextlib
import importlib.util
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

WAIT_SECONDS = 20.0
# No writer holds the lock for longer; an older file was left by one that was killed.
STALE_SECONDS = 10.0
_PAUSE = 0.01


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Wait until no other program holds the folder's lock, and hold it. The folder is created if missing.

    The system's own lock on the folder is used, which ends with its program. Where there is none (Windows, some network
    disks), a file that only one program can create takes its place.

    Raises:
        OSError: if another one holds it for longer than 20 seconds, or the folder can't be used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _system_lock(folder) as held:
        if held:
            yield
            return
    mark = folder / ".sweetspot.lock"
    _wait_until(lambda: _created(mark), folder)
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


@contextlib.contextmanager
def _system_lock(folder: Path) -> Iterator[bool]:
    """Hold the system's lock; false if the system has none for this folder."""
    if importlib.util.find_spec("fcntl") is None:
        yield False
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        yield _wait_until(lambda: _flocked(fcntl, handle), folder)
    finally:
        os.close(handle)


def _flocked(fcntl: object, handle: int) -> bool | None:
    """Return whether the lock was free and is now held; None if there are no such locks here."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # pyright: ignore[reportAttributeAccessIssue] - Unix's
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _created(mark: Path) -> bool:
    with contextlib.suppress(OSError):
        if time.time() - mark.stat().st_mtime > STALE_SECONDS:
            mark.unlink()
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _wait_until(holds: Callable[[], bool | None], folder: Path) -> bool:
    """Wait for true or None, and return it as a bool."""
    deadline = time.monotonic() + WAIT_SECONDS
    while (held := holds()) is False:
        if time.monotonic() > deadline:
            raise OSError(f"{folder}: another program has been changing its files for {WAIT_SECONDS:g} seconds")
        time.sleep(_PAUSE)
    return bool(held)
