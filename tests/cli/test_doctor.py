"""`sweetspot doctor`: one line for each thing, with what to do about it."""

import json
import os
import sys
from pathlib import Path

import pytest
from sweetspot.cli import comfyui, doctor
from sweetspot.cli.main import main

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "ComfyUI"
    (folder / "custom_nodes").mkdir(parents=True)
    (folder / "comfy").mkdir()
    for name, text in (("main.py", ""), ("comfy/samplers.py", ""), ("comfyui_version.py", '__version__ = "9.8.7"\n')):
        (folder / name).write_text(text, "utf-8")
    monkeypatch.setenv("COMFYUI_PATH", str(folder))
    monkeypatch.setenv("COMFYUI_PYTHON", sys.executable)
    return folder


def checks(capsys: pytest.CaptureFixture[str], *more: str, code: int = 0) -> dict[str, dict[str, str]]:
    assert main(["doctor", "--server", NOBODY, "--json", *more]) == code
    told = json.loads(capsys.readouterr().out)
    assert told["version"] == 1
    return {check["name"]: check for check in told["checks"]}


def test_what_is_there_and_what_is_missing(installed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    found = checks(capsys, "--out", str(tmp_path / "a" / "b"))
    assert found["ComfyUI"] == {"name": "ComfyUI", "state": "ok", "found": f"9.8.7 in {installed}", "fix": ""}
    assert found["ComfyUI's Python"]["state"] == "ok"
    assert "torch" in found["ComfyUI's Python"]["found"]
    assert found["pack in ComfyUI"]["state"] == "missing"
    assert found["pack in ComfyUI"]["fix"].startswith("ln -s ")
    assert (found["server"]["state"], NOBODY in found["server"]["found"]) == ("missing", True)
    assert found["--out"]["state"] == "ok"
    assert not (tmp_path / "a").exists()
    (installed / "custom_nodes" / "sweetspot").symlink_to(comfyui.PACK)
    assert checks(capsys)["pack in ComfyUI"]["state"] == "ok"


@pytest.mark.usefixtures("installed")
def test_lines_for_people(capsys: pytest.CaptureFixture[str]):
    assert main(["doctor", "--server", NOBODY]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["ok", "ComfyUI"]
    assert all(line.split()[0] in ("ok", "missing", "broken") for line in lines)
    assert any(line.startswith("missing") and "; " in line for line in lines)


@pytest.mark.usefixtures("installed")
def test_what_is_broken_makes_it_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("COMFYUI_PYTHON", str(tmp_path / "no-python"))
    presets = tmp_path / "presets.json"
    presets.write_text("{", "utf-8")
    (tmp_path / "file").write_text("", "utf-8")
    found = checks(capsys, "--presets", str(presets), "--out", str(tmp_path / "file"), code=1)
    for name in ("ComfyUI's Python", "your presets", "--out"):
        assert found[name]["state"] == "broken"
        assert found[name]["fix"]
    monkeypatch.setenv("COMFYUI_PATH", str(tmp_path / "nowhere"))
    assert "COMFYUI_PATH" in checks(capsys, code=1)["ComfyUI"]["found"]


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_a_python_without_torch_is_broken(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho \"No module named 'torch'\" >&2\nexit 1\n", "utf-8")
    python.chmod(0o755)
    monkeypatch.setenv("COMFYUI_PYTHON", str(python))
    found = checks(capsys, code=1)["ComfyUI's Python"]
    assert "No module named 'torch'" in found["found"]
    assert found["fix"].endswith(f"-m pip install -r {installed / 'requirements.txt'}")


def test_extras_with_versions(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "_EXTRAS", {"x": ("numpy", "no-such-package"), "y": ("numpy",)})
    monkeypatch.setattr(doctor, "find_comfyui", lambda: None)
    found = {check.name: check for check in doctor.checks_of(NOBODY, Path("out"), Path("no-presets.json"))}
    assert found["extra x"].found == "no-such-package"
    assert found["extra x"].fix == "pip install 'sweetspot[x]'"
    assert found["extra y"].found.startswith("numpy ")
    assert (found["ComfyUI"].state, "comfy install" in found["ComfyUI"].fix) == ("missing", True)
