"""The rows of a sweep on disk: Parquet parts that only the driver writes, each complete or not there."""

import contextlib
import json
import os
import socket
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
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
    def locked(self, name: str = "driver") -> Iterator[None]:
        """Hold the folder, so that no second driver makes the same cells.

        Raises:
            ValueError: if another one holds it; names its host and process.
        """
        file = self._folder / f"{name}.lock"
        self._take(file)
        try:
            yield
        finally:
            file.unlink(missing_ok=True)

    def _take(self, file: Path) -> None:
        mine = {"host": socket.gethostname(), "pid": os.getpid()}
        for _ in range(2):
            try:
                with file.open("x", encoding="utf-8") as stream:
                    stream.write(json.dumps(mine))
            except FileExistsError:
                holder = _holder(file)
                if holder.get("host") == mine["host"] and not _lives(holder.get("pid")):
                    # It was killed.
                    file.unlink(missing_ok=True)
                    continue
                raise ValueError(
                    f"--out: expected a folder that no other sweep uses, got {self._folder}, which process "
                    f"{holder.get('pid')} on {holder.get('host')} uses; if it is gone, delete {file.name}"
                ) from None
            else:
                return
        raise ValueError(f"--out: expected a folder that can be locked, got {self._folder}")

    def rows(self) -> list[dict[str, Any]]:
        """Return all rows, each key once. A part that can't be read is set aside as `.bad`, and its cells run again."""
        pq = _pyarrow().parquet
        found: dict[str, dict[str, Any]] = {}
        for part in sorted(self._folder.glob("part-*.parquet")):
            try:
                table = pq.read_table(part, columns=list(_COLUMNS))
            except Exception:  # noqa: BLE001 - a damaged file gives errors of many kinds
                part.rename(part.with_suffix(".bad"))
                self.bad.append(part.name)
                continue
            found |= {row["key"]: row for row in table.to_pylist()}
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
                pa.parquet.write_table(pa.Table.from_pylist([asdict(row) for row in rows]), stream)
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


def _holder(file: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        content = json.loads(file.read_text("utf-8"))
        return content if isinstance(content, dict) else {}
    return {}


def _lives(pid: Any) -> bool:
    if not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _pyarrow() -> Any:
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError as error:
        raise MissingSweepError("a sweep needs pyarrow: pip install 'sweetspot[sweep]'") from error
    return pa
