"""Calibrate Steps in the page: what it found, before and after with a slider, and the buttons that use it."""

from typing import Any

from playwright.sync_api import expect

from .comfy_page import ComfyPage

PROMPTS = """a red circle left of a blue square on green
a large yellow triangle above a small purple cross on striped cyan
a small green square right of a red circle on white
a large blue circle below a yellow cross on black"""


def calibrating(comfy: ComfyPage, demo: dict[str, Any], **values: Any) -> Any:
    """Add a Calibrate Steps that is ready to run, and return its id."""
    for side in ("width", "height"):
        comfy.set(demo["latent"], side, 128)
    node = comfy.add("SweetSpotCalibrate", 460, 60)
    comfy.connect(demo["model"], "MODEL", node, "model")
    comfy.connect(demo["model"], "CLIP", node, "clip")
    comfy.connect(demo["model"], "VAE", node, "vae")
    comfy.connect(demo["negative"], "CONDITIONING", node, "negative")
    comfy.connect(demo["latent"], "LATENT", node, "latent_image")
    for name, value in ({"texts": PROMPTS, "cfg": 3} | values).items():
        comfy.set(node, name, value)
    return node


def test_after_a_cancel_the_best_so_far_stays(comfy: ComfyPage, demo: dict[str, Any]):
    calibrating(comfy, demo, steps=20, seed=8)
    comfy.page.evaluate("app.queuePrompt(0, 1)")
    note = comfy.panel(".ss-warning")
    expect(note).to_contain_text("Best so far: ", timeout=200_000)
    expect(note).to_contain_text("s left")
    comfy.page.evaluate("() => fetch('/interrupt', { method: 'POST' })")
    expect(note).to_contain_text("Stopped", timeout=30_000)
    expect(note).to_contain_text("Best so far: ")
    comfy.wait_until_idle()


def test_the_node_shows_what_was_found_and_uses_it(comfy: ComfyPage, demo: dict[str, Any]):
    node = calibrating(comfy, demo, steps=3, seed=7, budget=150)
    sampler = comfy.add("KSampler", 900, 60)
    comfy.connect(demo["model"], "MODEL", sampler, "model")
    expect(comfy.panel(".ss-hint")).to_contain_text("After the run")
    comfy.queue(400)
    expect(comfy.panel(".ss-found .ss-headline")).to_contain_text("3 steps")
    expect(comfy.panel(".ss-found")).to_contain_text("model calls")
    pictures = comfy.panel(".ss-found .ss-picture")
    expect(pictures).to_have_count(2)
    for picture in pictures.all():
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 128
    comfy.page.wait_for_timeout(500)
    assert comfy.page.evaluate("id => !app.nodePreviewImages?.[id]", node)
    comfy.shot("calibrated")
    comfy.panel(".ss-found select[title='Right:']").select_option(index=2)
    expect(comfy.panel(".ss-found .ss-caption")).to_contain_text("finished: 32 steps")

    comfy.panel(".ss-found").get_by_text("Use these settings").click()
    expect(comfy.panel(".ss-found .ss-said")).to_contain_text("KSampler")
    assert comfy.get(sampler, "steps") == 3
    linked = (
        "([id, from]) => { const node = app.graph.getNodeById(id); return node.getInputLink(0)?.origin_id === from; }"
    )
    assert comfy.page.evaluate(linked, [sampler, node])

    comfy.panel(".ss-found").get_by_text("Save as preset").click()
    savers = "() => app.graph._nodes.filter((one) => one.comfyClass === 'SweetSpotSavePreset').length"
    assert comfy.page.evaluate(savers) == 1
    comfy.look_at(node)
    comfy.panel(".ss-found").get_by_text("Save as preset").click()
    assert comfy.page.evaluate(savers) == 1

    # It is saved with the workflow.
    comfy.reload()
    expect(comfy.panel(".ss-found .ss-headline")).to_contain_text("3 steps")


def test_its_settings_are_used_inside_a_subgraph(comfy: ComfyPage, demo: dict[str, Any]):
    node = calibrating(comfy, demo, steps=3, seed=7, budget=150, other_steps="2, 4")
    sampler = comfy.add("KSampler", 900, 60)
    comfy.connect(demo["model"], "MODEL", sampler, "model")
    height = "id => app.graph.getNodeById(id).size[1]"
    before = comfy.page.evaluate(height, node)
    comfy.queue(400)
    table = comfy.panel(".ss-found .ss-table")
    expect(table.locator("thead th")).to_have_text(["finished images with … steps", "2", "3", "4"])
    expect(table.locator("tbody tr").first).to_contain_text(" / ")
    expect(comfy.panel(".ss-found .ss-curve canvas")).to_be_visible()
    # The images keep their room beside the curve.
    assert comfy.page.evaluate(height, node) >= before + 150
    comfy.shot("calibrated_curve")
    comfy.page.evaluate(
        """ids => {
            const nodes = ids.map((id) => app.graph.getNodeById(id));
            const { node } = app.graph.convertToSubgraph(new Set(nodes));
            app.canvas.openSubgraph?.(node.subgraph, node);
        }""",
        [node, sampler],
    )
    comfy.panel(".ss-found").get_by_text("Use these settings").click()
    expect(comfy.panel(".ss-found .ss-said")).to_contain_text("KSampler")
    inside = """() => {
        const byClass = (name) => app.canvas.graph._nodes.find((one) => one.comfyClass === name);
        const sampler = byClass("KSampler");
        const steps = sampler.widgets.find((one) => one.name === "steps").value;
        return [steps, sampler.getInputLink(0).origin_id === byClass("SweetSpotCalibrate").id];
    }"""
    assert comfy.page.evaluate(inside) == [3, True]
