"""Compare This Workflow in the page: added by a command, its choice of samplers, its progress and its viewer."""

from typing import Any

import pytest
from playwright.sync_api import expect

from .comfy_page import ComfyPage
from .conftest import CANVAS_ONLY

NODE = "SweetSpotCompareWorkflow"


@pytest.fixture
def workflow(comfy: ComfyPage, demo: dict[str, Any]) -> dict[str, Any]:
    """A stock text to image workflow."""
    sampler = comfy.add("KSampler", 460, 60)
    comfy.feed(demo, sampler)
    for name, value in (("steps", 4), ("cfg", 3)):
        comfy.set(sampler, name, value)
    decode = comfy.add("VAEDecode", 780, 60)
    comfy.connect(sampler, "LATENT", decode, "samples")
    comfy.connect(demo["model"], "VAE", decode, "vae")
    return {**demo, "sampler": sampler, "decode": decode}


def compare_steps(comfy: ComfyPage, node: Any) -> Any:
    """Select a node, run the command, and return the node that it adds."""
    comfy.page.evaluate(
        """async (id) => {
            app.canvas.selectNode(app.graph.getNodeById(id));
            await app.extensionManager.command.execute("SweetSpot.CompareSteps");
        }""",
        node,
    )
    node = added(comfy)
    # So that there is a tab for each step count, and no other.
    comfy.options(node, check="off")
    return node


def added(comfy: ComfyPage) -> Any:
    return comfy.page.evaluate(f"() => app.graph.nodes.find((node) => node.type === '{NODE}')?.id")


def source_of_images(comfy: ComfyPage, node: Any) -> Any:
    return comfy.page.evaluate(
        """(id) => {
            const node = app.graph.getNodeById(id);
            return app.graph.links.get(node.inputs.find((one) => one.name === 'images').link)?.origin_id;
        }""",
        node,
    )


def options(comfy: ComfyPage, node: Any) -> list[str]:
    return comfy.page.evaluate(
        "(id) => app.graph.getNodeById(id).widgets.find((one) => one.name === 'sampler').options.values", node
    )


def test_the_command_adds_and_wires_the_node(comfy: ComfyPage, workflow: dict[str, Any]):
    node = compare_steps(comfy, workflow["decode"])
    assert source_of_images(comfy, node) == workflow["decode"]
    comfy.set(node, "steps", "2, 4, 6")
    comfy.queue()
    expect(comfy.panel(".ss-tab")).to_have_count(3)
    assert [text.removeprefix("★ ") for text in comfy.panel(".ss-tab").all_text_contents()] == ["2", "4", "6"]
    comfy.page.evaluate("id => app.graph.getNodeById(id).setSize([560, 1000])", node)
    comfy.look_at(node, scale=0.8)
    comfy.shot("compare_workflow")
    comfy.panel(".ss-tab").nth(2).click()
    comfy.panel(".ss-actions button").filter(has_text="Use 6 steps in KSampler").click()
    assert comfy.get(workflow["sampler"], "steps") == 6


def test_on_a_sampler_it_adds_its_twin_with_its_settings_and_fitting_counts(comfy: ComfyPage, workflow: dict[str, Any]):
    """From a stock workflow to a finished comparison: open the menu, choose, run."""
    settings = {"seed": 5, "cfg": 3, "sampler_name": "dpmpp_2m", "scheduler": "simple", "denoise": 1}
    for name, value in settings.items():
        comfy.set(workflow["sampler"], name, value)
    comfy.page.evaluate(
        """async (id) => {
            app.canvas.selectNode(app.graph.getNodeById(id));
            await app.extensionManager.command.execute("SweetSpot.CompareSteps");
        }""",
        workflow["sampler"],
    )
    node = comfy.page.evaluate("() => app.graph.nodes.find((node) => node.type === 'SweetSpotCompare')?.id")
    assert {name: comfy.get(node, name) for name in settings} == settings
    # A quarter to twice of what the demo model wants, and what the sampler has now.
    comfy.page.wait_for_timeout(800)
    assert comfy.get(node, "steps") == "3, 4, 6, 12, 24"
    assert covered(comfy) == []
    assert is_in_view(comfy, node)
    control = "id => app.graph.getNodeById(id).widgets.find((one) => one.name === 'control_after_generate').value"
    assert comfy.page.evaluate(control, workflow["sampler"]) == "fixed"
    comfy.queue()
    expect(comfy.panel(".ss-headline")).not_to_be_empty()
    assert comfy.panel(".ss-tab").count() >= 4


