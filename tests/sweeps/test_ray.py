"""A sweep on two Ray workers that is killed in every way, and then goes on: no cell is lost, and none comes twice."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sweetspot.cli.main import main
from sweetspot.sweeps.store import Store

pytest.importorskip("ray")
psutil = pytest.importorskip("psutil")
pytestmark = pytest.mark.cluster

# 40 tasks of 5 cells.
TOML = """
steps = [1, 2, 3, 4, 5]
seeds = 5
size = "64x64"
prompts = ["a red circle on green", "a blue square on black", "a green circle on red", "a yellow square on blue"]
[[models]]
path = "demo"
[[contenders]]
sampler = "euler"
cfg = 3.0
[[contenders]]
sampler = "heun"
cfg = 3.0
"""
CELLS = 200
# Rows go to the disk at once, so that a killed driver leaves some.
RUN = (
    "import sys; from sweetspot.sweeps import drive; drive.FLUSH_SECONDS = 0; "
    "from sweetspot.cli.main import main; sys.exit(main(sys.argv[1:]))"
)
PATIENCE = 120


def started(file: Path, out: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", RUN, "sweep", str(file), "--out", str(out), "--workers", "2", "--quiet"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for(out: Path, rows: int) -> None:
    end = time.monotonic() + PATIENCE
    while len(Store(out).rows()) < rows:
        assert time.monotonic() < end, f"{rows} rows were expected"
        time.sleep(0.1)


def workers_of(driver: int) -> list[Any]:
    def is_worker(process: Any) -> bool:
        try:
            return "ray::Remote" in " ".join(process.cmdline())
        except psutil.Error:
            return False

    return [process for process in psutil.Process(driver).children(recursive=True) if is_worker(process)]


def values(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the rows by their keys, without the seconds, which differ."""
    return {row["key"]: {name: value for name, value in row.items() if name != "seconds"} for row in rows}


def test_killed_workers_and_drivers_lose_nothing(tmp_path: Path):
    file, here, out = tmp_path / "grid.toml", tmp_path / "here", tmp_path / "out"
    file.write_text(TOML, "utf-8")
    driver = started(file, out)
    family = []
    try:
        wait_for(out, 5)
        victim = workers_of(driver.pid)[0]
        victim.send_signal(signal.SIGKILL)
        psutil.wait_procs([victim], timeout=PATIENCE)
        # The other one goes on, and Ray starts another in the first one's place.
        wait_for(out, len(Store(out).rows()) + 20)
        family = psutil.Process(driver.pid).children(recursive=True)
        driver.kill()
        driver.wait(PATIENCE)
    finally:
        driver.kill()
        for process in family:
            if process.is_running():
                process.kill()
        psutil.wait_procs(family, timeout=PATIENCE)
    before = len(Store(out).rows())
    assert 25 <= before < CELLS
    # What a crash in the middle of writing leaves, and a part that the disk has lost half of.
    parts = sorted(out.glob("part-*.parquet"))
    (out / "part-0.tmp").write_bytes(b"half")
    half = parts[0].read_bytes()
    parts[0].write_bytes(half[: len(half) // 2])
    again = started(file, out)
    assert again.wait(PATIENCE) == 0
    rows = Store(out).rows()
    assert (len(rows), len({row["key"] for row in rows})) == (CELLS, CELLS)
    assert len(list(out.glob("*.bad"))) == 1
    assert not any(row["error"] or math.isnan(row["similarity"]) for row in rows)
    assert main(["sweep", str(file), "--out", str(here), "--quiet"]) == 0
    alone = values(Store(here).rows())
    for key, row in values(rows).items():
        # Two threads may add up in another order than one.
        assert row["similarity"] == pytest.approx(alone[key]["similarity"], abs=1e-4)
        assert {**row, "similarity": 0} == {**alone[key], "similarity": 0}
    summaries = [json.loads((folder / "summary.json").read_text("utf-8")) for folder in (out, here)]
    spots = [[(each["contender"], each["sweet_spot"]) for each in told["summaries"]] for told in summaries]
    assert spots[0] == spots[1]
