"""Rows on disk: complete or not there, and written by one driver."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from sweetspot.sweeps.grid import Row
from sweetspot.sweeps.store import Store

pytest.importorskip("pyarrow")


def row(key: str, similarity: float = 0.5) -> Row:
    return Row(key, "m", "c", "p", 0, 4, similarity, 4, 0.1)


def test_rows_come_back_once_each(tmp_path: Path):
    store = Store(tmp_path)
    store.write([row("a", 0.25), row("b")])
    store.write([row("b"), row("c")])
    rows = Store(tmp_path).rows()
    assert sorted(each["key"] for each in rows) == ["a", "b", "c"]
    assert next(each for each in rows if each["key"] == "a")["similarity"] == 0.25
    assert store.bad == []


def test_damaged_parts_are_set_aside(tmp_path: Path):
    store = Store(tmp_path)
    store.write([row("a")])
    (part,) = tmp_path.glob("part-*.parquet")
    (tmp_path / "part-half.parquet").write_bytes(part.read_bytes()[:100])
    (tmp_path / "part-empty.parquet").write_bytes(b"")
    (tmp_path / "part-x.tmp").write_bytes(b"half")
    assert [each["key"] for each in store.rows()] == ["a"]
    assert sorted(store.bad) == ["part-empty.parquet", "part-half.parquet"]
    assert sorted(file.name for file in tmp_path.glob("*.bad")) == ["part-empty.bad", "part-half.bad"]


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        Store(tmp_path).write([row("a")])
    assert list(tmp_path.iterdir()) == []


def test_a_second_driver_is_refused(tmp_path: Path):
    with (
        Store(tmp_path).locked(),
        pytest.raises(ValueError, match=f"which process {os.getpid()} on .* uses; if it is gone, delete driver.lock"),
        Store(tmp_path).locked(),
    ):
        pass
    # Once the first has ended, there is no lock; other parts of the same sweep have their own.
    with Store(tmp_path).locked(), Store(tmp_path).locked("shard-1-of-2"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_a_killed_driver_is_taken_over(tmp_path: Path):
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    lock = {"host": socket.gethostname(), "pid": int(gone.stdout)}
    (tmp_path / "driver.lock").write_text(json.dumps(lock), "utf-8")
    with Store(tmp_path).locked():
        assert json.loads((tmp_path / "driver.lock").read_text("utf-8"))["pid"] == os.getpid()
    # Nobody here can know whether a process of another machine lives.
    (tmp_path / "driver.lock").write_text(json.dumps(lock | {"host": "elsewhere"}), "utf-8")
    with pytest.raises(ValueError, match="on elsewhere uses"), Store(tmp_path).locked():
        pass
