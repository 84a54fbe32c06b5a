"""Finding and starting ComfyUI, on stand-ins that hold no more than what is looked at."""

import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from sweetspot.cli import comfyui


def stand_in(folder: Path, main: str = "") -> Path:
    (folder / "comfy").mkdir(parents=True)
    (folder / "comfy" / "samplers.py").touch()
    (folder / "main.py").write_text(main, "utf-8")
    return folder


@pytest.fixture(autouse=True)
def no_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("COMFYUI_PATH", "COMFYUI_PYTHON"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(comfyui, "_workspace", lambda: None)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")


def test_the_order_is_path_then_workspace_then_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    assert comfyui.find_comfyui() is None
    home = stand_in(tmp_path / "home" / "comfy" / "ComfyUI")
    assert comfyui.find_comfyui() == home.resolve()
    workspace = stand_in(tmp_path / "workspace")
    monkeypatch.setattr(comfyui, "_workspace", lambda: workspace)
    assert comfyui.find_comfyui() == workspace.resolve()
    named = stand_in(tmp_path / "named")
    monkeypatch.setenv("COMFYUI_PATH", str(named))
    assert comfyui.find_comfyui() == named.resolve()


def test_a_path_without_comfyui_is_an_error_and_not_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    stand_in(tmp_path / "home" / "comfy" / "ComfyUI")
    monkeypatch.setenv("COMFYUI_PATH", str(tmp_path))
    with pytest.raises(comfyui.ComfyUIError, match=r"COMFYUI_PATH: expected a folder with ComfyUI's main\.py, got"):
        comfyui.find_comfyui()


@pytest.mark.parametrize("name", [".venv", "venv"])
def test_its_own_environment_runs_it(tmp_path: Path, name: str):
    folder = stand_in(tmp_path / "ComfyUI")
    python = folder / name / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    python.parent.mkdir(parents=True)
    python.touch()
    assert comfyui.prepare(folder).python == python


def test_comfyui_python_wins_over_its_own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    folder = stand_in(tmp_path / "ComfyUI")
    monkeypatch.setenv("COMFYUI_PYTHON", sys.executable)
    assert comfyui.prepare(folder).python == Path(sys.executable)
    monkeypatch.setenv("COMFYUI_PYTHON", str(tmp_path / "nowhere"))
    with pytest.raises(comfyui.ComfyUIError, match="COMFYUI_PYTHON: expected a Python interpreter, got"):
        comfyui.prepare(folder)


ANSWERS = """
import http.server, sys
options = dict(zip(sys.argv, sys.argv[1:]))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer((options["--listen"], int(options["--port"])), Handler).serve_forever()
"""


def test_it_runs_with_the_pack_in_it_and_is_stopped(tmp_path: Path):
    installation = comfyui.Installation(stand_in(tmp_path / "ComfyUI", ANSWERS), Path(sys.executable))
    with comfyui.running(installation, tmp_path / "base") as server:
        assert server.host == "127.0.0.1"
        assert (server.base / "custom_nodes" / "sweetspot" / "__init__.py").is_file()
        url = server.url
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, timeout=2)


def test_one_that_ends_at_once_is_told_with_its_last_words(tmp_path: Path):
    broken = "raise SystemExit('no torch here')"
    installation = comfyui.Installation(stand_in(tmp_path / "ComfyUI", broken), Path(sys.executable))
    with (
        pytest.raises(comfyui.ComfyUIError, match=r"(?s)ComfyUI ended; .*no torch here"),
        comfyui.running(installation, tmp_path / "base"),
    ):
        pass
