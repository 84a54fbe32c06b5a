"""The shell's commands on files that are not what they should be."""

import json
import os
import struct
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


EVIL = "flux1-dev\x1b]0;owned\x07\x9b31m\u202egnp.exe\nForged: line.safetensors"


@pytest.mark.parametrize("options", [[], ["--json"], ["--name", "other.safetensors"]], ids=["text", "json", "table"])
@pytest.mark.parametrize("by", ["--name", "--lora"])
def test_names_never_steer_the_terminal(presets: Path, capsys, options: list[str], by: str):
    main(["inspect", by, EVIL, "--presets", str(presets), *options])
    shown = capsys.readouterr()
    assert not any(letter in shown.out + shown.err for letter in "\x1b\x07\x9b\u202e")
    assert not any(line.startswith("Forged") for line in shown.out.splitlines())
    if options == ["--json"]:
        assert EVIL in (json.loads(shown.out)[0]["input"], *json.loads(shown.out)[0]["warnings"]) or by == "--lora"


def test_what_a_file_says_of_itself_never_steers_the_terminal(tmp_path: Path, presets: Path, capsys):
    file = tmp_path / "model.safetensors"
    metadata = {"modelspec.title": "Flux Dev\x1b[31m\nForged: line", "modelspec.architecture": "\u202eflux-1-dev"}
    header = json.dumps({"__metadata__": metadata}).encode()
    file.write_bytes(struct.pack("<Q", len(header)) + header)
    assert main(["inspect", str(file), "--presets", str(presets)]) == 0
    assert main(["inspect", str(tmp_path / "gone\x1b[31m.safetensors"), "--presets", str(presets)]) == 1
    shown = capsys.readouterr()
    assert not any(letter in shown.out + shown.err for letter in "\x1b\u202e")
    assert not any(line.startswith("Forged") for line in shown.out.splitlines())
