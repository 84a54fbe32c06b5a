"""Settings > Sweet Spot: what new nodes begin with, and what prompts follow."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from .comfy_page import ComfyPage
from .conftest import CANVAS_ONLY


@pytest.fixture
def settings(comfy: ComfyPage) -> Iterator[Any]:
    """Sets a setting as the page does; afterwards, all are as they were."""
    before: dict[str, Any] = {}

    def change(name: str, value: Any) -> None:
        before.setdefault(name, comfy.page.evaluate("name => app.extensionManager.setting.get(name)", name))
        write(comfy, name, value)

    yield change
    for name, value in before.items():
        write(comfy, name, value)


def write(comfy: ComfyPage, name: str, value: Any) -> None:
    comfy.page.evaluate(
        "async ([name, value]) => { await app.extensionManager.setting.set(name, value); }", [name, value]
    )


@CANVAS_ONLY
def test_the_page_of_settings_is_ours_by_name(comfy: ComfyPage):
    comfy.page.evaluate("() => app.extensionManager.command.execute('Comfy.ShowSettingsDialog')")
    comfy.page.get_by_text("Sweet Spot", exact=True).first.click()
    for name in ("Quality of new presets", "Step counts of new comparisons", "Visible below this similarity (%)"):
        expect(comfy.page.get_by_text(name)).to_be_visible()
    comfy.page.screenshot(path=str(comfy.shots / "settings.png"))
    comfy.page.keyboard.press("Escape")


@CANVAS_ONLY
def test_new_nodes_begin_with_the_users_own_values_and_loaded_ones_keep_theirs(comfy: ComfyPage, settings: Any):
    settings("SweetSpot.Quality", "best")
    settings("SweetSpot.Steps", "8, 16")
    preset, compare = comfy.add("SweetSpotPreset", 60, 60), comfy.add("SweetSpotCompare", 500, 60)
    assert (comfy.get(preset, "quality"), comfy.get(compare, "steps")) == ("best", "8, 16")
    comfy.set(preset, "quality", "draft")
    again = comfy.page.evaluate(
        "async () => { await app.loadGraphData(app.graph.serialize()); return app.graph.nodes[0].widgets[0].value; }"
    )
    assert again == "draft"


@CANVAS_ONLY
def test_a_prompt_follows_the_users_own_threshold(comfy: ComfyPage, demo: dict[str, Any], settings: Any):
    settings("SweetSpot.Threshold", 60)
    node = comfy.add("SweetSpotCompare", 500, 60)
    comfy.feed(demo, node)
    comfy.connect(demo["model"], "VAE", node, "vae")
    comfy.set(node, "steps", "2, 4")
    comfy.queue()
    saved = comfy.page.evaluate("id => JSON.stringify(app.graph.getNodeById(id).properties.sweetspot_comparison)", node)
    assert json.loads(saved)["visible"] == {"when": "to you", "below": 0.6}


@CANVAS_ONLY
def test_the_accent_is_the_users_own(comfy: ComfyPage, settings: Any):
    comfy.add("SweetSpotPreset", 60, 60)
    settings("SweetSpot.Accent", "ff8800")
    accent = "() => getComputedStyle(document.querySelector('.ss-badge')).getPropertyValue('--ss-accent').trim()"
    assert comfy.page.evaluate(accent) == "#ff8800"


@CANVAS_ONLY
def test_the_page_speaks_the_language_that_comfyui_is_set_to(comfy: ComfyPage, settings: Any):
    settings("Comfy.Locale", "zh")
    comfy.reload()
    demo = comfy.demo_graph()
    node = comfy.add("SweetSpotCompare", 500, 60)
    expect(comfy.panel(".ss-hint")).to_have_text("运行节点后，图像和结论会显示在这里。")
    comfy.feed(demo, node)
    comfy.connect(demo["model"], "VAE", node, "vae")
    comfy.set(node, "steps", "2, 4")
    comfy.queue()
    # The headline, and the reasons below it, which Python writes.
    expect(comfy.panel(".ss-headline")).to_contain_text("步")
    comfy.panel(".ss-facts").click()
    reasons = comfy.panel(".ss-why").inner_text().splitlines()
    assert reasons
    for line in reasons:
        assert re.search(r"[\u4e00-\u9fff]", line), line
    write(comfy, "Comfy.Locale", "en")
    comfy.reload()
    comfy.add("SweetSpotCompare", 500, 60)
    expect(comfy.panel(".ss-hint").last).to_contain_text("Run the node")
