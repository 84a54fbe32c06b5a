"""Model Step Preset in the page: what its badge says before any run, and what *Apply to sampler* writes."""

from typing import Any

import pytest
from playwright.sync_api import expect

from .comfy_page import ComfyPage
from .conftest import CANVAS_ONLY, HOSTILE


def test_tells_the_model_as_soon_as_it_is_connected(comfy: ComfyPage, demo: dict[str, Any]):
    preset = comfy.add("SweetSpotPreset", 460, 60)
    expect(comfy.panel(".ss-hint")).to_contain_text("Connect a model")
    comfy.connect(demo["model"], "MODEL", preset, "model")
    expect(comfy.panel(".ss-title")).to_contain_text("Sweet Spot demo model")
    expect(comfy.panel(".ss-chip")).to_have_text("certain")
    counts = comfy.panel(".ss-count b").all_text_contents()
    assert len(counts) == 3
    assert all(count.isdigit() for count in counts)
    assert comfy.panel(".ss-count").first.get_attribute("title")
    comfy.shot("badge")


@CANVAS_ONLY
def test_a_link_drawn_by_hand_is_answered(comfy: ComfyPage, demo: dict[str, Any]):
    preset = comfy.add("SweetSpotPreset", 460, 160)
    comfy.page.evaluate("() => { app.canvas.ds.offset = [60, 60]; app.canvas.draw(true, true); }")
    place = """([id, kind]) => {
        const node = app.graph.getNodeById(id);
        const [x, y] = kind === 'input' ? node.getInputPos(0) : node.getOutputPos(0);
        const { left, top } = app.canvas.canvas.getBoundingClientRect();
        return [left + x + app.canvas.ds.offset[0], top + y + app.canvas.ds.offset[1]];
    }"""
    comfy.page.mouse.move(*comfy.page.evaluate(place, [demo["model"], "output"]))
    comfy.page.mouse.down()
    comfy.page.mouse.move(*comfy.page.evaluate(place, [preset, "input"]), steps=8)
    comfy.page.mouse.up()
    expect(comfy.panel(".ss-title")).to_contain_text("Sweet Spot demo model")


def test_follows_quality_variant_and_links(comfy: ComfyPage, demo: dict[str, Any]):
    preset = comfy.add("SweetSpotPreset", 460, 60)
    comfy.connect(demo["model"], "MODEL", preset, "model")
    expect(comfy.panel(".ss-chosen span")).to_have_text("balanced")
    comfy.set(preset, "quality", "draft")
    expect(comfy.panel(".ss-chosen span")).to_have_text("draft")
    comfy.panel(".ss-count").nth(2).click()
    expect(comfy.panel(".ss-chosen span")).to_have_text("best")
    assert comfy.get(preset, "quality") == "best"
    comfy.set(preset, "variant", "sdxl_lightning_4")
    expect(comfy.panel(".ss-title")).to_contain_text("Lightning")
    # The demo model is no SDXL: what speaks against the choice is a warning.
    expect(comfy.panel(".ss-warning").first).to_be_visible()
    comfy.shot("badge_warning")
    comfy.page.evaluate("id => app.graph.getNodeById(id).disconnectInput(0)", preset)
    expect(comfy.panel(".ss-hint")).to_contain_text("Connect a model")


def test_reads_a_file_of_a_folder_with_many(comfy: ComfyPage):
    loader, preset = comfy.add("UNETLoader", 20, 60), comfy.add("SweetSpotPreset", 460, 60)
    comfy.set(loader, "unet_name", "flux1-schnell.safetensors")
    comfy.connect(loader, "MODEL", preset, "model")
    expect(comfy.panel(".ss-title b")).to_be_visible()
    comfy.panel(".ss-sources summary").click()
    expect(comfy.panel(".ss-sources")).to_contain_text("steps:")


@CANVAS_ONLY
def test_the_node_grows_with_its_sources_and_shrinks_back(comfy: ComfyPage, demo: dict[str, Any]):
    preset = comfy.add("SweetSpotPreset", 460, 60)
    comfy.connect(demo["model"], "MODEL", preset, "model")
    expect(comfy.panel(".ss-title")).to_contain_text("Sweet Spot demo model")
    comfy.page.wait_for_timeout(300)

    def height() -> float:
        comfy.page.wait_for_timeout(300)
        return comfy.page.evaluate("id => app.graph.getNodeById(id).size[1]", preset)

    before = height()
    comfy.panel(".ss-sources summary").click()
    assert height() > before + 20
    comfy.panel(".ss-sources summary").click()
    assert abs(height() - before) < 2
    # A height that somebody chose stays.
    comfy.page.evaluate("id => app.graph.getNodeById(id).setSize([400, 1000])", preset)
    comfy.panel(".ss-sources summary").click()
    comfy.panel(".ss-sources summary").click()
    assert height() == 1000


