"""Multi-Step Compare in the page: tabs, slider, difference, zoom, keys, curve, *Use N steps*, and what survives."""

import json
import uuid
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Request, expect

from .comfy_page import ComfyPage
from .conftest import CANVAS_ONLY

HOSTILE = "<img src=x onerror=window.hacked=1>"


@pytest.fixture
def compare(comfy: ComfyPage, demo: dict[str, Any]) -> Any:
    """A Multi-Step Compare that has run, at the top left of the page."""
    node = comfy.add("SweetSpotCompare", 500, 60)
    comfy.feed(demo, node)
    comfy.connect(demo["model"], "VAE", node, "vae")
    comfy.set(node, "steps", "2, 4, 8")
    comfy.set(node, "cfg", 3)
    comfy.options(node, check="off")
    comfy.page.evaluate("id => app.graph.getNodeById(id).setSize([560, 1200])", node)
    comfy.queue()
    expect(comfy.panel(".ss-tab")).to_have_count(3)
    bring_into_view(comfy)
    return node


def bring_into_view(comfy: ComfyPage) -> None:
    """Move the canvas so that the viewer stands below ComfyUI's own bars."""
    for _ in range(2):
        comfy.page.evaluate(
            """() => {
                const { left, top } = document.querySelector('.ss-viewer').getBoundingClientRect();
                app.canvas.ds.offset[0] += 120 - left;
                app.canvas.ds.offset[1] += 130 - top;
                app.canvas.setDirty(true, true);
            }"""
        )
        comfy.page.wait_for_timeout(250)


def tabs(comfy: ComfyPage) -> list[str]:
    return [text.removeprefix("★ ") for text in comfy.panel(".ss-tab").all_text_contents()]


def chosen(comfy: ComfyPage) -> str:
    return (comfy.panel(".ss-tab.ss-first").text_content() or "").removeprefix("★ ")


def mode(comfy: ComfyPage, name: str) -> None:
    comfy.panel(".ss-tools button").filter(has_text=name).click()


def middle(locator: Locator) -> tuple[float, float]:
    box = locator.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@CANVAS_ONLY
def test_a_second_run_has_the_same_seed(comfy: ComfyPage, compare: Any):
    before = comfy.get(compare, "seed")
    comfy.set(compare, "steps", "2, 4, 8, 9")
    comfy.queue()
    assert comfy.get(compare, "seed") == before
    expect(comfy.panel(".ss-tab")).to_have_count(4)
    comfy.panel(".ss-tab").nth(0).click()
    expect(comfy.panel(".ss-caption")).to_contain_text("(earlier run)")


@pytest.mark.usefixtures("compare")
def test_shows_each_count_under_its_tab(comfy: ComfyPage):
    assert tabs(comfy) == ["2", "4", "8"]
    sources = set()
    for at in range(3):
        comfy.panel(".ss-tab").nth(at).click()
        picture = comfy.panel(".ss-picture")
        expect(picture).to_have_attribute("alt", f"{tabs(comfy)[at]} steps")
        comfy.page.wait_for_function("() => document.querySelector('.ss-stage .ss-picture').naturalWidth === 64")
        sources.add(picture.get_attribute("src"))
    assert len(sources) == 3
    comfy.shot("compare_image")


def test_the_check_is_shown_behind_the_counts_but_is_none_of_them(comfy: ComfyPage, compare: Any):
    comfy.add("KSampler", 1200, 60)
    comfy.page.evaluate("id => app.graph.getNodeById(id).disconnectInput('options')", compare)
    comfy.queue()
    expect(comfy.panel(".ss-tab")).to_have_count(4)
    # 8 steps of this model look different from the check, so these two are shown first.
    assert (tabs(comfy), chosen(comfy)) == (["2", "4", "8", "check"], "8")
    comfy.shot("check")
    comfy.panel(".ss-tab").nth(3).click()
    expect(comfy.panel(".ss-picture")).to_have_attribute("alt", "check")
    expect(comfy.panel(".ss-caption")).to_contain_text("check: dpmpp_2m")
    expect(comfy.panel(".ss-actions button").filter(has_text="Use")).to_have_count(0)


