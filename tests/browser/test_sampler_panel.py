"""Step-Aware Sampler in the page: the band of steps, what a linked plan sets, the live chart."""

from typing import Any

import pytest
from playwright.sync_api import expect

from .comfy_page import ComfyPage


@pytest.fixture
def sampler(comfy: ComfyPage, demo: dict[str, Any]) -> Any:
    """A Step-Aware Sampler with all it needs, whose trace is shown by a stock node."""
    node = comfy.add("SweetSpotSampler", 800, 60)
    comfy.feed(demo, node)
    show = comfy.add("PreviewAny", 1200, 60)
    comfy.connect(node, "text", show, "source")
    return node


def test_tells_what_a_step_count_means_for_this_model(comfy: ComfyPage, sampler: Any):
    # The demo model's card wants 12.
    for steps, words in ((12, "right for Sweet Spot demo model"), (4, "a quick preview"), (100, "marginal gains")):
        comfy.set(sampler, "steps", steps)
        expect(comfy.panel(".ss-advice")).to_contain_text(words)
    assert comfy.panel(".ss-zone").count() >= 3
    assert (comfy.panel(".ss-zone.ss-good").get_attribute("title") or "").startswith("10 to 14")


def test_gives_the_common_advice_where_the_model_is_not_known(comfy: ComfyPage):
    sampler = comfy.add("SweetSpotSampler", 400, 60)
    comfy.set(sampler, "steps", 25)
    expect(comfy.panel(".ss-advice")).to_contain_text("25 steps: right for most models")


def test_a_linked_plan_greys_the_widgets_and_its_values_are_shown(comfy: ComfyPage, demo: dict[str, Any], sampler: Any):
    preset = comfy.add("SweetSpotPreset", 460, 60)
    comfy.connect(demo["model"], "MODEL", preset, "model")
    comfy.connect(preset, "plan", sampler, "plan")
    expect(comfy.panel(".ss-plan")).to_have_text("plan: 12 steps · cfg 3 · dpmpp_2m · simple")
    disabled = "id => app.graph.getNodeById(id).widgets.filter((one) => one.disabled).map((one) => one.name)"
    assert comfy.page.evaluate(disabled, sampler) == ["steps", "cfg", "sampler_name", "scheduler"]
    comfy.shot("plan_linked")
    comfy.set(preset, "quality", "draft")
    comfy.page.evaluate("() => app.api.dispatchCustomEvent('graphChanged')")
    expect(comfy.panel(".ss-plan")).to_contain_text("6 steps")
    slot = "id => app.graph.getNodeById(id).inputs.findIndex((one) => one.name === 'plan')"
    comfy.page.evaluate(f"id => app.graph.getNodeById(id).disconnectInput(({slot})(id))", sampler)
    expect(comfy.panel(".ss-plan")).to_have_count(0)
    assert comfy.page.evaluate(disabled, sampler) == []


def test_a_plan_by_hand_is_shown_with_what_it_changes(comfy: ComfyPage, demo: dict[str, Any], sampler: Any):
    preset, plan = comfy.add("SweetSpotPreset", 460, 60), comfy.add("SweetSpotPlan", 460, 520)
    comfy.connect(demo["model"], "MODEL", preset, "model")
    comfy.connect(preset, "plan", plan, "plan")
    comfy.set(plan, "steps", 7)
    comfy.connect(plan, "plan", sampler, "plan")
    expect(comfy.panel(".ss-plan")).to_have_text("plan: 7 steps · cfg 3 · dpmpp_2m · simple")


def test_draws_a_chart_and_says_what_ran(comfy: ComfyPage, sampler: Any):
    comfy.set(sampler, "steps", 12)
    comfy.set(sampler, "keep_steps", "4, -1")
    # What has run before is not run again, and then there is nothing to show.
    comfy.set(sampler, "seed", 1 if comfy.mode == "canvas" else 2)
    comfy.queue()
    expect(comfy.panel(".ss-text")).to_contain_text("12 steps requested, 12 ran")
    expect(comfy.panel(".ss-chart canvas")).to_be_visible()
    comfy.look_at(sampler)
    comfy.shot("sampler_chart")
    drawn = """() => {
        const canvas = document.querySelector('.ss-chart canvas');
        const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        const line = String([63, 167, 214]);
        let found = 0;
        for (let at = 0; at < pixels.length; at += 4) found += String(pixels.slice(at, at + 3)) === line;
        return found;
    }"""
    assert comfy.page.evaluate(drawn) > 20
