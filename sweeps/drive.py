"""Runs a sweep in this process or on Ray's actors. Only the driver writes rows, and it goes on where it was stopped."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .grid import Ladder, Row, Sweep
from .store import MissingSweepError, Store
from .worker import Worker, failed, image_of, remote_class

log = logging.getLogger("sweetspot.sweeps")

TRIES = 3
# Rows that are not on disk yet are written after so many seconds.
FLUSH_SECONDS = 30.0
# Rows of a finished task, or why it failed, and the task's number.
Outcome = tuple[int, list[Row] | str]


@dataclass(frozen=True)
class Placement:
    """Where tasks run.

    Attributes:
        workers: how many Ray actors; 0 for this process.
        address: of a running Ray cluster; empty to start one on this machine.
        gpus: GPUs for each actor; 0 for one CPU each.
        images: folder for the images; None keeps none.
        shard: which part of the tasks runs here, e.g. (3, 8) for the third of eight.
    """

    workers: int = 0
    address: str = ""
    gpus: float = 0.0
    images: Path | None = None
    shard: tuple[int, int] = (1, 1)


def default_gpus() -> float:
    """Return how many GPUs each worker gets if nothing is said: one where there is one here."""
    import torch

    return 1.0 if torch.cuda.is_available() else 0.0


def drive(
    sweep: Sweep,
    store: Store,
    placement: Placement,
    show: Callable[[str, int, int], None] = lambda _what, _done, _all: None,
) -> tuple[int, int]:
    """Run what is missing of a sweep, and return how many cells were made now, and how many of them failed.

    Args:
        sweep: the sweep.
        store: where its rows are.
        placement: where its tasks run.
        show: shows how many tasks are done.

    Raises:
        ValueError: if another driver uses the folder, or the model's files are missing.
        MissingSweepError: if Ray is needed and missing.
        OSError: if rows can't be written.
    """
    number, parts = placement.shard
    tasks = sweep.tasks()[number - 1 :: parts]
    with store.locked("" if parts == 1 else f"shard-{number}-of-{parts}"):
        # Failed cells run again, and those whose images are wanted and missing.
        known = {row["key"] for row in store.rows() if not row["error"] and _has_image(placement, row["key"])}
        missing = [task for task in tasks if not known.issuperset(task.keys)]
        outcomes = _on_ray(missing, placement) if placement.workers else _here(missing, placement)
        return _collect(missing, outcomes, store, show)


def _has_image(placement: Placement, key: str) -> bool:
    return placement.images is None or image_of(placement.images, key, 0).is_file()


def _collect(
    tasks: Sequence[Ladder], outcomes: Iterator[Outcome], store: Store, show: Callable[[str, int, int], None]
) -> tuple[int, int]:
    waiting: list[Row] = []
    made = errors = done = 0
    written = time.monotonic()
    try:
        for number, outcome in outcomes:
            task = tasks[number]
            rows = failed(task, outcome) if isinstance(outcome, str) else outcome
            # The driver's keys, because a worker's copy of the model may lie among other files.
            waiting += [replace(row, key=task.key(row.steps)) for row in rows]
            made, errors, done = made + len(rows), errors + sum(bool(row.error) for row in rows), done + 1
            show("tasks", done, len(tasks))
            if time.monotonic() - written >= FLUSH_SECONDS:
                store.write(waiting)
                waiting, written = [], time.monotonic()
    finally:
        if waiting:
            store.write(waiting)
    return made, errors


def _here(tasks: Sequence[Ladder], placement: Placement) -> Iterator[Outcome]:
    worker = Worker(placement.images)
    for number, task in enumerate(tasks):
        outcome: list[Row] | str = ""
        for _ in range(TRIES):
            try:
                outcome = worker.run(task)
                break
            except Exception as error:  # noqa: BLE001 - one task must not end a sweep
                outcome = f"{type(error).__name__}: {error}"
                log.warning("%s, seed %d: %s", task.contender.name, task.seed, outcome)
        yield number, outcome


def _on_ray(tasks: Sequence[Ladder], placement: Placement) -> Iterator[Outcome]:
    if not tasks:
        return
    ray, pool_class = _ray()
    started = not ray.is_initialized()
    if started:
        where = (
            {"address": placement.address} if placement.address else {"address": "local", "include_dashboard": False}
        )
        ray.init(logging_level="ERROR", log_to_driver=False, **where)
    try:
        _check_resources(ray.cluster_resources(), placement)
        actor = remote_class(ray, placement.images, placement.gpus)
        pool = pool_class([actor.remote() for _ in range(min(placement.workers, len(tasks)))])
        yield from _with_retries(pool, tasks, ray)
    finally:
        if started:
            ray.shutdown()


def _check_resources(there: dict[str, float], placement: Placement) -> None:
    """Refuse more workers than Ray could start, because it would wait for the rest for ever."""
    kind, each = ("GPU", placement.gpus) if placement.gpus else ("CPU", 1.0)
    most = int(there.get(kind, 0.0) / each)
    if placement.workers > most:
        raise ValueError(
            f"--workers: expected at most {most}, because Ray has {there.get(kind, 0):g} {kind}s; got "
            f"{placement.workers}"
        )


def _with_retries(pool: Any, tasks: Sequence[Ladder], ray: Any) -> Iterator[Outcome]:
    left = dict(enumerate(tasks))
    why: dict[int, str] = {}
    for _ in range(TRIES):
        for number, task in left.items():
            pool.submit(lambda worker, given: worker.run.remote(*given), (number, task))
        while pool.has_next():
            try:
                number, outcome = pool.get_next_unordered()
            except ray.exceptions.RayError as error:
                # Its worker died too often. Which task it was, is seen at the end.
                log.warning("a worker died: %s", error)
                continue
            if isinstance(outcome, str):
                why[number] = outcome
            elif left.pop(number, None) is not None:
                yield number, outcome
        if not left:
            return
    for number in left:
        yield number, why.get(number, "its worker died")


def _ray() -> tuple[Any, Any]:
    try:
        import ray
        from ray.util import ActorPool
    except ImportError as error:
        raise MissingSweepError("several workers need Ray: pip install 'sweetspot[sweep]'") from error
    return ray, ActorPool