@CANVAS_ONLY
def test_wrong_settings_are_shown_before_any_run_and_mended_with_one_click(comfy: ComfyPage, demo: dict[str, Any]):
    node = comfy.add("SweetSpotCompare", 500, 60)
    comfy.feed(demo, node)
    comfy.set(node, "steps", "12, 24")
    comfy.page.wait_for_timeout(600)
    expect(comfy.panel(".ss-warning")).to_have_count(0)
    comfy.set(node, "steps", "1, 2")
    expect(comfy.panel(".ss-warning")).to_contain_text("below the recommended ones")
    sampler = comfy.get(node, "sampler_name")
    # The button says what it will do, and does no more.
    comfy.panel(".ss-warning button").filter(has_text="Set steps 3, 6, 12, 24").click()
    assert comfy.get(node, "steps") == "3, 6, 12, 24"
    assert comfy.get(node, "sampler_name") == sampler
    expect(comfy.panel(".ss-warning")).to_have_count(0)


@CANVAS_ONLY
def test_a_comparison_that_is_there_already_is_shown_again(comfy: ComfyPage, workflow: dict[str, Any]):
    for name in ("sampler", "decode"):
        for _ in range(2):
            comfy.page.evaluate(
                """async (id) => {
                    app.canvas.selectNode(app.graph.getNodeById(id));
                    app.canvas.ds.offset = [-5000, -5000];
                    await app.extensionManager.command.execute("SweetSpot.CompareSteps");
                }""",
                workflow[name],
            )
    kinds = comfy.page.evaluate("() => app.graph.nodes.map((node) => node.type).filter((kind) => /Compare/.test(kind))")
    assert sorted(kinds) == ["SweetSpotCompare", "SweetSpotCompareWorkflow"]
    assert is_in_view(comfy, added(comfy))


def is_in_view(comfy: ComfyPage, node: Any) -> bool:
    """Return whether a node's middle can be seen."""
    return comfy.page.evaluate(
        """(id) => {
            const { pos, size } = app.graph.getNodeById(id);
            const { scale, offset } = app.canvas.ds;
            const [x, y] = [0, 1].map((axis) => (pos[axis] + size[axis] / 2 + offset[axis]) * scale);
            return x > 0 && y > 0 && x < innerWidth && y < innerHeight;
        }""",
        node,
    )


def covered(comfy: ComfyPage) -> list[list[str]]:
    """Return the pairs of nodes that overlap."""
    return comfy.page.evaluate(
        """() => app.graph.nodes.flatMap((one, at) => app.graph.nodes.slice(at + 1).filter((other) =>
            [0, 1].every((axis) => one.pos[axis] < other.pos[axis] + other.size[axis]
                && other.pos[axis] < one.pos[axis] + one.size[axis])).map((other) => [one.type, other.type]))"""
    )


@CANVAS_ONLY
def test_the_menu_of_a_node_offers_it_where_an_image_follows(comfy: ComfyPage, workflow: dict[str, Any]):
    entries = """(id) => app.collectNodeMenuItems
        ? app.collectNodeMenuItems(app.graph.getNodeById(id)).map((entry) => entry?.content) : null"""
    assert "Compare step counts" in comfy.page.evaluate(entries, workflow["sampler"])
    assert "Compare step counts" not in comfy.page.evaluate(entries, workflow["positive"])
    comparison = comfy.add("SweetSpotCompare", 1200, 60)
    assert "Compare step counts" not in comfy.page.evaluate(entries, comparison)


@CANVAS_ONLY
def test_without_a_selection_the_command_says_what_to_select(comfy: ComfyPage, workflow: dict[str, Any]):
    assert workflow
    comfy.page.evaluate(
        """async () => {
            app.canvas.deselectAll();
            await app.extensionManager.command.execute("SweetSpot.CompareSteps");
        }"""
    )
    expect(comfy.page.get_by_text("Select a sampler")).to_be_visible()
    assert added(comfy) is None


def test_the_samplers_of_the_workflow_are_offered_by_name(comfy: ComfyPage, workflow: dict[str, Any]):
    second = comfy.add("KSampler", 460, 400)
    comfy.feed(workflow, second)
    comfy.set(second, "denoise", 0.5)
    comfy.connect(workflow["sampler"], "LATENT", second, "latent_image")
    comfy.connect(second, "LATENT", workflow["decode"], "samples")
    node = compare_steps(comfy, workflow["decode"])
    comfy.page.wait_for_timeout(600)
    found = options(comfy, node)
    assert found[0] == "auto"
    assert [text.split(" ")[0] for text in found[1:]] == [str(workflow["sampler"]), str(second)]
    expect(comfy.panel(".ss-plan")).to_contain_text("several samplers")
    comfy.set(node, "sampler", found[2])
    expect(comfy.panel(".ss-plan")).to_contain_text("denoise 0.5")
    comfy.set(node, "steps", "2, 3")
    comfy.queue()
    expect(comfy.panel(".ss-tab")).to_have_count(2)


