"""A sweep of the demo model in this process, through the shell."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sweetspot.cli import sweep as shell
from sweetspot.cli.main import main
from sweetspot.presets.sources.user import read_user_presets
from sweetspot.sweeps import drive as driving
from sweetspot.sweeps.store import Store
from sweetspot.sweeps.worker import Worker

pytest.importorskip("pyarrow")
# Importing diffusers takes seconds, so one process runs all tests that need it.
pytestmark = pytest.mark.xdist_group("diffusers")

TOML = """
steps = [4, 12, 25]
size = "64x64"
prompts = ["a red circle on green", "a blue square on black"]
[[models]]
path = "demo"
[[contenders]]
sampler = "euler"
cfg = 3.0
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "grid.toml"
    file.write_text(TOML, "utf-8")
    return file


def sweep(file: Path, out: Path, *more: object) -> int:
    return main(["sweep", str(file), "--out", str(out), *map(str, more)])


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    return json.loads(capsys.readouterr().out)


def test_rows_summary_images_and_preset(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out, presets = tmp_path / "out", tmp_path / "presets.json"
    assert sweep(file, out, "--json", "--keep-images", "--save", "--presets", presets) == 0
    answer = told(capsys)
    assert (answer["version"], answer["made"], answer["failed"], answer["rows"], answer["cells"]) == (1, 6, 0, 6, 6)
    (summary,) = answer["summaries"]
    assert (summary["model"], summary["contender"], summary["ladders"]) == ("demo", "euler, simple, cfg 3", 2)
    rows = Store(out).rows()
    assert all(row["similarity"] == 1 for row in rows if row["steps"] == 25)
    assert all(row["similarity"] < 1 and row["model_calls"] == row["steps"] for row in rows if row["steps"] < 25)
    assert "<svg" in (out / "summary.html").read_text("utf-8")
    for row in rows:
        assert np.array(Image.open(out / "images" / f"{row['key']}_0.png")).shape == (64, 64, 3)
    if summary["sweet_spot"] is None:
        assert not presets.exists()
    else:
        saved = read_user_presets(presets).presets["demo"]["balanced"]
        assert (saved["steps"], saved["cfg"]) == (summary["sweet_spot"], 3.0)
        assert saved["source"].startswith("sweep of ")
    # All is there, so nothing runs again; a larger grid runs only what is new.
    assert sweep(file, out, "--json") == 0
    assert told(capsys)["made"] == 0
    file.write_text(TOML.replace("prompts = [", 'prompts = ["a green circle on red", '), "utf-8")
    assert sweep(file, out, "--json") == 0
    answer = told(capsys)
    assert (answer["made"], answer["rows"]) == (3, 9)


def test_a_task_that_fails_three_times_becomes_rows_with_the_error(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    run, tried = Worker.run, []

    def failing(self: Worker, ladder: Any) -> Any:
        tried.append(ladder.prompt)
        if "blue" in ladder.prompt:
            raise RuntimeError("out of memory")
        return run(self, ladder)

    with monkeypatch.context() as patched:
        patched.setattr(Worker, "run", failing)
        assert sweep(file, tmp_path / "out", "--json") == 4
    answer = told(capsys)
    assert (answer["made"], answer["failed"]) == (6, 3)
    assert sum("blue" in prompt for prompt in tried) == driving.TRIES
    assert answer["error"] == "RuntimeError: out of memory"
    errors = [row["error"] for row in Store(tmp_path / "out").rows() if row["error"]]
    assert errors == ["RuntimeError: out of memory"] * 3
    assert sweep(file, tmp_path / "out", "--summary", "--json") == 4
    assert told(capsys)["failed"] == 3
    # The next run tries them again.
    assert sweep(file, tmp_path / "out", "--json") == 0
    answer = told(capsys)
    assert (answer["made"], answer["failed"], answer["rows"]) == (3, 0, 6)


def test_what_is_finished_outlives_ctrl_c(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    run = Worker.run

    def stopped(self: Worker, ladder: Any) -> Any:
        if "blue" in ladder.prompt:
            raise KeyboardInterrupt
        return run(self, ladder)

    with monkeypatch.context() as patched:
        patched.setattr(Worker, "run", stopped)
        assert sweep(file, tmp_path / "out") == 130
    assert "the same command goes on from there" in capsys.readouterr().err
    assert len(Store(tmp_path / "out").rows()) == 3
    assert sweep(file, tmp_path / "out", "--json") == 0
    assert told(capsys)["made"] == 3


def test_shards_together_are_the_whole(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for shard in ("1/2", "2/2"):
        assert sweep(file, tmp_path / "out", "--shard", shard, "--json") == 0
        answer = told(capsys)
        assert (answer["made"], answer["rows"], answer["cells"]) == (3, 3, 3)
    assert sweep(file, tmp_path / "out", "--summary", "--json") == 0
    assert told(capsys)["rows"] == 6
    # More parts than tasks: nothing to do is no failure.
    assert sweep(file, tmp_path / "out", "--shard", "3/3") == 0


def test_wanted_images_that_are_missing_are_made_again(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert sweep(file, tmp_path / "out", "--json") == 0
    assert told(capsys)["made"] == 6
    for made in (6, 0):
        assert sweep(file, tmp_path / "out", "--keep-images", "--json") == 0
        assert told(capsys)["made"] == made
    assert len(list((tmp_path / "out" / "images").iterdir())) == 6


def test_a_batch_system_may_end_it(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any):
    run = Worker.run

    def ended(self: Worker, ladder: Any) -> Any:
        if "blue" in ladder.prompt:
            os.kill(os.getpid(), signal.SIGTERM)
        return run(self, ladder)

    before = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patched:
        patched.setattr(Worker, "run", ended)
        with pytest.raises(SystemExit) as caught:
            sweep(file, tmp_path / "out")
    assert signal.getsignal(signal.SIGTERM) is before
    assert caught.value.code == 143
    capsys.readouterr()
    assert len(Store(tmp_path / "out").rows()) == 3
    assert sweep(file, tmp_path / "out", "--json") == 0
    assert told(capsys)["made"] == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--shard", "3/2"], "--shard: expected e.g. 3/8 for the third of eight, got '3/2'"),
        (["--shard", "x"], "--shard: expected"),
        (["--workers", "-1"], "--workers: expected 0 or more, got -1"),
        (["--gpus", "1"], "--gpus: expected with --workers, got 1.0 without it"),
        (["--presets", "x.json"], "--presets: expected with --save, got x.json without it"),
        (["--save", "--shard", "1/2"], "--save: expected with all parts"),
    ],
)
def test_options_that_do_not_fit(file: Path, tmp_path: Path, options: list[str], message: str, capsys: Any):
    assert sweep(file, tmp_path / "out", *options) == 1
    assert message in capsys.readouterr().err


def test_a_huge_grid_asks_first(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any):
    file.write_text(TOML.replace("steps = [", "seeds = 1000000\nsteps = ["), "utf-8")
    assert sweep(file, tmp_path / "out") == 1
    assert "--yes: expected with more than 100000 images, got 6000000" in capsys.readouterr().err
    monkeypatch.setattr(shell, "MANY_CELLS", 1)
    file.write_text(TOML, "utf-8")
    assert sweep(file, tmp_path / "out") == 1
    assert sweep(file, tmp_path / "out", "--yes") == 0


def test_missing_libraries_are_named(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    assert sweep(file, tmp_path / "out") == 3
    assert "a sweep needs pyarrow: pip install 'sweetspot[sweep]'" in capsys.readouterr().err


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert sweep(tmp_path / "none.toml", tmp_path / "out") == 1
    assert "none.toml" in capsys.readouterr().err
