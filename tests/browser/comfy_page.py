"""ComfyUI's page: what tests do in it, and what they see."""

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Locator, Page, Request
from sweetspot.cli.comfyui import Server

PALETTES = ("dark", "light")
_OF_COMFYUI = (
    "Failed to load resource",
    "ComfyApp graph accessed before initialization",
    "Attempted to cleanup event listeners for graph",
)

_ADD = """([type, x, y]) => {
    const node = LiteGraph.createNode(type);
    node.pos = [x, y];
    app.graph.add(node);
    return node.id;
}"""
_CONNECT = """([from, output, to, input]) => {
    const [a, b] = [app.graph.getNodeById(from), app.graph.getNodeById(to)];
    const slot = a.outputs.findIndex((one) => one.name === output);
    const target = b.inputs.findIndex((one) => one.name === input);
    if (slot < 0 || target < 0) throw new Error(`no ${output} or ${input}`);
    a.connect(slot, b, target);
}"""
# A workflow of its own id: ComfyUI keeps widgets' values by the ids of graph and node.
_EMPTY = """async () => {
    const groups = { groups: [], config: {}, extra: {}, version: 0.4 };
    const ids = { id: crypto.randomUUID(), last_node_id: 0, last_link_id: 0 };
    await app.loadGraphData({ ...ids, nodes: [], links: [], ...groups });
    app.canvas.ds.scale = 1;
    app.canvas.ds.offset = [0, 0];
}"""
_NODES_2 = "on => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', on)"
_READY = """() => window.app?.vueAppReady && app.canvas?.graph && app.extensionManager && app.canvas
    && LiteGraph.registered_node_types.SweetSpotCompare"""
_SET = """([id, name, value]) => {
    const node = app.graph.getNodeById(id);
    const widget = node.widgets.find((one) => one.name === name);
    widget.value = value;
    widget.callback?.(value, app.canvas, node);
}"""


