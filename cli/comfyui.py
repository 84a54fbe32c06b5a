"""Find a ComfyUI, or install one, start it with the pack in it, and stop it.

`sweetspot demo`, the tests and the benchmarks all use this, so they run on the user's own ComfyUI.
"""

import configparser
import contextlib
import logging
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PACK = Path(__file__).resolve().parent.parent
REPOSITORY = "https://github.com/comfyanonymous/ComfyUI"
START_SECONDS = 180.0
STOP_SECONDS = 20.0

_NOT_FOR_COMFYUI = shutil.ignore_patterns(
    ".git", ".venv", "out", "build", "node_modules", "__pycache__", "tests", "benchmarks", "training"
)

# Runs main.py, and ends when its standard input closes: that happens as soon as this process is gone, however it ended.
_RUN_AND_END_WITH_PARENT = """
import os, runpy, sys, threading

def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)

threading.Thread(target=end_with_parent, daemon=True).start()
sys.argv = ["main.py", *sys.argv[1:]]
runpy.run_path("main.py", run_name="__main__")
"""

_ASK_FOR_GPU = (
    "import sys, torch; mps = getattr(torch.backends, 'mps', None); xpu = getattr(torch, 'xpu', None); "
    "sys.exit(not any(kind and kind.is_available() for kind in (torch.cuda, mps, xpu)))"
)

log = logging.getLogger("sweetspot.cli")


class ComfyUIError(RuntimeError):
    """ComfyUI could not be found, installed or started; the message says what to do."""


@dataclass(frozen=True)
class Installation:
    """A ComfyUI on this machine: its folder and the interpreter that runs it."""

    folder: Path
    python: Path


@dataclass(frozen=True)
class Server:
    """A running ComfyUI with the pack in it.

    Attributes:
        host: its address.
        port: its port.
        base: its base directory, with input, output, temp, models and custom_nodes.
        log: the file with its output.
    """

    host: str
    port: int
    base: Path
    log: Path

    @property
    def url(self) -> str:
        """The base address of requests."""
        return f"http://{self.host}:{self.port}"


def find_comfyui() -> Path | None:
    """Return the folder of the first ComfyUI among COMFYUI_PATH, comfy-cli's workspace and ~/comfy/ComfyUI.

    Raises:
        ComfyUIError: if COMFYUI_PATH is set to a folder without a ComfyUI.
    """
    named = os.environ.get("COMFYUI_PATH")
    if named:
        if not _is_comfyui(Path(named)):
            raise ComfyUIError(f"COMFYUI_PATH: expected a folder with ComfyUI's main.py, got {named}")
        return Path(named).resolve()
    candidates = (*_workspaces(), Path.home() / "comfy" / "ComfyUI")
    return next((folder.resolve() for folder in candidates if _is_comfyui(folder)), None)


def install_comfyui() -> Path | None:
    """Install ComfyUI with `comfy install` and return its folder; None if its repository cannot be reached."""
    if not _reachable(REPOSITORY):
        return None
    log.info("Installing ComfyUI with comfy-cli; this takes a few minutes ...")
    kind = "--nvidia" if shutil.which("nvidia-smi") else "--m-series" if sys.platform == "darwin" else "--cpu"
    subprocess.run([*comfy(), "install", "--skip-manager", "--fast-deps", kind], check=True)
    return find_comfyui()


def prepare(folder: Path) -> Installation:
    """Return the installation with its interpreter.

    That is COMFYUI_PYTHON, else its own environment, else ours, with its requirements installed.
    """
    named = os.environ.get("COMFYUI_PYTHON")
    if named:
        if not Path(named).is_file():
            raise ComfyUIError(f"COMFYUI_PYTHON: expected a Python interpreter, got {named}")
        return Installation(folder, Path(named))
    for name in (".venv", "venv"):
        python = folder / name / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        if python.is_file():
            return Installation(folder, python)
    _add_requirements(folder)
    return Installation(folder, Path(sys.executable))


