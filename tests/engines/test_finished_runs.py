"""Finished runs as files: what comes back, and when nothing does."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from sweetspot.comparison.runs import Run, Sampling, Task
from sweetspot.engines.finished_runs import FinishedRuns

TASK = Task(Sampling(1, float("nan"), "euler", "simple"), 4)


@dataclass(frozen=True)
class Place:
    """Stands for a scene."""

    text: str


SCENE = Place("a circle")
RUN = Run(4, 0, 1.5, np.linspace(0, 1, 48, dtype=np.float32).reshape(1, 4, 4, 3), timing="node")


def test_a_run_comes_back_with_everything_that_it_says(tmp_path: Path):
    kept = FinishedRuns(tmp_path, {"model": "x"}).put(TASK, SCENE, RUN)
    assert kept.images.dtype == np.uint8
    back = FinishedRuns(tmp_path, {"model": "x"}).get(TASK, SCENE)
    assert back is not None
    assert (back.steps, back.model_calls, back.seconds, back.timing, back.reused) == (4, 0, 1.5, "node", True)
    assert np.array_equal(back.images, kept.images)


@pytest.mark.parametrize(
    ("subject", "task", "scene"),
    [
        ({"model": "y"}, TASK, SCENE),
        ({"model": "x"}, replace(TASK, steps=5), SCENE),
        ({"model": "x"}, replace(TASK, sampling=replace(TASK.sampling, seed=2)), SCENE),
        ({"model": "x"}, TASK, Place("a square")),
    ],
)
def test_another_run_is_not_taken_for_it(tmp_path: Path, subject: dict[str, str], task: Task, scene: Place):
    FinishedRuns(tmp_path, {"model": "x"}).put(TASK, SCENE, RUN)
    assert FinishedRuns(tmp_path, subject).get(task, scene) is None


def test_damaged_files_are_made_again(tmp_path: Path):
    FinishedRuns(tmp_path, {}).put(TASK, SCENE, RUN)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    for damaged in (b"", b"no zip", whole[: len(whole) // 2], whole[:-30]):
        file.write_bytes(damaged)
        assert FinishedRuns(tmp_path, {}).get(TASK, SCENE) is None


def test_fresh_runs_forget_earlier_ones_but_not_their_own(tmp_path: Path):
    FinishedRuns(tmp_path, {}).put(TASK, SCENE, RUN)
    fresh = FinishedRuns(tmp_path, {}, fresh=True)
    assert fresh.get(TASK, SCENE) is None
    fresh.put(TASK, SCENE, RUN)
    assert fresh.get(TASK, SCENE) is not None


def test_without_a_folder_nothing_is_kept():
    none = FinishedRuns(None, {})
    assert none.put(TASK, SCENE, RUN) is RUN
    assert none.get(TASK, SCENE) is None