@pytest.mark.usefixtures("compare")
def test_the_slider_follows_the_mouse(comfy: ComfyPage):
    mode(comfy, "Slider")
    stage = comfy.panel(".ss-stage")
    expect(comfy.panel("img-comparison-slider")).to_be_visible()
    x, y = middle(stage)
    width = (stage.bounding_box() or {})["width"]
    comfy.page.mouse.move(x, y)
    comfy.page.mouse.down()
    comfy.page.mouse.move(x + width / 20, y, steps=5)
    comfy.page.mouse.up()
    comfy.page.wait_for_timeout(100)
    value = comfy.page.evaluate("() => document.querySelector('img-comparison-slider').value")
    assert abs(float(value) - 55) < 2
    handle = comfy.page.evaluate(
        """() => {
            const { shadowRoot } = document.querySelector('img-comparison-slider');
            return shadowRoot.querySelector('.handle-container').getBoundingClientRect().left;
        }"""
    )
    assert abs(handle - (x + width / 20)) < 12
    # Both pictures are green at their top, left and right of the handle.
    assert colour_at(comfy, 0.45)[1] > 80
    assert colour_at(comfy, 0.6)[1] > 80
    comfy.shot("compare_slider")


@pytest.mark.usefixtures("compare")
@CANVAS_ONLY
def test_shows_any_two_side_by_side(comfy: ComfyPage):
    comfy.panel(".ss-tab").nth(0).click()
    comfy.panel(".ss-tab").nth(1).click(modifiers=["Shift"])
    expect(comfy.panel(".ss-caption")).to_contain_text("left 2 steps")
    expect(comfy.panel(".ss-caption")).to_contain_text("right 4 steps")


@pytest.mark.usefixtures("compare")
@CANVAS_ONLY
def test_the_difference_of_an_image_with_itself_is_black(comfy: ComfyPage):
    mode(comfy, "Difference")
    comfy.panel(".ss-tab").nth(2).click()
    comfy.panel(".ss-tab").nth(2).click(modifiers=["Shift"])
    comfy.page.wait_for_timeout(500)
    assert brightest(comfy) < 30
    comfy.panel(".ss-tab").nth(0).click()
    comfy.page.wait_for_timeout(500)
    comfy.shot("compare_difference")
    assert brightest(comfy) > 60


