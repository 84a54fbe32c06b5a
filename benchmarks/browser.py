"""Measures how fast the browser part is: `.venv/bin/python benchmarks/browser.py`. Needs a ComfyUI and a Chromium.

Badge times are given as shares of the time allowed. For the page load, the time with the pack is divided by the time
without it, measured in turn.
"""

import json
import os
import shutil
import statistics
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from sweetspot.cli.comfyui import find_comfyui, prepare, running

MODELS, LOADS, IMAGES, SIDE = 500, 7, 16, 1024
BADGE_SECONDS, FRAME_SECONDS = 0.2, 0.032
READY = "() => window.app?.isGraphReady && LiteGraph.registered_node_types.KSampler"

BADGE = """async ([loader, preset, name]) => {
    app.graph.getNodeById(loader).widgets[0].value = name;
    const started = performance.now();
    app.graph.getNodeById(loader).connect(0, app.graph.getNodeById(preset), 0);
    while (!document.querySelector('.ss-title')) await new Promise((done) => setTimeout(done, 1));
    const took = performance.now() - started;
    app.graph.getNodeById(preset).disconnectInput(0);
    while (document.querySelector('.ss-title')) await new Promise((done) => setTimeout(done, 1));
    return took;
}"""
FRAMES = """() => {
    window.frames_seen = [];
    let last = performance.now();
    const tick = (now) => {
        window.frames_seen.push(now - last);
        last = now;
        if (window.frames_seen.length < 100000) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
}"""


def main() -> None:
    """Measure, and print the figures."""
    folder = find_comfyui()
    chromium = os.environ.get("CHROMIUM_PATH") or shutil.which("chromium")
    if folder is None or chromium is None:
        raise SystemExit("expected a ComfyUI and a Chromium")
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        base = Path(place)
        write_models(base / "models" / "diffusion_models")
        with running(prepare(folder), base) as server:
            write_images(base / "temp" / "sweetspot")
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            loads = page_loads(browser, server.url)
            page = browser.new_page(viewport={"width": 1600, "height": 1200})
            page.goto(server.url)
            page.wait_for_function(READY)
            page.wait_for_timeout(3000)
            badges = badge_times(page)
            frames = frame_times(page)
            browser.close()
    print(f"page load with the pack / without: median {statistics.median(loads):.3f}, each {loads}")
    print(f"badge, first: {badges[0] / 1000 / BADGE_SECONDS:.2f} of the time allowed")
    print(f"badge, median of {len(badges)}: {statistics.median(badges) / 1000 / BADGE_SECONDS:.2f}")
    print(
        f"frame while dragging the slider: median {statistics.median(frames):.1f} ms of {FRAME_SECONDS * 1000:.0f} ms"
    )
    print(f"  90th percentile: {statistics.quantiles(frames, n=10)[8]:.1f} ms, {len(frames)} frames")


def write_models(folder: Path) -> None:
    """Write model files with a header and no weights."""
    folder.mkdir(parents=True)
    for number in range(MODELS):
        header = json.dumps({"__metadata__": {"modelspec.title": f"model {number}"}}).encode()
        (folder / f"model_{number:03}.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)


def write_images(folder: Path) -> None:
    """Write images with about as much detail as photographs."""
    folder.mkdir(parents=True)
    noise = np.random.default_rng(0)
    for number in range(IMAGES):
        coarse = noise.integers(0, 256, (SIDE // 4, SIDE // 4, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(folder / f"{number}.png")


def page_loads(browser: Browser, url: str) -> list[float]:
    """Return the time until ComfyUI's page is ready with the pack, divided by that without it, for each pair."""
    return [round(load(browser, url, with_pack=True) / load(browser, url, with_pack=False), 3) for _ in range(LOADS)]


def load(browser: Browser, url: str, *, with_pack: bool) -> float:
    """Return the milliseconds until the page is ready, in a fresh browser."""
    context = browser.new_context()
    page = context.new_page()
    if not with_pack:
        empty: dict[str, Any] = {"status": 200, "content_type": "text/javascript", "body": ""}
        page.route("**/extensions/sweetspot/**", lambda route: route.fulfill(**empty))
    page.goto(url, wait_until="commit")
    page.wait_for_function(READY)
    took = page.evaluate("() => performance.now()")
    context.close()
    return took


def badge_times(page: Page) -> list[float]:
    """Return the milliseconds from connecting a loader to showing the badge, for different models."""
    page.evaluate("() => app.graph.clear()")
    kinds = "kind => { const node = LiteGraph.createNode(kind); app.graph.add(node); return node.id; }"
    loader, preset = page.evaluate(kinds, "UNETLoader"), page.evaluate(kinds, "SweetSpotPreset")
    return [page.evaluate(BADGE, [loader, preset, f"model_{number:03}.safetensors"]) for number in range(20)]


def frame_times(page: Page) -> list[float]:
    """Return the milliseconds between frames while the slider is dragged back and forth."""
    runs = [
        {"steps": number + 1, "seconds": number + 1, "similarity": 0.9, "model_calls": 1, "files": [f"{number}.png"]}
        for number in range(IMAGES)
    ]
    series = {"name": "euler", "reference": IMAGES, "sweet_spot": {"steps": 8}, "runs": runs}
    saved = {"version": 1, "subfolder": "sweetspot", "images": 1, "series": [series]}
    page.evaluate(
        """saved => {
            app.graph.clear();
            const node = LiteGraph.createNode('SweetSpotCompare');
            app.graph.add(node);
            node.configure({ ...node.serialize(), properties: { sweetspot_comparison: saved }, size: [700, 1300] });
            app.canvas.ds.offset = [100 - node.pos[0], -450 - node.pos[1]];
        }""",
        saved,
    )
    page.wait_for_timeout(1000)
    page.locator(".ss-tools button", has_text="Slider").click()
    page.wait_for_timeout(1500)
    box = page.locator(".ss-stage").bounding_box()
    if box is None:
        raise RuntimeError("expected the viewer on the page, but it is not there")
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.evaluate(FRAMES)
    for sweep in range(12):
        share = 0.1 if sweep % 2 else 0.9
        page.mouse.move(box["x"] + box["width"] * share, middle, steps=20)
    frames = page.evaluate("() => window.frames_seen.splice(0)")
    page.mouse.up()
    return frames[1:]


if __name__ == "__main__":
    main()
