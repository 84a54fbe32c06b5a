"""Loads the pack under its name, wherever the repository lies, and leaves out what this machine cannot run."""

import importlib.util
import sys
from pathlib import Path

import pytest

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


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    if COMFYUI is None and collection_path == ROOT / "tests" / "comfyui":
        return True
    return None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if COMFYUI is None:
        terminalreporter.write_line(
            "LEFT OUT: tests/comfyui - no ComfyUI found (COMFYUI_PATH, comfy-cli's workspace, ~/comfy/ComfyUI)",
            red=True,
            bold=True,
        )


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT
