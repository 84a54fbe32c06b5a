"""Rows on disk: complete or not there, and written by one driver."""

import os
import subprocess
import sys
from dataclasses import replace
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


def test_numbers_win_over_errors_and_any_seed_fits(tmp_path: Path):
    store = Store(tmp_path)
    for number in range(8):
        store.write([replace(row("a"), error="out of memory", seed=2**64 - 1)])
        if number == 3:
            store.write([replace(row("a"), seed=2**64 - 1)])
    (only,) = store.rows()
    assert (only["error"], only["seed"]) == ("", 2**64 - 1)


def test_a_second_driver_is_refused(tmp_path: Path):
    held = f"got one that process {os.getpid()} on .* uses"
    with Store(tmp_path).locked():
        for shard in ("", "shard-1-of-2"):
            with pytest.raises(ValueError, match=held), Store(tmp_path).locked(shard):
                pass
    with Store(tmp_path).locked("shard-1-of-2"):
        with Store(tmp_path).locked("shard-2-of-2"):
            pass
        for shard in ("", "shard-1-of-2"):
            with pytest.raises(ValueError, match="that no other sweep uses"), Store(tmp_path).locked(shard):
                pass
    with Store(tmp_path).locked():
        pass


def test_the_lock_of_a_killed_driver_is_free(tmp_path: Path):
    code = (
        "import os, sys; from pathlib import Path; from sweetspot.sweeps.store import Store\n"
        "with Store(Path(sys.argv[1])).locked(): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as driver:
        assert driver.stdout.readline() == b"held\n"
        with pytest.raises(ValueError, match=f"process {driver.pid} on"), Store(tmp_path).locked():
            pass
        driver.kill()
    with Store(tmp_path).locked():
        pass
