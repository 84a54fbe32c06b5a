"""Opens files to read that come from outside: regular files only, and no more of them than is needed.

A pipe or a device could keep a reader waiting for ever, and a file of weights would fill the memory.
"""

import stat
from pathlib import Path
from typing import BinaryIO

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def open_regular(file: Path) -> BinaryIO:
    """Open a regular file to read its bytes.

    Raises:
        OSError: it can't be opened, or is no regular file.
    """
    mode = file.stat().st_mode
    if not stat.S_ISREG(mode):
        kind = next((name for test, name in _KINDS if test(mode)), "something else")
        raise OSError(f"{file.name}: expected a regular file, got {kind}")
    return file.open("rb")


def read_bytes(file: Path, most: int) -> bytes:
    """Return a regular file's bytes.

    Raises:
        OSError: it can't be read, is no regular file, or has more than `most` bytes.
    """
    with open_regular(file) as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise OSError(f"{file.name}: expected at most {most} bytes, got {file.stat().st_size}")
    return content