def colour_at(comfy: ComfyPage, share: float) -> tuple[int, ...]:
    """Return the colour near the stage's top, at a share of its width."""
    shown = Image.open(BytesIO(comfy.panel(".ss-stage").screenshot())).convert("RGB")
    return shown.getpixel((int(shown.width * share), shown.height // 12))


def brightest(comfy: ComfyPage) -> int:
    shown = Image.open(BytesIO(comfy.panel(".ss-stage").screenshot())).convert("L")
    width, height = shown.size
    return shown.crop((width // 4, height // 8, 3 * width // 4, 7 * height // 8)).getextrema()[1]


@pytest.mark.usefixtures("compare")
def test_keys_step_flicker_and_change_the_view(comfy: ComfyPage):
    keyboard = comfy.page.keyboard
    comfy.panel(".ss-tab").nth(0).click()
    comfy.panel(".ss-stage").click()
    keyboard.press("ArrowRight")
    assert chosen(comfy) == "4"
    keyboard.press("ArrowLeft")
    keyboard.press("ArrowLeft")
    assert chosen(comfy) == "2"
    keyboard.down(" ")
    # None of these is enough, so the reference is shown first, and the count before it is the other image.
    expect(comfy.panel(".ss-picture")).to_have_attribute("alt", "4 steps")
    keyboard.up(" ")
    expect(comfy.panel(".ss-picture")).to_have_attribute("alt", "2 steps")
    for key, name in (("d", "Difference"), ("g", "Grid"), ("s", "Slider"), ("i", "Image")):
        keyboard.press(key)
        expect(comfy.panel(".ss-tools .ss-on")).to_have_text(name)


@pytest.mark.usefixtures("compare")
def test_zoom_is_shared_and_reaches_one_to_one(comfy: ComfyPage):
    mode(comfy, "Slider")
    stage = comfy.panel(".ss-stage")
    stage.click()
    comfy.page.mouse.move(*middle(stage))
    comfy.page.mouse.wheel(0, -600)
    comfy.page.wait_for_timeout(200)
    transforms = "() => [...document.querySelectorAll('.ss-stage .ss-picture')].map((one) => one.style.transform)"
    one, other = comfy.page.evaluate(transforms)
    assert one == other
    assert "scale(1)" not in one
    comfy.panel(".ss-tools [aria-label^=Fit]").click()
    comfy.page.wait_for_timeout(100)
    assert comfy.page.evaluate(transforms)[0].endswith("scale(1)")


@pytest.mark.usefixtures("compare")
def test_one_to_one_means_pixels_of_the_screen(comfy: ComfyPage):
    comfy.page.evaluate(
        """() => {
            const canvas = document.createElement('canvas');
            [canvas.width, canvas.height] = [2000, 1500];
            document.querySelector('.ss-stage .ss-picture').src = canvas.toDataURL();
        }"""
    )
    comfy.page.wait_for_timeout(300)
    mode(comfy, "1:1")
    comfy.page.wait_for_timeout(200)
    assert abs(pixels_per_pixel(comfy, 2000, 1500) - 1) < 0.02


@pytest.mark.usefixtures("compare")
@CANVAS_ONLY
def test_one_to_one_makes_a_small_picture_small(comfy: ComfyPage):
    mode(comfy, "1:1")
    comfy.page.wait_for_timeout(200)
    assert abs(pixels_per_pixel(comfy, 64, 64) - 1) < 0.02


def pixels_per_pixel(comfy: ComfyPage, width: int, height: int) -> float:
    """Return how many pixels of the screen one of the picture's takes."""
    return comfy.page.evaluate(
        """([width, height]) => {
            const picture = document.querySelector('.ss-stage .ss-picture');
            const box = picture.getBoundingClientRect();
            return Math.min(box.width / width, box.height / height);
        }""",
        [width, height],
    )


@pytest.mark.usefixtures("compare")
def test_a_click_on_the_curve_selects_that_count(comfy: ComfyPage):
    comfy.panel(".ss-tab").nth(2).click()
    over = comfy.panel(".ss-curve .u-over")
    expect(over).to_be_visible()
    box = over.bounding_box()
    assert box is not None
    for x, y in ((x, y) for x in range(4, int(box["width"]), 12) for y in range(4, int(box["height"]), 12)):
        comfy.page.mouse.move(box["x"] + x, box["y"] + y)
        if (over.get_attribute("title") or "").startswith("2 steps"):
            break
    comfy.page.mouse.down()
    comfy.page.mouse.up()
    assert chosen(comfy) == "2"


@pytest.mark.usefixtures("compare")
@CANVAS_ONLY
def test_use_n_steps_writes_to_the_sampler(comfy: ComfyPage):
    sampler = comfy.add("KSampler", 1200, 60)
    comfy.panel(".ss-tab").nth(1).click()
    comfy.panel(".ss-actions button").filter(has_text="Use").click()
    expect(comfy.panel(".ss-said")).to_contain_text("with settings and seed")
    assert comfy.get(sampler, "steps") == 4


@CANVAS_ONLY
def test_the_sampler_makes_the_picture_that_was_chosen(comfy: ComfyPage, compare: Any):
    comfy.panel(".ss-tab").nth(1).click()
    chosen_file = comfy.panel(".ss-picture").get_attribute("src") or ""
    comfy.panel(".ss-actions button").filter(has_text="Add a sampler with 4 steps").click()
    expect(comfy.panel(".ss-said")).to_contain_text("A KSampler with 4 steps was added")
    made = comfy.page.evaluate("() => Object.fromEntries(app.graph.nodes.map((node) => [node.type, node.id]))")
    assert comfy.get(made["KSampler"], "steps") == 4
    for name in ("seed", "cfg", "sampler_name", "scheduler", "denoise"):
        assert comfy.get(made["KSampler"], name) == comfy.get(compare, name)
    comfy.queue()
    comfy.page.wait_for_timeout(800)
    ours, theirs = comfy.page.evaluate(
        """async ([ours, preview]) => {
            const pixels = async (src) => {
                const bitmap = await createImageBitmap(await (await fetch(src)).blob());
                const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
                canvas.getContext('2d').drawImage(bitmap, 0, 0);
                return [...canvas.getContext('2d').getImageData(0, 0, bitmap.width, bitmap.height).data].join();
            };
            const node = app.graph.getNodeById(preview);
            const { filename, subfolder, type } = app.nodeOutputs[preview].images[0];
            const theirs = '/api/view?' + new URLSearchParams({ filename, subfolder, type });
            return [await pixels(ours), await pixels(theirs)];
        }""",
        [chosen_file, made["PreviewImage"]],
    )
    differing = sum(one != other for one, other in zip(ours.split(","), theirs.split(","), strict=True))
    # Shared calls round differently in a few pixels.
    assert differing < 0.01 * len(ours.split(","))
    # With a sampler to write to, nothing more has to be added, and other settings are left alone if that is wanted.
    comfy.set(made["KSampler"], "cfg", 7)
    comfy.panel(".ss-tab").nth(0).click()
    comfy.panel(".ss-copying input").uncheck()
    comfy.panel(".ss-actions button").filter(has_text="Use 2 steps in KSampler").click()
    assert (comfy.get(made["KSampler"], "steps"), comfy.get(made["KSampler"], "cfg")) == (2, 7)


@CANVAS_ONLY
def test_another_count_is_tried_with_one_click(comfy: ComfyPage, compare: Any):
    expect(comfy.panel(".ss-headline")).to_contain_text("Try 16")
    comfy.panel(".ss-actions button").filter(has_text="Try 16, too").click()
    comfy.wait_until_idle()
    assert comfy.get(compare, "steps") == "2, 4, 8, 16"
    expect(comfy.panel(".ss-tab")).to_have_count(4)


def test_the_verdict_and_the_images_are_in_sight_at_once(comfy: ComfyPage, demo: dict[str, Any]):
    """At 1440 by 900, and no more than ten widgets."""
    node = comfy.add("SweetSpotCompare", 500, 60)
    comfy.feed(demo, node)
    comfy.connect(demo["model"], "VAE", node, "vae")
    comfy.page.set_viewport_size({"width": 1440, "height": 900})
    try:
        comfy.queue()
        for part in (".ss-headline", ".ss-actions", ".ss-stage", ".ss-curve"):
            box = comfy.panel(part).bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= 900, part
        widgets = "id => app.graph.getNodeById(id).widgets.filter((one) => !one.name.startsWith('sweetspot_')).length"
        assert comfy.page.evaluate(widgets, node) <= 10
        comfy.shot("verdict_1440")
        row = comfy.panel(".ss-tools").bounding_box()
        assert row is not None
        assert row["height"] < 30
    finally:
        comfy.page.set_viewport_size({"width": 1600, "height": 1200})


@CANVAS_ONLY
def test_finished_counts_are_shown_while_others_run_and_stay_after_a_cancel(comfy: ComfyPage, demo: dict[str, Any]):
    node = comfy.add("SweetSpotCompare", 500, 60)
    comfy.feed(demo, node)
    comfy.connect(demo["model"], "VAE", node, "vae")
    comfy.set(node, "steps", "2, 3, 900")
    comfy.set(node, "seed", 77)
    comfy.options(node, check="off", together="off")
    size = comfy.page.evaluate("id => [...app.graph.getNodeById(id).size]", node)
    comfy.page.evaluate("() => app.queuePrompt(0, 1)")
    expect(comfy.panel(".ss-tab")).to_have_count(2, timeout=30_000)
    expect(comfy.panel(".ss-note")).to_contain_text("Running 900 steps")
    expect(comfy.panel(".ss-note")).to_contain_text("s left")
    # The live preview doesn't make the node grow.
    expect(comfy.panel(".ss-preview")).to_be_visible()
    assert comfy.page.evaluate("id => [...app.graph.getNodeById(id).size]", node) == size
    comfy.page.evaluate("() => app.extensionManager.command.execute('Comfy.Interrupt')")
    comfy.wait_until_idle()
    expect(comfy.panel(".ss-note")).to_contain_text("did not finish. It stopped at 900 steps. Below is what had")
    expect(comfy.panel(".ss-tab")).to_have_count(2)
    comfy.shot("stopped")


def test_the_grid_has_readable_labels_and_a_click_selects(comfy: ComfyPage, compare: Any):  # noqa: ARG001
    mode(comfy, "Grid")
    cells = comfy.panel(".ss-cell")
    expect(cells).to_have_count(3)
    expect(cells.nth(0)).to_contain_text("2 steps")
    size = comfy.page.evaluate(
        "() => parseFloat(getComputedStyle(document.querySelector('.ss-cell figcaption')).fontSize)"
    )
    assert size >= 12
    cells.nth(1).click()
    assert chosen(comfy) == "4"


def answer_always(comfy: ComfyPage, compare: Any, answer: str) -> None:
    """Run a comparison and give the same answer until the blind test is over."""
    comfy.set(compare, "steps", "8, 10, 12, 14, 16, 24")
    comfy.set(compare, "seed", 102)
    comfy.queue()
    mode(comfy, "Blind")
    # Nobody may know what the halves are.
    for told in (".ss-headline", ".ss-actions", ".ss-tabs"):
        expect(comfy.panel(told)).to_have_count(0)
    for _ in range(40):
        button = comfy.panel(".ss-question button").filter(has_text=answer)
        if not button.count():
            break
        button.click()


@CANVAS_ONLY
def test_the_blind_test_ends_with_a_threshold_that_is_written(comfy: ComfyPage, compare: Any):
    # This person never sees a difference.
    answer_always(comfy, compare, "Same")
    comfy.shot("blind")
    expect(comfy.panel(".ss-question")).to_contain_text("You saw no difference")
    comfy.panel(".ss-question button").filter(has_text="Use this threshold").click()
    options = comfy.page.evaluate("() => app.graph.nodes.find((node) => node.type === 'SweetSpotCompareOptions').id")
    assert comfy.get(options, "threshold") < 89.5


@CANVAS_ONLY
def test_whoever_always_chooses_a_side_gets_no_threshold(comfy: ComfyPage, compare: Any):
    answer_always(comfy, compare, "Left")
    expect(comfy.panel(".ss-question")).to_contain_text("the answers show nothing")
    expect(comfy.panel(".ss-question button")).to_have_count(0)


def test_undo_leaves_a_viewer_that_works(comfy: ComfyPage, compare: Any, demo: dict[str, Any]):
    """Undo makes all nodes anew."""
    sampler = comfy.add("KSampler", 1000, 60)
    comfy.feed(demo, sampler)
    change = "() => { app.canvas.emitBeforeChange(); app.canvas.emitAfterChange(); }"
    for steps in (20, 33):
        comfy.set(sampler, "steps", steps)
        comfy.page.evaluate(change)
        comfy.page.wait_for_timeout(300)
    comfy.page.evaluate("() => app.extensionManager.command.execute('Comfy.Undo')")
    comfy.page.wait_for_timeout(1000)
    assert comfy.get(sampler, "steps") == 20
    comfy.look_at(compare)
    expect(comfy.panel(".ss-chart-host canvas")).to_have_count(1)
    steps = int(chosen(comfy))
    comfy.panel(".ss-actions button").filter(has_text="in KSampler").click()
    assert comfy.get(sampler, "steps") == steps


@CANVAS_ONLY
def test_save_comparison_says_what_it_saved_and_where(comfy: ComfyPage, compare: Any):
    save = comfy.add("SweetSpotSaveComparison", 1000, 60)
    comfy.connect(compare, "comparison", save, "comparison")
    comfy.set(save, "filename_prefix", "shared/steps")
    comfy.queue()
    expect(comfy.panel(".ss-saved")).to_contain_text("files saved in output/shared.")
    comfy.look_at(save)
    with comfy.page.expect_download() as download:
        comfy.panel(".ss-saved a").click()
    assert download.value.suggested_filename.endswith(".html")
    assert "<!doctype html>" in Path(download.value.path()).read_text("utf-8").lower()


@CANVAS_ONLY
def test_another_renderer_leaves_the_node_as_large_as_it_is(comfy: ComfyPage, demo: dict[str, Any]):
    node = comfy.add("SweetSpotCompare", 500, 60)
    comfy.feed(demo, node)
    comfy.connect(demo["model"], "VAE", node, "vae")
    comfy.set(node, "steps", "2, 4")
    comfy.queue()
    height = "id => app.graph.getNodeById(id).size[1]"
    before = comfy.page.evaluate(height, node)
    for on in (True, False):
        comfy.page.evaluate("on => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', on)", on)
        comfy.page.wait_for_timeout(2000)
        # Nodes 2.0 has wider margins.
        assert comfy.page.evaluate(height, node) <= before + 20


@CANVAS_ONLY
def test_a_bypassed_node_is_dimmed_with_its_viewer(comfy: ComfyPage, compare: Any):
    def opacity() -> str:
        comfy.page.wait_for_timeout(300)
        return comfy.page.evaluate("() => getComputedStyle(document.querySelector('.ss-comparison')).opacity")

    assert opacity() == "1"
    comfy.page.evaluate("id => { app.graph.getNodeById(id).mode = 4; app.canvas.setDirty(true, true); }", compare)
    assert float(opacity()) < 0.6


@pytest.mark.usefixtures("compare")
@CANVAS_ONLY
def test_use_n_steps_asks_where_to_if_there_are_several(comfy: ComfyPage):
    comfy.add("KSampler", 1200, 60)
    plan = comfy.add("SweetSpotPlan", 1200, 460)
    comfy.panel(".ss-tab").nth(0).click()
    comfy.panel(".ss-actions select").select_option(index=2)
    assert comfy.get(plan, "steps") == 2


def test_survives_copy_paste_and_a_subgraph(comfy: ComfyPage, compare: Any):
    copied = comfy.page.evaluate(
        """id => {
            const node = app.graph.getNodeById(id).clone();
            node.pos = [1300, 60];
            app.graph.add(node);
            return node.properties.sweetspot_comparison?.series?.[0]?.runs?.length;
        }""",
        compare,
    )
    assert copied == 3
    subgraph = comfy.page.evaluate(
        """id => {
            const { node } = app.graph.convertToSubgraph(new Set([app.graph.getNodeById(id)]));
            app.canvas.openSubgraph?.(node.subgraph, node);
            return node.subgraph.nodes[0].properties.sweetspot_comparison.series[0].runs.length;
        }""",
        compare,
    )
    assert subgraph == 3
    expect(comfy.panel(".ss-tab").first).to_be_visible()
    comfy.page.evaluate("() => app.canvas.setGraph(app.rootGraph ?? app.graph)")


@pytest.mark.usefixtures("compare")
def test_survives_a_reload(comfy: ComfyPage):
    comfy.page.evaluate("() => app.extensionManager.workflow.activeWorkflow?.changeTracker?.checkState?.()")
    comfy.reload()
    expect(comfy.panel(".ss-tab")).to_have_count(3)
    comfy.page.wait_for_function("() => document.querySelector('.ss-stage .ss-picture').naturalWidth === 64")


@pytest.mark.usefixtures("compare")
@CANVAS_ONLY
def test_what_is_gone_says_so(comfy: ComfyPage):
    kept = comfy.server.base / "temp" / "sweetspot"
    gone = kept.rename(kept.with_name("elsewhere"))
    comfy.panel(".ss-tab").nth(0).click()
    mode(comfy, "Slider")
    comfy.page.evaluate("() => { document.querySelector('.ss-picture').src += '&again'; }")
    expect(comfy.panel(".ss-missing")).to_contain_text("Run the node again")
    gone.rename(kept)
    # That the server has no such image is a line in the console, and that is right.
    comfy.errors.clear()


@CANVAS_ONLY
def test_a_hostile_workflow_is_text(comfy: ComfyPage):
    run = {"steps": 4, "seconds": 1, "similarity": 0.5, "model_calls": 4, "files": [HOSTILE, "../../x.png", "a.png"]}
    spot = {"steps": 4, "reason": HOSTILE + "\u202e" + "x" * 9000, "confidence": HOSTILE}
    series = [{"name": HOSTILE, "reference": 4, "sweet_spot": spot, "runs": [run]}] * 2
    saved = {"version": 1, "subfolder": HOSTILE, "images": 1, "series": series, "text": HOSTILE}
    node = comfy.add("SweetSpotCompare", 500, 60)
    comfy.page.evaluate(
        """([id, saved]) => {
            const node = app.graph.getNodeById(id);
            node.configure({ ...node.serialize(), properties: { sweetspot_comparison: JSON.parse(saved) } });
        }""",
        [node, json.dumps(saved)],
    )
    expect(comfy.panel(".ss-verdict")).to_contain_text(HOSTILE)
    # All pictures are the viewer's own two, and the place of the live preview.
    assert comfy.page.locator(".sweetspot img:not(.ss-picture, .ss-preview)").count() == 0


@CANVAS_ONLY
def test_a_result_stays_with_the_workflow_that_was_queued(comfy: ComfyPage, compare: Any):
    steps = "runs.map((run) => run.steps)"
    kept = f"id => app.graph.getNodeById(id).properties.sweetspot_comparison.series[0].{steps}"
    before = comfy.page.evaluate(kept, compare)
    workflow = comfy.page.evaluate("() => app.graph.serialize()")
    comfy.set(compare, "steps", "3, 5, 7, 9")
    comfy.page.evaluate("() => app.queuePrompt(0, 1)")
    # Another workflow whose node has the same number, as two tabs of one template have.
    workflow["id"] = str(uuid.uuid4())
    comfy.page.evaluate("async workflow => { await app.loadGraphData(workflow); }", workflow)
    comfy.wait_until_idle()
    assert comfy.page.evaluate(kept, compare) == before
    comfy.page.evaluate(
        """async () => {
            const { workflow } = app.extensionManager;
            const tabs = workflow.openWorkflows;
            await app.extensionManager.command.execute('Workspace.PreviousOpenedWorkflow');
        }"""
    )
    comfy.page.wait_for_timeout(1500)
    assert comfy.page.evaluate(kept, compare) == [3, 5, 7, 9]
    expect(comfy.panel(".ss-tab")).to_have_count(4)


@pytest.mark.usefixtures("compare")
@CANVAS_ONLY
def test_delete_in_the_viewer_leaves_the_node(comfy: ComfyPage):
    comfy.panel(".ss-stage").click()
    comfy.page.keyboard.press("Delete")
    comfy.page.wait_for_timeout(200)
    expect(comfy.panel(".ss-tab")).to_have_count(3)


@pytest.mark.usefixtures("compare")
@CANVAS_ONLY
def test_the_curve_keeps_its_axes(comfy: ComfyPage):
    def place() -> float:
        over = comfy.panel(".ss-curve .u-over")
        box = over.bounding_box()
        assert box is not None
        for x in range(int(box["width"]) - 2, 0, -6):
            # The reference, at 100 %, stands near the top.
            comfy.page.mouse.move(box["x"] + x, box["y"] + 0.15 * box["height"])
            if (over.get_attribute("title") or "").startswith("8 steps"):
                return x / box["width"]
        return 0

    before = place()
    assert before > 0.5
    for at in (0, 1, 2, 0, 1, 2):
        comfy.panel(".ss-tab").nth(at).click()
    assert abs(place() - before) < 0.05


@CANVAS_ONLY
def test_the_properties_panel_leaves_the_viewer_as_wide_as_its_node(comfy: ComfyPage, compare: Any):
    def width() -> float:
        box = comfy.panel(".ss-viewer").bounding_box()
        assert box is not None
        return box["width"]

    def set_panel(shown: bool) -> None:
        comfy.page.evaluate(
            """async ([id, shown]) => {
                app.canvas.selectNode(app.graph.getNodeById(id));
                await app.extensionManager.setting.set('Comfy.RightSidePanel.IsOpen', shown);
            }""",
            [compare, shown],
        )

    before = width()
    set_panel(shown=True)
    try:
        expect(comfy.page.get_by_text("denoise", exact=True).first).to_be_visible()
        expect(comfy.page.get_by_text("sweetspot_viewer")).to_have_count(0)
        comfy.page.screenshot(path=str(comfy.shots / "properties_panel.png"))
    finally:
        set_panel(shown=False)
    comfy.page.wait_for_timeout(300)
    assert abs(width() - before) < 1


@pytest.mark.usefixtures("compare")
def test_a_small_node_keeps_its_picture(comfy: ComfyPage):
    small = "min-height: 0; height: 210px; max-height: 210px; width: 240px"
    comfy.page.evaluate("style => { document.querySelector('.ss-viewer').style.cssText += style; }", small)
    comfy.page.wait_for_timeout(300)
    expect(comfy.panel(".ss-curve")).to_have_count(0)
    box = comfy.panel(".ss-stage").bounding_box()
    assert box is not None
    assert box["height"] >= 55


@CANVAS_ONLY
def test_many_images_are_loaded_when_they_are_looked_at(comfy: ComfyPage, demo: dict[str, Any]):
    node = comfy.add("SweetSpotCompare", 500, 60)
    comfy.feed(demo, node)
    comfy.connect(demo["model"], "VAE", node, "vae")
    comfy.set(node, "steps", "1..10")
    # What a test before has loaded is not asked for again.
    comfy.set(node, "seed", 1 if comfy.mode == "canvas" else 2)
    comfy.set(demo["latent"], "batch_size", 4)
    comfy.options(node, check="off", together="off")
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    comfy.page.on("request", note)
    comfy.queue()
    comfy.look_at(node)
    expect(comfy.panel(".ss-tab")).to_have_count(10)
    comfy.page.wait_for_timeout(500)
    comfy.page.remove_listener("request", note)
    images = {url for url in asked if "subfolder=sweetspot" in url}
    # Of forty, the first of each count, when it is finished, and few more.
    assert 1 <= len(images) <= 14
