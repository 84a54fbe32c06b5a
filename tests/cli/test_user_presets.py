"""The shell's commands on files that are not what they should be."""

import os
from pathlib import Path

import pytest
from sweetspot.cli.main import main

pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")


@pytest.fixture
def presets(tmp_path: Path) -> Path:
    return tmp_path / "presets.json"


@pipes
@pytest.mark.parametrize(
    "command",
    [["inspect", "PIPE"], ["save", "--name", "a", "--from", "PIPE"], ["inspect", "--name", "a", "--presets", "PIPE"]],
    ids=["inspect", "save --from", "--presets"],
)
def test_a_pipe_is_named_and_not_waited_for(tmp_path: Path, presets: Path, capsys, command: list[str]):
    pipe = tmp_path / "pipe.safetensors"
    os.mkfifo(pipe)
    options = [] if "--presets" in command else ["--presets", str(presets)]
    main([str(pipe) if part == "PIPE" else part for part in command] + options)
    shown = capsys.readouterr()
    assert "got a pipe" in shown.out + shown.err


def test_weights_are_not_read_for_settings(tmp_path: Path, presets: Path, capsys):
    file = tmp_path / "model.safetensors"
    with file.open("wb") as stream:
        stream.truncate(10**10)
    assert main(["save", "--name", "a", "--from", str(file), "--presets", str(presets)]) == 1
    assert "model.safetensors: expected at most" in capsys.readouterr().err


def test_reading_leaves_a_broken_file_where_it_is(presets: Path, capsys):
    presets.write_text("{", "utf-8")
    main(["inspect", "--name", "flux1-dev.safetensors", "--presets", str(presets)])
    assert [entry.name for entry in presets.parent.iterdir()] == [presets.name]
    assert "presets.json is not valid JSON" in capsys.readouterr().err