class ComfyPage:
    """One test's view of the page.

    Args:
        page: the browser's page, ComfyUI loaded or loading.
        server: ComfyUI.
        shots: folder for screenshots.
        mode: `canvas` or `nodes2`.
    """

    def __init__(self, page: Page, server: Server, shots: Path, mode: str) -> None:
        self.page, self.server, self.shots, self.mode = page, server, shots, mode
        self.errors: list[str] = []
        self.elsewhere: list[str] = []
        self.dialogs: list[str] = []

    def start(self) -> None:
        """Wait until ComfyUI is there, empty its graph, and begin to watch console and network."""
        if not self.page.evaluate(f"!!({_READY})()"):
            self._wait_for_app()
        self.palette("dark")
        self.page.evaluate(_NODES_2, self.mode == "nodes2")
        self.page.evaluate(_EMPTY)
        self.page.wait_for_timeout(300)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", self._on_error)
        self.page.on("request", self._on_request)
        self.page.evaluate("() => { window.hacked = undefined; }")

    def finish(self) -> None:
        """Fail where the console told an error, or the page asked anybody else."""
        self.page.remove_listener("console", self._on_console)
        self.page.remove_listener("pageerror", self._on_error)
        self.page.remove_listener("request", self._on_request)
        assert not self.errors, self.errors
        assert not self.elsewhere, self.elsewhere
        assert self.page.evaluate("() => window.hacked") is None, "a text was taken for markup"

    def reload(self) -> None:
        """Load the page anew, as the user does."""
        # ComfyUI keeps the workflow in the browser a moment after a change.
        self.page.wait_for_timeout(2500)
        self.page.reload(wait_until="domcontentloaded")
        self._wait_for_app()
        self.page.wait_for_timeout(1500)

    def _wait_for_app(self) -> None:
        self.page.wait_for_function(_READY, timeout=120_000)
        self.page.wait_for_timeout(1500)
        self.page.keyboard.press("Escape")

    def _on_console(self, message: ConsoleMessage) -> None:
        place = message.location.get("url", "")
        # What ComfyUI itself misses or tells at its start (a user's style sheet, a thumbnail) is none of ours.
        own = "sweetspot" in place or not message.text.startswith(_OF_COMFYUI)
        if message.type == "error" and own:
            self.errors.append(f"{message.text} ({place})")

    def _on_error(self, error: Any) -> None:
        self.errors.append(str(error))

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self.server.url, "data:", "blob:")):
            self.elsewhere.append(request.url)

    def palette(self, name: str) -> None:
        self.page.evaluate("name => app.extensionManager.setting.set('Comfy.ColorPalette', name)", name)

    def add(self, kind: str, x: int, y: int) -> Any:
        """Put a node on the canvas and return its id."""
        return self.page.evaluate(_ADD, [kind, x, y])

    def connect(self, source: Any, output: str, target: Any, name: str) -> None:
        self.page.evaluate(_CONNECT, [source, output, target, name])

    def set(self, node: Any, name: str, value: Any) -> None:
        """Set a widget as a user's change of it does."""
        self.page.evaluate(_SET, [node, name, value])

    def get(self, node: Any, name: str) -> Any:
        return self.page.evaluate(
            "([id, name]) => app.graph.getNodeById(id).widgets.find((one) => one.name === name).value", [node, name]
        )

    def demo_graph(self, size: int = 64) -> dict[str, Any]:
        """Add the demo model, prompts and latent."""
        found = {
            "model": self.add("SweetSpotDemoModel", 20, 60),
            "positive": self.add("CLIPTextEncode", 20, 200),
            "negative": self.add("CLIPTextEncode", 20, 420),
            "latent": self.add("EmptyLatentImage", 20, 640),
        }
        self.set(found["positive"], "text", "a red circle left of a blue square on green")
        for side in ("width", "height"):
            self.set(found["latent"], side, size)
        self.connect(found["model"], "CLIP", found["positive"], "clip")
        self.connect(found["model"], "CLIP", found["negative"], "clip")
        return found

    def feed(self, demo: dict[str, Any], node: Any, model: Any = None, output: str = "MODEL") -> None:
        """Connect the demo's nodes to a sampling node."""
        self.connect(model or demo["model"], output, node, "model")
        self.connect(demo["positive"], "CONDITIONING", node, "positive")
        self.connect(demo["negative"], "CONDITIONING", node, "negative")
        self.connect(demo["latent"], "LATENT", node, "latent_image")

    def options(self, node: Any, **values: Any) -> Any:
        """Link a Compare Options node to a comparison, and return its id."""
        options = self.add("SweetSpotCompareOptions", 20, 900)
        for name, value in values.items():
            self.set(options, name, value)
        self.connect(options, "options", node, "options")
        return options

    def queue(self, seconds: int = 90) -> None:
        """Queue the graph and wait until it has run."""
        self.page.evaluate("() => app.queuePrompt(0, 1)")
        self.wait_until_idle(seconds)

    def wait_until_idle(self, seconds: int = 90) -> None:
        """Wait until ComfyUI runs nothing."""
        deadline = time.monotonic() + seconds
        self.page.wait_for_timeout(200)
        while time.monotonic() < deadline:
            with urllib.request.urlopen(f"{self.server.url}/queue", timeout=30) as answer:
                state = json.load(answer)
            if not state["queue_running"] and not state["queue_pending"]:
                self.page.wait_for_timeout(400)
                return
            self.page.wait_for_timeout(200)
        raise TimeoutError(f"the prompt did not finish within {seconds} s")

    def look_at(self, *nodes: Any, scale: float = 1.0) -> None:
        """Move the canvas so that the first node stands at its top left."""
        self.page.evaluate(
            """([id, scale]) => {
                const node = app.graph.getNodeById(id);
                app.canvas.ds.scale = scale;
                app.canvas.ds.offset = [100 / scale - node.pos[0], 90 / scale - node.pos[1]];
                app.canvas.setDirty(true, true);
            }""",
            [nodes[0], scale],
        )
        self.page.wait_for_timeout(400)

    def panel(self, selector: str) -> Locator:
        """What of ours the page shows."""
        return self.page.locator(f".sweetspot{selector}:visible, .sweetspot {selector}:visible")

    def shot(self, name: str) -> None:
        """Keep what the page shows, dark and light."""
        for palette in PALETTES:
            self.palette(palette)
            self.page.wait_for_timeout(250)
            self.page.screenshot(path=self.shots / f"{name}_{self.mode}_{palette}.png")
        self.palette("dark")
