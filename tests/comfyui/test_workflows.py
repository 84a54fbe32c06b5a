"""Every shipped workflow runs as it is, through the client that users have."""

import json
from pathlib import Path

import pytest
from sweetspot.cli.comfyui import PACK
from sweetspot.cli.demo import get_json, run_workflow

FOLDER = PACK / "example_workflows"
UI, API = sorted(FOLDER.glob("*.json")), sorted((FOLDER / "api").glob("*.json"))


@pytest.mark.parametrize("workflow", [*UI, *API], ids=lambda file: file.relative_to(FOLDER).as_posix())
def test_workflows_run(comfyui, workflow: Path):
    prompt_id = run_workflow(comfyui.server, workflow)
    entry = get_json(comfyui.server, f"/history/{prompt_id}")[prompt_id]
    assert entry["status"]["status_str"] == "success"
    assert any("images" in shown for shown in entry["outputs"].values())


def test_there_are_two_in_both_forms_each_with_a_thumbnail():
    assert [file.stem for file in UI] == ["Compare steps", "Preset to stock KSampler"]
    assert [file.stem for file in API] == ["compare_steps", "preset_to_ksampler"]
    for file in UI:
        assert file.with_suffix(".jpg").is_file()


@pytest.mark.parametrize("workflow", UI, ids=lambda file: file.stem)
def test_both_forms_hold_the_same_nodes(workflow: Path):
    drawn = {node["type"] for node in json.loads(workflow.read_text("utf-8"))["nodes"]} - {"MarkdownNote"}
    twin = {"Compare steps": "compare_steps", "Preset to stock KSampler": "preset_to_ksampler"}[workflow.stem]
    sent = json.loads((FOLDER / "api" / f"{twin}.json").read_text("utf-8"))
    assert drawn == {node["class_type"] for node in sent.values()}


def test_the_template_browser_lists_them(comfyui):
    listed = get_json(comfyui.server, "/workflow_templates")
    assert sorted(listed["sweetspot"]) == [file.stem for file in UI]