@contextmanager
def running(installation: Installation, base: Path, *options: str) -> Iterator[Server]:
    """Start ComfyUI with the pack on a free port of 127.0.0.1, and stop it at the end.

    Args:
        installation: the ComfyUI to start.
        base: folder for its inputs, outputs and settings; created if missing.
        options: more command line options for ComfyUI.

    Raises:
        ComfyUIError: if it does not start; the message holds the end of its log.
    """
    _fill_base(base)
    server = Server("127.0.0.1", _free_port(), base, base / "comfyui.log")
    command = [str(installation.python), "-c", _RUN_AND_END_WITH_PARENT]
    command += ["--listen", server.host, "--port", str(server.port)]
    command += ["--base-directory", str(base), "--disable-auto-launch", "--disable-api-nodes"]
    command += [*([] if _has_gpu(installation.python) else ["--cpu"]), *options]
    log.info("Starting ComfyUI in %s ...", installation.folder)
    with server.log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=installation.folder, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_up(server, process)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin is not None:
            process.stdin.close()


def comfy() -> list[str]:
    """Return the command that runs comfy-cli without questions and without usage reports."""
    command = [sys.executable, "-m", "comfy_cli", "--skip-prompt"]
    subprocess.run([*command, "tracking", "disable"], capture_output=True, check=False)
    return command


def _workspaces() -> Iterator[Path]:
    """Yield the folders that comfy-cli would use as its workspace, in its own order.

    Reads its settings directly, because calling `comfy which` takes most of a second.
    """
    here = Path.cwd()
    yield from (here, *here.parents)
    settings = configparser.ConfigParser(interpolation=None)
    with contextlib.suppress(OSError, configparser.Error, UnicodeDecodeError):
        settings.read_string(_comfy_cli_settings().read_text("utf-8"))
    for name in ("default_workspace", "recent_workspace"):
        folder = settings.defaults().get(name)
        if folder:
            yield Path(folder)


def _comfy_cli_settings() -> Path:
    home = Path.home()
    if sys.platform == "win32":
        return home / "AppData" / "Local" / "comfy-cli" / "config.ini"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "comfy-cli" / "config.ini"
    return home / ".config" / "comfy-cli" / "config.ini"


def _is_comfyui(folder: Path) -> bool:
    return (folder / "main.py").is_file() and (folder / "comfy" / "samplers.py").is_file()


def _reachable(repository: str) -> bool:
    if shutil.which("git") is None:
        return False
    silent = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        answer = subprocess.run(
            ["git", "ls-remote", "--exit-code", repository, "HEAD"],  # noqa: S607 - git is on PATH by design
            env=silent,
            capture_output=True,
            timeout=15,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return answer.returncode == 0


def _add_requirements(folder: Path) -> None:
    requirements = folder / "requirements.txt"
    installed = Path(sys.prefix) / "comfyui-requirements.stamp"
    wanted = requirements.read_text("utf-8")
    if installed.is_file() and installed.read_text("utf-8") == wanted:
        return
    log.info("Installing ComfyUI's requirements into our environment ...")
    command = [sys.executable, "-m", "uv", "pip", "install", f"--python={sys.executable}"]
    command += [f"--constraint={PACK / 'constraints.txt'}", f"--requirements={requirements}"]
    subprocess.run(command, check=True)
    installed.write_text(wanted, "utf-8")


def _fill_base(base: Path) -> None:
    for name in ("custom_nodes", "input", "models", "output", "temp", "user"):
        (base / name).mkdir(parents=True, exist_ok=True)
    pack = base / "custom_nodes" / "sweetspot"
    if pack.is_symlink():
        pack.unlink()
    if pack.exists():
        shutil.rmtree(pack)
    try:
        pack.symlink_to(PACK, target_is_directory=True)
    except OSError:
        # On Windows, only some users may create links.
        shutil.copytree(PACK, pack, ignore=_NOT_FOR_COMFYUI)


def _has_gpu(python: Path) -> bool:
    """Ask the torch that ComfyUI will use: a GPU doesn't help if torch was built without support for it."""
    answer = subprocess.run([str(python), "-c", _ASK_FOR_GPU], capture_output=True, check=False)
    return answer.returncode == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_up(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/system_stats", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    state = "ended" if process.poll() is not None else f"did not answer within {START_SECONDS:.0f} s"
    tail = server.log.read_text("utf-8", errors="replace")[-3000:]
    raise ComfyUIError(f"ComfyUI {state}; the end of {server.log}:\n{tail}")
