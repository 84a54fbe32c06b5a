"""Loads the pack under its name, wherever the repository lies, and leaves out what this machine cannot run."""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # Several processes with several threads each would get into each other's way. Torch reads it when it is imported.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parent.parent


def _load_pack() -> None:
    spec = importlib.util.spec_from_file_location(
        "sweetspot", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules["sweetspot"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["sweetspot"])


_load_pack()

from sweetspot.cli.comfyui import find_comfyui  # noqa: E402

COMFYUI = find_comfyui()
CHROMIUM = os.environ.get("CHROMIUM_PATH") or shutil.which("chromium") or shutil.which("chromium-browser")
_NO_COMFYUI = "no ComfyUI found (COMFYUI_PATH, comfy-cli's workspace, ~/comfy/ComfyUI)"


def _left_out() -> dict[str, str]:
    """Return the folders of tests that can't run on this machine, each with the reason."""
    reasons = {} if shutil.which("node") else {"js": "no Node found"}
    if COMFYUI is None:
        return reasons | dict.fromkeys(("comfyui", "browser", "nodes"), _NO_COMFYUI)
    if importlib.util.find_spec("torchsde") is None:
        reasons["nodes"] = "ComfyUI's requirements are not installed in this environment"
    return reasons if CHROMIUM else reasons | {"browser": "no Chromium found (CHROMIUM_PATH, chromium on PATH)"}


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    return True if collection_path in [ROOT / "tests" / folder for folder in _left_out()] else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for folder, why in _left_out().items():
        terminalreporter.write_line(f"SKIPPED: tests/{folder} - {why}", red=True, bold=True)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT
