"""Calibrate Steps in the page: what it found is on the node, and its picture is not covered by a live preview."""

from typing import Any

from playwright.sync_api import expect

from .comfy_page import ComfyPage

PROMPTS = """a red circle left of a blue square on green
a large yellow triangle above a small purple cross on striped cyan
a small green square right of a red circle on white
a large blue circle below a yellow cross on black"""


def test_the_node_shows_what_was_found(comfy: ComfyPage, demo: dict[str, Any]):
    for side in ("width", "height"):
        comfy.set(demo["latent"], side, 128)
    node = comfy.add("SweetSpotCalibrate", 460, 60)
    comfy.connect(demo["model"], "MODEL", node, "model")
    comfy.connect(demo["model"], "CLIP", node, "clip")
    comfy.connect(demo["model"], "VAE", node, "vae")
    comfy.connect(demo["negative"], "CONDITIONING", node, "negative")
    comfy.connect(demo["latent"], "LATENT", node, "latent_image")
    expect(comfy.panel(".ss-found")).to_contain_text("After the run")
    for name, value in {"texts": PROMPTS, "steps": 3, "cfg": 3, "seed": 7, "budget": 150}.items():
        comfy.set(node, name, value)
    comfy.queue(400)
    expect(comfy.panel(".ss-found .ss-headline")).to_contain_text("3 steps")
    expect(comfy.panel(".ss-found")).to_contain_text("model calls")
    comfy.page.wait_for_timeout(1000)
    # The picture of the result is wider than a preview.
    shown = "id => (app.nodeOutputs[id].images ?? []).length && !app.nodePreviewImages?.[id]"
    assert comfy.page.evaluate(shown, node)
    comfy.shot("calibrated")
