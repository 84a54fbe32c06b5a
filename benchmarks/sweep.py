"""What a sweep costs besides its images: Ray's overhead for a cell, the gain of a second worker, and the driver's rows.

`.venv/bin/python benchmarks/sweep.py`, on an idle machine. Needs the extra `sweep`. Times count from the first finished
task, so that starting Ray and loading the model, which happen once, are left out.
"""

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# One thread for each worker, also for the one in this process.
os.environ["OMP_NUM_THREADS"] = "1"

TASKS, CELLS = 40, 5
ROWS = 100_000


def main() -> None:
    """Measure, and print a table."""
    from sweetspot.sweeps.drive import Placement, _here, _on_ray
    from sweetspot.sweeps.grid import Contender, Model, Row, Sweep
    from sweetspot.sweeps.store import Store

    sweep = Sweep(
        (Model("demo"),),
        tuple(f"a {colour} circle on {ground}" for colour in ("red", "blue") for ground in ("green", "black")),
        tuple(range(4, 4 + CELLS)),
        (Contender("euler", "simple", 3.0),),
        seeds=TASKS // 4,
        size=(64, 64),
    )
    tasks = sweep.tasks()
    here = seconds_of(_here(tasks, Placement()), len(tasks))
    one = seconds_of(_on_ray(tasks, Placement(workers=1)), len(tasks))
    two = seconds_of(_on_ray(tasks, Placement(workers=2)), len(tasks))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        keys = (hashlib.sha256(str(number).encode()).hexdigest() for number in range(ROWS))
        rows = [Row(key, "demo", "euler", "a prompt", n, 4, n / ROWS, 4, n / 7) for n, key in enumerate(keys)]
        start = time.perf_counter()
        store.write(rows)
        written = time.perf_counter() - start
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
        start = time.perf_counter()
        store.rows()
        read = time.perf_counter() - start
    table = {
        "seconds for a task of 5 images, in this process": f"{here:.3f}",
        "Ray's overhead for an image, ms": f"{1000 * (one - here) / CELLS:.1f}",
        "two workers over one": f"{one / two:.2f} x",
        "rows written in a second": f"{ROWS / written:,.0f}",
        "rows read in a second": f"{ROWS / read:,.0f}",
        "bytes of a row on disk": f"{size / ROWS:.0f}",
    }
    sys.stdout.write("| what | figure |\n| --- | --- |\n")
    sys.stdout.writelines(f"| {what} | {figure} |\n" for what, figure in table.items())


def seconds_of(outcomes: Iterator[Any], tasks: int) -> float:
    """Return the seconds for a task, without the first one."""
    first = last = 0.0
    for number, (_, outcome) in enumerate(outcomes):
        if isinstance(outcome, str):
            raise SystemExit(outcome)
        last = time.perf_counter()
        first = first if number else last
    return (last - first) / (tasks - 1)


if __name__ == "__main__":
    main()
