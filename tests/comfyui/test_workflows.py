"""Every shipped workflow and blueprint runs as it is, through the client that users have."""

import json
from pathlib import Path

import pytest
from sweetspot.cli.comfyui import PACK
from sweetspot.cli.demo import get_json, run_workflow

FOLDER = PACK / "example_workflows"
UI, API = sorted(FOLDER.glob("*.json")), sorted((FOLDER / "api").glob("*.json"))
TWINS = {
    "Calibrate steps": "calibrate_steps",
    "Compare as an app": "compare_as_an_app",
    "Compare steps": "compare_steps",
    "Compare this workflow": "compare_this_workflow",
    "Custom sampling": "custom_sampling",
    "Draft then final": "draft_then_final",
    "Find the sweet spot": "find_the_sweet_spot",
    "Guidance window": "guidance_window",
    "Preset to stock KSampler": "preset_to_ksampler",
    "Right steps as an app": "right_steps_as_an_app",
}
BYPASSED = 4
BLUEPRINTS = sorted((PACK / "subgraphs").glob("*.json"))


@pytest.mark.parametrize("workflow", [*UI, *API], ids=lambda file: file.relative_to(FOLDER).as_posix())
def test_workflows_run(comfyui, workflow: Path):
    prompt_id = run_workflow(comfyui.server, workflow)
    entry = get_json(comfyui.server, f"/history/{prompt_id}")[prompt_id]
    assert entry["status"]["status_str"] == "success"
    assert any("images" in shown for shown in entry["outputs"].values())


def test_all_are_there_in_both_forms_each_with_a_thumbnail():
    assert [file.stem for file in UI] == sorted(TWINS)
    assert [file.stem for file in API] == sorted(TWINS.values())
    for file in UI:
        assert file.with_suffix(".jpg").is_file()


@pytest.mark.parametrize("workflow", UI, ids=lambda file: file.stem)
def test_both_forms_hold_the_same_nodes(workflow: Path):
    nodes = json.loads(workflow.read_text("utf-8"))["nodes"]
    drawn = sorted(node["type"] for node in nodes if node["mode"] != BYPASSED)
    drawn.remove("MarkdownNote")
    sent = json.loads((FOLDER / "api" / f"{TWINS[workflow.stem]}.json").read_text("utf-8"))
    assert drawn == sorted(node["class_type"] for node in sent.values())


@pytest.mark.parametrize("workflow", UI, ids=lambda file: file.stem)
def test_a_note_says_how_to_take_ones_own_model(workflow: Path):
    nodes = json.loads(workflow.read_text("utf-8"))["nodes"]
    notes = [node["widgets_values"][0] for node in nodes if node["type"] == "MarkdownNote"]
    assert len(notes) == 1
    assert "Your own model" in notes[0]


@pytest.mark.parametrize("workflow", UI, ids=lambda file: file.stem)
def test_seeds_stay_as_they_are(workflow: Path):
    text = workflow.read_text("utf-8")
    assert '"randomize"' not in text
    assert "sweetspot_comparison" not in text


def test_the_template_browser_lists_them(comfyui):
    listed = get_json(comfyui.server, "/workflow_templates")
    assert sorted(listed["sweetspot"]) == [file.stem for file in UI]


def test_comfyui_offers_the_blueprint(comfyui, version):
    if version < (0, 9):
        pytest.skip("ComfyUI has no blueprints of packs before 0.9")
    offered = get_json(comfyui.server, "/global_subgraphs")
    names = [
        entry["name"] for entry in offered.values() if entry.get("info", {}).get("node_pack", "").endswith("sweetspot")
    ]
    assert names == [file.stem for file in BLUEPRINTS] == ["Sweet-spot text to image"]


def test_the_blueprint_runs_on_a_loader(comfyui, tmp_path: Path):
    workflow = json.loads(BLUEPRINTS[0].read_text("utf-8"))
    (node,) = workflow["nodes"]
    loader = {"id": 100, "type": "SweetSpotDemoModel", "mode": 0, "inputs": [], "outputs": [], "widgets_values": []}
    save = {"id": 101, "type": "PreviewImage", "mode": 0, "inputs": [{"name": "images", "type": "IMAGE", "link": 4}]}
    save |= {"outputs": [], "widgets_values": []}
    inputs = {entry["name"]: entry for entry in node["inputs"]}
    for link, name in enumerate(("model", "clip", "vae"), start=1):
        inputs[name]["link"] = link
        workflow["links"].append([link, 100, link - 1, node["id"], node["inputs"].index(inputs[name]), name.upper()])
    workflow["links"].append([4, node["id"], 0, 101, 0, "IMAGE"])
    workflow["nodes"] += [loader, save]
    file = tmp_path / "blueprint.json"
    file.write_text(json.dumps(workflow), "utf-8")
    prompt_id = run_workflow(comfyui.server, file)
    assert get_json(comfyui.server, f"/history/{prompt_id}")[prompt_id]["outputs"]["101"]["images"]


@pytest.mark.parametrize("workflow", UI, ids=lambda file: file.stem)
def test_titles_can_be_read_with_the_whole_workflow_in_view(workflow: Path):
    """In a page of 1440 by 900, ComfyUI shows titles of a workflow of at most this size."""
    nodes = json.loads(workflow.read_text("utf-8"))["nodes"]
    for axis, most in ((0, 1850), (1, 1150)):
        first = min(node["pos"][axis] for node in nodes)
        assert max(node["pos"][axis] + node["size"][axis] for node in nodes) - first <= most


@pytest.mark.parametrize("workflow", UI, ids=lambda file: file.stem)
def test_no_node_covers_another(workflow: Path):
    nodes = json.loads(workflow.read_text("utf-8"))["nodes"]
    # A node's title stands above its position.
    boxes = [(*node["pos"], node["pos"][0] + node["size"][0], node["pos"][1] + node["size"][1]) for node in nodes]
    for place, (left, top, right, bottom) in enumerate(boxes):
        for other_left, other_top, other_right, other_bottom in boxes[place + 1 :]:
            apart = left >= other_right or other_left >= right
            assert apart or top - 30 >= other_bottom or other_top - 30 >= bottom