def test_it_shows_which_count_is_running(comfy: ComfyPage, workflow: dict[str, Any]):
    node = compare_steps(comfy, workflow["decode"])
    comfy.set(node, "steps", "150, 160")
    comfy.page.evaluate("() => app.queuePrompt(0, 1)")
    expect(comfy.panel(".ss-warning")).to_contain_text("Running 150 steps", timeout=30_000)
    expect(comfy.panel(".ss-hint")).not_to_be_visible()
    comfy.page.evaluate("() => app.extensionManager.command.execute('Comfy.Interrupt')")
    comfy.wait_until_idle()
    expect(comfy.panel(".ss-warning")).to_contain_text("did not finish. It stopped at")


@CANVAS_ONLY
def test_a_comparison_is_still_shown_after_an_unchanged_queue(comfy: ComfyPage, workflow: dict[str, Any]):
    node = compare_steps(comfy, workflow["decode"])
    comfy.set(node, "steps", "2, 3")
    comfy.queue()
    comfy.queue()
    expect(comfy.panel(".ss-tab")).to_have_count(2)
    expect(comfy.panel(".ss-tools button").filter(has_text="Grid")).to_be_visible()
    expect(comfy.panel(".ss-warning")).to_be_hidden()


def test_videos_play_side_by_side_in_step(comfy: ComfyPage, workflow: dict[str, Any]):
    frames = comfy.add("TestsFrames", 780, 300)
    comfy.connect(workflow["decode"], "IMAGE", frames, "image")
    comfy.set(frames, "num_frames", 48)
    node = compare_steps(comfy, frames)
    comfy.set(node, "steps", "2, 6")
    comfy.page.evaluate("id => app.graph.getNodeById(id).setSize([560, 1000])", node)
    comfy.queue()
    comfy.look_at(node, scale=0.8)
    comfy.panel(".ss-tools button").filter(has_text="Play").click()
    videos = comfy.page.locator(".ss-clips video:visible")
    expect(videos).to_have_count(2)
    comfy.page.wait_for_function(
        "() => [...document.querySelectorAll('.ss-clips video')].every((one) => one.readyState >= 2)"
    )
    comfy.page.evaluate("() => document.querySelector('.ss-clips video').play()")
    comfy.page.wait_for_timeout(700)
    times = "() => [...document.querySelectorAll('.ss-clips video')].map((one) => [one.paused, one.currentTime])"
    (first_paused, first), (second_paused, second) = comfy.page.evaluate(times)
    assert (first_paused, second_paused) == (False, False)
    assert first > 0.1
    assert abs(first - second) < 0.3
    comfy.shot("compare_video")
    comfy.panel(".ss-tools button").filter(has_text="Image").click()
    expect(videos).to_have_count(0)


def test_sounds_have_players_below_their_spectrograms(comfy: ComfyPage):
    pipe = comfy.add("TestsBundleSettings", 20, 60)
    sound = comfy.add("TestsBundledSound", 300, 60)
    comfy.connect(pipe, "TESTS_PIPE", sound, "pipe")
    comfy.page.evaluate(
        """async (id) => {
            app.canvas.selectNode(app.graph.getNodeById(id));
            await app.extensionManager.command.execute("SweetSpot.CompareSteps");
        }""",
        sound,
    )
    node = comfy.page.evaluate("() => app.graph.nodes.find((node) => node.type === 'SweetSpotCompareAudio').id")
    comfy.set(node, "steps", "1, 3, 16")
    comfy.page.evaluate("id => app.graph.getNodeById(id).setSize([560, 1000])", node)
    comfy.queue()
    comfy.look_at(node, scale=0.8)
    expect(comfy.page.locator(".ss-clips audio:visible")).to_have_count(2)
    expect(comfy.panel(".ss-tab")).to_have_count(3)
    comfy.page.wait_for_function("() => document.querySelector('.ss-clips audio').duration === 2")
    # The step count of another pack's sampler is written, too.
    comfy.panel(".ss-tab").nth(2).click()
    comfy.panel(".ss-actions button").filter(has_text="Use 16 steps").click()
    assert comfy.get(sound, "num_inference_steps") == 16
    comfy.shot("compare_audio")
