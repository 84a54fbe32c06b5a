"""Finding and starting ComfyUI, on stand-ins that hold no more than what is looked at."""

import os
import subprocess
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
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    monkeypatch.chdir(tmp_path)
    # Asking torch for a GPU takes seconds.
    monkeypatch.setattr(comfyui, "_has_gpu", lambda _python: False)


def settings_of_comfy_cli(home: Path, **settings: Path) -> None:
    file = comfyui._comfy_cli_settings()
    assert file.is_relative_to(home)
    file.parent.mkdir(parents=True, exist_ok=True)
    entries = [f"{name} = {folder}" for name, folder in settings.items()]
    file.write_text("\n".join(["[DEFAULT]", "enable_tracking = False", *entries]), "utf-8")


def test_the_order_is_path_then_workspace_then_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    assert comfyui.find_comfyui() is None
    home = stand_in(tmp_path / "home" / "comfy" / "ComfyUI")
    assert comfyui.find_comfyui() == home.resolve()
    recent, chosen = stand_in(tmp_path / "100 % recent"), stand_in(tmp_path / "chosen")
    settings_of_comfy_cli(tmp_path / "home", recent_workspace=recent, default_workspace=tmp_path / "gone")
    assert comfyui.find_comfyui() == recent.resolve()
    settings_of_comfy_cli(tmp_path / "home", recent_workspace=recent, default_workspace=chosen)
    assert comfyui.find_comfyui() == chosen.resolve()
    here = stand_in(tmp_path / "here")
    monkeypatch.chdir(here / "comfy")
    assert comfyui.find_comfyui() == here.resolve()
    named = stand_in(tmp_path / "named")
    monkeypatch.setenv("COMFYUI_PATH", str(named))
    assert comfyui.find_comfyui() == named.resolve()


@pytest.mark.parametrize("text", ["", "no section", "[DEFAULT]\nrecent_workspace", "[DEFAULT]\nrecent_workspace =\n"])
def test_settings_of_comfy_cli_that_say_nothing_are_passed_over(tmp_path: Path, text: str):
    settings_of_comfy_cli(tmp_path / "home")
    comfyui._comfy_cli_settings().write_text(text, "utf-8")
    assert comfyui.find_comfyui() is None


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


def test_a_killed_run_leaves_no_server_behind(tmp_path: Path):
    """The process that started it is killed, so that it can't clean up."""
    stand_in(tmp_path / "ComfyUI", ANSWERS)
    code = f"""
import sys, time
from pathlib import Path
sys.path.insert(0, {str(comfyui.PACK.parent)!r})
import importlib.util
spec = importlib.util.spec_from_file_location("sweetspot", {str(comfyui.PACK / "__init__.py")!r})
sys.modules["sweetspot"] = importlib.util.module_from_spec(spec)
from sweetspot.cli import comfyui
comfyui._has_gpu = lambda _python: False
folder = Path({str(tmp_path)!r})
with comfyui.running(comfyui.Installation(folder / "ComfyUI", Path(sys.executable)), folder / "base") as server:
    print(server.url, flush=True)
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().strip()
        assert urllib.request.urlopen(url, timeout=5).status == 200
        process.kill()
    with pytest.raises(OSError):  # noqa: PT011 - refused or reset, as it happens
        ask_until_gone(url)


def ask_until_gone(url: str) -> None:
    while True:
        urllib.request.urlopen(url, timeout=5).close()
