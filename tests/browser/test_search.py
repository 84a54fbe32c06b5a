"""All nodes come from ComfyUI's own search, by their names and by what people call the number of steps."""

import pytest
from playwright.sync_api import expect

from .comfy_page import ComfyPage
from .conftest import CANVAS_ONLY

NODES = {
    "SweetSpotPreset": "Model Step Preset",
    "SweetSpotPlan": "Step Plan",
    "SweetSpotSampler": "Step-Aware Sampler",
    "SweetSpotCompare": "Multi-Step Compare",
    "SweetSpotCompareWorkflow": "Compare This Workflow",
    "SweetSpotCompareAudio": "Compare This Audio",
    "SweetSpotContender": "Contender",
    "SweetSpotCompareOptions": "Compare Options",
    "SweetSpotSaveComparison": "Save Comparison",
    "SweetSpotDemoModel": "Load Demo Model",
    "SweetSpotSavePreset": "Save Step Preset",
    "SweetSpotWrapSampler": "Step-Aware Wrapper",
    "SweetSpotReadTrace": "Read Step Trace",
    "SweetSpotPlanSigmas": "Plan Sigmas",
    "SweetSpotGuidanceWindow": "Guidance Window",
    "SweetSpotFilmstrip": "Filmstrip",
}


def search(comfy: ComfyPage, words: str) -> None:
    """Open ComfyUI's search by a double click, as most people do, and type."""
    box = comfy.page.get_by_role("combobox").last
    for _ in range(3):
        comfy.page.mouse.dblclick(1100, 800)
        comfy.page.wait_for_timeout(800)
        if box.is_visible():
            break
        # While the last search still closes, the double click opens none.
        comfy.page.keyboard.press("Escape")
    box.fill(words)
    comfy.page.wait_for_timeout(500)


def types(comfy: ComfyPage) -> list[str]:
    return comfy.page.evaluate("() => app.graph.nodes.map((node) => node.type)")


# The search is the same in Nodes 2.0.
@CANVAS_ONLY
def test_every_node_is_found_by_its_name(comfy: ComfyPage):
    for kind, name in NODES.items():
        search(comfy, name)
        comfy.page.get_by_text(name, exact=True).first.click()
        comfy.page.wait_for_timeout(400)
        # Placed where the mouse is clicked next, in ComfyUI that lets a new node hang on the mouse.
        comfy.page.mouse.click(1100, 800)
        comfy.page.wait_for_timeout(200)
        assert kind in types(comfy), name
        comfy.page.evaluate("() => app.graph.clear()")


@CANVAS_ONLY
@pytest.mark.parametrize("words", ["num_inference_steps", "inference_steps", "sample_steps"])
def test_other_names_of_steps_find_the_nodes(comfy: ComfyPage, words: str):
    search(comfy, words)
    for name in ("Model Step Preset", "Step-Aware Sampler", "Multi-Step Compare"):
        expect(comfy.page.get_by_text(name).first).to_be_visible()
    comfy.page.keyboard.press("Escape")


@CANVAS_ONLY
@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("how many steps", ["Model Step Preset", "Multi-Step Compare", "Compare This Workflow"]),
        ("step count", ["Model Step Preset", "Multi-Step Compare", "Compare This Workflow"]),
        ("steps comparison", ["Multi-Step Compare", "Compare This Workflow"]),
        ("convergence", ["Multi-Step Compare", "Compare This Workflow"]),
        ("benchmark", ["Multi-Step Compare", "Contender"]),
        ("grid", ["Multi-Step Compare"]),
        ("lightning", ["Model Step Preset"]),
        ("steps", ["Model Step Preset", "Multi-Step Compare"]),
    ],
)
def test_questions_about_steps_find_the_nodes_that_answer_them(comfy: ComfyPage, words: str, names: list[str]):
    search(comfy, words)
    for name in names:
        expect(comfy.page.get_by_text(name, exact=True).first).to_be_visible()
    comfy.page.keyboard.press("Escape")
