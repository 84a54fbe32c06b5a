"""What axe finds in our panels: nothing, in both renderers, dark and light."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from .comfy_page import PALETTES, ComfyPage

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
VIEWS = ("Image", "Slider", "Difference", "Grid", "Blind")
# A copy in front of all else, on the node's own colour: below ComfyUI's other layers, axe can't tell the background.
_RUN = """async () => {
    const front = document.createElement('div');
    front.id = 'front';
    front.style = 'position: fixed; inset: 0; z-index: 999999; overflow: auto';
    front.style.background = LiteGraph.NODE_DEFAULT_BGCOLOR;
    for (const panel of document.querySelectorAll('.sweetspot')) {
        const copy = panel.cloneNode(true);
        copy.style.cssText += '; width: 460px; height: 500px; opacity: 1';
        front.append(copy);
    }
    document.body.append(front);
    const found = await axe.run('#front', { resultTypes: ['violations'] });
    front.remove();
    return found.violations.map(({ id, nodes }) =>
        [id, nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`)]);
}"""


@pytest.fixture
def panels(comfy: ComfyPage, demo: dict[str, Any]) -> ComfyPage:
    """A finished comparison, a preset and a sampler that has run."""
    compare = comfy.add("SweetSpotCompare", 500, 60)
    preset = comfy.add("SweetSpotPreset", 1000, 60)
    sampler = comfy.add("SweetSpotSampler", 1000, 600)
    comfy.feed(demo, compare)
    comfy.connect(demo["model"], "VAE", compare, "vae")
    comfy.connect(demo["model"], "MODEL", preset, "model")
    comfy.feed(demo, sampler)
    comfy.set(compare, "steps", "2, 4")
    comfy.queue()
    expect(comfy.panel(".ss-headline")).not_to_be_empty()
    expect(comfy.panel(".ss-title")).to_be_visible()
    return comfy


@pytest.mark.skipif(not AXE.exists(), reason="axe is installed with npm, which was not found")
def test_axe_finds_nothing(panels: ComfyPage):
    panels.page.evaluate(AXE.read_text("utf-8"))
    found = []
    for palette in PALETTES:
        panels.palette(palette)
        panels.page.wait_for_timeout(400)
        for view in VIEWS:
            panels.panel(".ss-tools button").filter(has_text=view).click()
            panels.page.wait_for_timeout(200)
            found += [(palette, view, each) for each in panels.page.evaluate(_RUN)]
    panels.palette("dark")
    assert found == []


@pytest.mark.skipif(not AXE.exists(), reason="axe is installed with npm, which was not found")
def test_axe_would_find_a_faint_text(panels: ComfyPage):
    """The measure itself works on panels that ComfyUI lays over its canvas."""
    panels.page.evaluate(AXE.read_text("utf-8"))
    panels.page.evaluate("() => { document.querySelector('.ss-headline').style.color = '#333'; }")
    assert [rule for rule, _ in panels.page.evaluate(_RUN)] == ["color-contrast"]


def test_no_text_is_smaller_than_12_pixels(panels: ComfyPage):
    small = panels.page.evaluate(
        """() => [...document.querySelectorAll('.sweetspot, .sweetspot *')]
            .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()))
            .filter((one) => parseFloat(getComputedStyle(one).fontSize) < 12)
            .map((one) => one.className)"""
    )
    assert small == []


def test_the_pressed_view_and_the_curve_are_told_to_those_who_cannot_see(panels: ComfyPage):
    panels.panel(".ss-tools button").filter(has_text="Slider").click()
    expect(panels.panel(".ss-tools [aria-pressed=true]")).to_have_text("Slider")
    assert "2 steps" in (panels.panel(".ss-curve").get_attribute("aria-label") or "")
    expect(panels.panel(".ss-headline")).to_have_attribute("role", "status")
