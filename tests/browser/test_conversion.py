"""Saved workflows: `sweetspot inspect` must read the same graph that the browser would run."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from sweetspot.graphs.values import link_of
from sweetspot.graphs.workflow import to_graph

from .comfy_page import ComfyPage
from .conftest import CANVAS_ONLY

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "example_workflows").glob("*.json"))
# Official templates with subgraphs, promoted values, switches and reroutes.
TEMPLATES = [
    "image_qwen_image_2512",
    "video_wan2_2_14B_t2v",
    "video_ltx2_t2v",
    "image_flux2_klein_text_to_image",
    "image_z_image",
    "video_wan2_2_14B_i2v",
]
READ = """async (workflow) => {
    await app.loadGraphData(workflow);
    return (await app.graphToPrompt()).output;
}"""


def template(name: str) -> dict[str, Any] | None:
    spec = find_spec("comfyui_workflow_templates_json")
    folders = (spec.submodule_search_locations if spec else None) or []
    files = [file for folder in folders if (file := Path(folder) / "templates" / f"{name}.json").is_file()]
    return json.loads(files[0].read_text("utf-8")) if files else None


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """Return where the two graphs differ, apart from values that the file doesn't hold."""
    found = [f"{node}: only in ours" for node in ours.keys() - theirs.keys()]
    found += [f"{node}: only in the browser's" for node in theirs.keys() - ours.keys()]
    for node in ours.keys() & theirs.keys():
        mine, other = ours[node]["inputs"], theirs[node]["inputs"]
        if ours[node]["class_type"] != theirs[node]["class_type"]:
            found.append(f"{node}: {ours[node]['class_type']} and {theirs[node]['class_type']}")
        for name, value in other.items():
            got = mine.get(name)
            if link_of(value) != link_of(got) or (got is not None and not link_of(value) and got != value):
                found.append(f"{node} {ours[node]['class_type']} {name}: {got!r} and {value!r}")
    return found


def read_in_browser(comfy: ComfyPage, workflow: dict[str, Any]) -> dict[str, Any]:
    return comfy.page.evaluate(READ, workflow)


@CANVAS_ONLY
@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_our_examples(comfy: ComfyPage, file: Path):
    workflow = json.loads(file.read_text("utf-8"))
    assert differences(to_graph(workflow), read_in_browser(comfy, workflow)) == []


@CANVAS_ONLY
@pytest.mark.parametrize("name", TEMPLATES)
def test_official_templates(comfy: ComfyPage, name: str):
    workflow = template(name)
    if workflow is None:
        pytest.skip("this version of the templates doesn't have it")
    theirs = read_in_browser(comfy, workflow)
    assert theirs
    assert differences(to_graph(workflow), theirs) == []
