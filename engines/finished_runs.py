"""Keeps finished runs as files, so that a comparison that was stopped goes on where it was."""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from ..comparison.measures.levels import to_levels
from ..comparison.runs import Run, Task, Timing

# Rises when our solvers or schedules change, because older runs then show something else.
VERSION = 1


class FinishedRuns:
    """Finished runs in a folder, each in a file that is named by a hash of everything that determines it.

    Args:
        folder: where they are kept; None keeps none.
        subject: what determines all of them, e.g. the model, as plain data.
        fresh: whether earlier runs are made again.
    """

    def __init__(self, folder: Path | None, subject: Mapping[str, Any], *, fresh: bool = False) -> None:
        self._folder, self._subject, self._fresh = folder, subject, fresh
        self._made: set[Path] = set()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def get(self, task: Task, scene: Any) -> Run | None:
        """Return the run of a task, marked as reused; None if it is not kept or its file is damaged."""
        file = self._file(task, scene)
        if file is None or not file.is_file() or (self._fresh and file not in self._made):
            return None
        try:
            with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as kept:
                calls, seconds, timing = int(kept["model_calls"]), float(kept["seconds"]), str(kept["timing"])
                how: Any = timing if timing in get_args(Timing) else "unknown"
                return Run(task.steps, calls, seconds, kept["images"], reused=True, timing=how)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def put(self, task: Task, scene: Any, run: Run) -> Run:
        """Keep a run, and return it as it is kept: its images as 8-bit levels. A file is complete or not there.

        Raises:
            OSError: if it can't be written.
        """
        file = self._file(task, scene)
        if file is None:
            return run
        run = replace(run, images=to_levels(run.images))
        part = file.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as stream:
            values = {name: getattr(run, name) for name in ("images", "seconds", "model_calls", "timing")}
            np.savez_compressed(stream, **values)
        part.replace(file)
        self._made.add(file)
        return run

    def _file(self, task: Task, scene: Any) -> Path | None:
        if self._folder is None:
            return None
        about = {"version": VERSION, "subject": self._subject, "task": asdict(task), "scene": _plain(scene)}
        text = json.dumps(about, sort_keys=True)
        return self._folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.npz"


def _plain(scene: Any) -> Any:
    return asdict(scene) if is_dataclass(scene) and not isinstance(scene, type) else scene