def test_applies_to_the_connected_sampler_and_takes_it_back(comfy: ComfyPage, demo: dict[str, Any]):
    preset, sampler = comfy.add("SweetSpotPreset", 460, 60), comfy.add("KSampler", 800, 60)
    comfy.connect(demo["model"], "MODEL", preset, "model")
    comfy.feed(demo, sampler, preset, "model")
    comfy.set(sampler, "steps", 3)
    comfy.page.evaluate("() => app.extensionManager.workflow.activeWorkflow?.changeTracker?.checkState?.()")
    expect(comfy.panel(".ss-title")).to_contain_text("demo")
    comfy.panel(".ss-row button").first.click()
    expect(comfy.panel(".ss-said")).to_contain_text("Written to KSampler")
    assert comfy.get(sampler, "steps") == 12
    assert comfy.get(sampler, "cfg") == 3
    comfy.shot("applied")
    comfy.page.mouse.click(1500, 1100)
    comfy.page.keyboard.press("Control+z")
    comfy.page.wait_for_timeout(800)
    assert comfy.get(sampler, "steps") == 3
    assert comfy.get(sampler, "cfg") == 8


@CANVAS_ONLY
def test_shows_what_the_connected_sampler_has_instead(comfy: ComfyPage, demo: dict[str, Any]):
    preset = comfy.add("SweetSpotPreset", 400, 60)
    comfy.connect(demo["model"], "MODEL", preset, "model")
    sampler = comfy.add("KSampler", 800, 60)
    comfy.feed(demo, sampler, preset, "model")
    comfy.set(sampler, "steps", 60)
    comfy.page.wait_for_timeout(600)
    comfy.panel(".ss-badge").hover()
    expect(comfy.panel(".ss-warning")).to_contain_text("steps is 60, not 12")
    comfy.panel(".ss-badge button").filter(has_text="Apply to sampler").click()
    expect(comfy.panel(".ss-warning")).to_have_count(0)


@CANVAS_ONLY
def test_a_choice_that_the_model_contradicts_is_not_called_certain(comfy: ComfyPage, demo: dict[str, Any]):
    preset = comfy.add("SweetSpotPreset", 400, 60)
    comfy.connect(demo["model"], "MODEL", preset, "model")
    comfy.set(preset, "variant", "sdxl")
    expect(comfy.panel(".ss-badge")).to_contain_text("looks like another one")
    expect(comfy.panel(".ss-sure")).to_have_count(0)


@CANVAS_ONLY
def test_says_where_no_sampler_is_connected(comfy: ComfyPage, demo: dict[str, Any]):
    preset = comfy.add("SweetSpotPreset", 460, 60)
    comfy.connect(demo["model"], "MODEL", preset, "model")
    expect(comfy.panel(".ss-title")).to_contain_text("demo")
    comfy.panel(".ss-row button").first.click()
    expect(comfy.panel(".ss-said")).to_contain_text("No sampler is connected.")


@CANVAS_ONLY
@pytest.mark.parametrize("name", HOSTILE)
def test_names_and_metadata_are_text(comfy: ComfyPage, name: str):
    loader, preset = comfy.add("UNETLoader", 20, 60), comfy.add("SweetSpotPreset", 460, 60)
    comfy.set(loader, "unet_name", name)
    comfy.connect(loader, "MODEL", preset, "model")
    comfy.set(preset, "variant", "sdxl_lightning_4")
    expect(comfy.panel(".ss-title")).to_be_visible()
    assert comfy.panel("img").count() == 0
    assert comfy.page.locator(".sweetspot script").count() == 0


@pytest.mark.parametrize(
    "name",
    [
        "<img src=x onerror=window.hacked=1>.safetensors",
        "x" * 4000 + ".safetensors",
        "a\nb.safetensors",
        "\u202egnp.safetensors",
    ],
)
@CANVAS_ONLY
def test_names_that_the_server_refuses_are_text(comfy: ComfyPage, name: str):
    loader, preset = comfy.add("UNETLoader", 20, 60), comfy.add("SweetSpotPreset", 460, 60)
    comfy.page.evaluate(
        """([id, name]) => {
            const [widget] = app.graph.getNodeById(id).widgets;
            widget.options.values = [name];
            widget.value = name;
        }""",
        [loader, name],
    )
    comfy.connect(loader, "MODEL", preset, "model")
    expect(comfy.panel(":is(.ss-warning, .ss-title)").first).to_be_visible()
    assert comfy.panel("img").count() == 0
    # The refusal itself is a line in the console, and that is right.
    comfy.errors.clear()
