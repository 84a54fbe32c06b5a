"""Keeps finished runs as files, so that a comparison that was stopped goes on where it was."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..comparison.measures.levels import to_levels
from ..comparison.runs import Run, Task

# Rises when our solvers or schedules change, because older runs then show something else.
VERSION = 1


class FinishedRuns:
    """Finished runs in a folder, each in a file that is named by a hash of everything that determines it.

    Args:
        folder: where they are kept; None keeps none.
        subject: what determines all of them, e.g. the model, as plain data.
    """

    def __init__(self, folder: Path | None, subject: Mapping[str, Any]) -> None:
        self._folder, self._subject = folder, subject
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def get(self, task: Task, scene: Any) -> Run | None:
        """Return the run of a task, marked as reused; None if it is not kept or its file is damaged."""
        file = self._file(task, scene)
        if file is None or not file.is_file():
            return None
        try:
            with np.load(file, allow_pickle=False) as kept:
                return Run(task.steps, int(kept["model_calls"]), float(kept["seconds"]), kept["images"], reused=True)
        except (OSError, ValueError, KeyError, EOFError):
            return None

    def put(self, task: Task, scene: Any, run: Run) -> None:
        """Keep a run, its images as 8-bit levels. A file is complete or not there.

        Raises:
            OSError: if it can't be written.
        """
        file = self._file(task, scene)
        if file is None:
            return
        part = file.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as stream:
            values = {"images": to_levels(run.images), "seconds": run.seconds, "model_calls": run.model_calls}
            np.savez_compressed(stream, **values)
        part.replace(file)

    def _file(self, task: Task, scene: Any) -> Path | None:
        if self._folder is None:
            return None
        about = {"version": VERSION, "subject": self._subject, "task": asdict(task), "scene": _plain(scene)}
        text = json.dumps(about, sort_keys=True)
        return self._folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.npz"


def _plain(scene: Any) -> Any:
    return asdict(scene) if is_dataclass(scene) and not isinstance(scene, type) else scene
