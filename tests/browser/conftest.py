"""A real ComfyUI with the pack, and a real Chromium on it, driven as a user drives it."""

import json
import os
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from sweetspot.cli.comfyui import Server, find_comfyui, prepare, running
from sweetspot.demo import files

from .comfy_page import ComfyPage

CHROMIUM = os.environ.get("CHROMIUM_PATH") or shutil.which("chromium") or shutil.which("chromium-browser")
MODELS = 500
HOSTILE_METADATA = "<img src=x onerror=window.hacked=1>"
# Names that a file system takes and a page must not: markup, text that runs the other way, quotes, and very long ones.
HOSTILE = [
    "<img src=x onerror=window.hacked=1>.safetensors",
    "'\"><script>window.hacked=1<_script>.safetensors",
    "abc\u05d0\u05d1\u05d2 \u0639\u0631.safetensors",
    "l" + "o" * 200 + "ng.safetensors",
]
# For what hangs on our own elements only, and not on who hosts them.
CANVAS_ONLY = pytest.mark.parametrize("comfy", ["canvas"], indirect=True)
SETTINGS = {
    "Comfy.TutorialCompleted": True,
    "Comfy.Workflow.ShowMissingModelsWarning": False,
    "Comfy.InstalledVersion": "1.0.0",
    "Comfy.Workflow.WarnBlueprintOverwrite": False,
}


@pytest.fixture(scope="session")
def shots(root: Path) -> Path:
    """Where screenshots are kept, as the tests' output."""
    folder = root / "out" / "browser"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[Server]:
    base = tmp_path_factory.mktemp("browser")
    folder = base / "models" / "diffusion_models"
    folder.mkdir(parents=True)
    shutil.copy(files.TRANSFORMER, folder / "flux1-schnell.safetensors")
    for name in [*(f"model_{number:03}.safetensors" for number in range(MODELS)), *HOSTILE]:
        write_header(folder / name, {"modelspec.title": HOSTILE_METADATA})
    nodes = root / "tests" / "comfyui" / "support" / "workflow_nodes.py"
    (base / "custom_nodes").mkdir()
    text = f"{nodes.read_text('utf-8')}\nNODE_CLASS_MAPPINGS = NODES\n"
    (base / "custom_nodes" / "sweetspot_tests.py").write_text(text, "utf-8")
    settings = base / "user" / "default" / "comfy.settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(SETTINGS), "utf-8")
    installation = prepare(find_comfyui() or Path())
    with running(installation, base, "--preview-method", "latent2rgb") as started:
        yield started


def write_header(file: Path, metadata: dict[str, str]) -> None:
    """Write a safetensors file without a tensor."""
    header = json.dumps({"__metadata__": metadata}).encode()
    file.write_bytes(struct.pack("<Q", len(header)) + header)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        )
        yield started
        started.close()


@pytest.fixture(scope="session")
def loaded(browser: Browser, server: Server) -> Page:
    """One page for all tests, as loading ComfyUI takes seconds."""
    page = browser.new_page(viewport={"width": 1600, "height": 1200})
    page.goto(server.url, wait_until="domcontentloaded")
    return page


@pytest.fixture(params=["canvas", "nodes2"])
def comfy(request: pytest.FixtureRequest, loaded: Page, server: Server, shots: Path) -> Iterator[ComfyPage]:
    """An empty graph, on the canvas and in Nodes 2.0; ends with no error in the console and no request to elsewhere."""
    page = ComfyPage(loaded, server, shots, request.param)
    page.start()
    yield page
    page.finish()


@pytest.fixture
def demo(comfy: ComfyPage) -> dict[str, Any]:
    """The demo model with prompts and an empty latent on the canvas, by name."""
    return comfy.demo_graph()
