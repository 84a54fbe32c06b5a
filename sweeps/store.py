"""The rows of a sweep on disk: Parquet parts that only the driver writes, each complete or not there."""

import contextlib
import os
import socket
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any

from .grid import Row

_COLUMNS = tuple(field.name for field in fields(Row))


class MissingSweepError(ImportError):
    """A library of the extra `sweep` is missing; the message says what to install."""


class Store:
    """The parts in a folder.

    Args:
        folder: where they are; created if missing.

    Raises:
        MissingSweepError: if pyarrow is missing.
        OSError: if the folder can't be made.
    """

    def __init__(self, folder: Path) -> None:
        _pyarrow()
        self._folder = folder
        self.bad: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def locked(self, shard: str = "") -> Iterator[None]:
        """Hold the folder, so that no second driver makes the same cells; shards may hold it together.

        The system lets go of it when a process ends, however that happens.

        Args:
            shard: the name of a part of the sweep; empty for the whole.

        Raises:
            ValueError: if another one holds it; names its host and process.
        """
        with ExitStack() as stack:
            stack.enter_context(_held(self._folder / "sweep.lock", shared=bool(shard)))
            if shard:
                stack.enter_context(_held(self._folder / f"{shard}.lock", shared=False))
            yield

    def rows(self) -> list[dict[str, Any]]:
        """Return all rows, each key once, and one with numbers rather than one with an error.

        A part that can't be read is set aside as `.bad`, and its cells run again.
        """
        pq = _pyarrow().parquet
        found: dict[str, dict[str, Any]] = {}
        for part in sorted(self._folder.glob("part-*.parquet")):
            try:
                table = pq.read_table(part, columns=list(_COLUMNS))
            except Exception as error:
                # A damaged file gives errors of many kinds; those with a number are the system's.
                if isinstance(error, OSError) and error.errno:
                    raise
                with contextlib.suppress(FileNotFoundError):  # another shard was faster
                    part.rename(part.with_suffix(".bad"))
                self.bad.append(part.name)
                continue
            for row in table.to_pylist():
                if not row["error"] or row["key"] not in found:
                    found[row["key"]] = row
        return list(found.values())

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows as a new part: to a file of another name, which is renamed once it is on the disk.

        Raises:
            OSError: if it can't be written, e.g. because the disk is full.
        """
        pa = _pyarrow()
        part = self._folder / f"part-{uuid.uuid4().hex}.parquet"
        unfinished = part.with_suffix(".tmp")
        try:
            with unfinished.open("wb") as stream:
                table = pa.Table.from_pylist([asdict(row) for row in rows], schema=_schema(pa))
                pa.parquet.write_table(table, stream)
                stream.flush()
                os.fsync(stream.fileno())
            unfinished.replace(part)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        with contextlib.suppress(OSError):  # not every system can
            folder = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


@contextmanager
def _held(file: Path, *, shared: bool) -> Iterator[None]:
    with file.open("a+", encoding="utf-8") as stream:
        if not _try_lock(stream, shared=shared):
            stream.seek(0)
            holder = stream.read().strip() or "another process"
            raise ValueError(f"--out: expected a folder that no other sweep uses, got one that {holder} uses")
        if not shared:
            stream.truncate(0)
            stream.write(f"process {os.getpid()} on {socket.gethostname()}")
            stream.flush()
        yield


def _try_lock(stream: Any, *, shared: bool) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows: a lock on the first byte, which can't be shared
        import msvcrt

        windows: Any = msvcrt
        stream.seek(0)
        lock = partial(windows.locking, stream.fileno(), windows.LK_NBLCK, 1) if not shared else lambda: None
    else:
        lock = partial(fcntl.flock, stream, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    try:
        lock()
    except OSError:
        return False
    return True


def _schema(pa: Any) -> Any:
    kinds = {str: pa.string(), int: pa.uint64(), float: pa.float64()}
    return pa.schema([(field.name, kinds[field.type]) for field in fields(Row)])  # pyright: ignore[reportArgumentType]


def _pyarrow() -> Any:
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError as error:
        raise MissingSweepError("a sweep needs pyarrow: pip install 'sweetspot[sweep]'") from error
    return pa
