"""Where the official templates set their steps, as people answered for each of them by hand."""

import json
from typing import Any

import pytest
from comfy_cli.workflow_to_api import convert_ui_to_api
from sweetspot.cli.demo import get_json
from sweetspot.presets.sources.templates import installed_folders

from ..graphs.step_answers import Answer, answers
from .conftest import Client

# Templates change with each version of their packages; the answers are for those of August 2026.
LEAST_SHARE = 0.9


def test_people_gave_the_same_answer_for_the_templates(comfyui: Client):
    classes = get_json(comfyui.server, "/object_info")
    files = {file.stem: file for folder in installed_folders() for file in folder.rglob("*.json")}
    graphs: dict[str, dict[str, Any]] = {}
    verdicts: dict[str, str] = {}
    for answer in answers("template:"):
        name = answer.workflow.removeprefix("template:")
        if name not in graphs and name in files:
            graphs[name] = convert_ui_to_api(json.loads(files[name].read_text("utf-8")), classes)
        if name in graphs and has_all(graphs[name], answer):
            verdicts[answer.id] = answer.verdict(graphs[name])
    if len(verdicts) < LEAST_SHARE * len(answers("template:")):
        pytest.skip(f"only {len(verdicts)} of the answers fit these templates")
    assert {name: verdict for name, verdict in verdicts.items() if verdict not in ("right", "refused")} == {}
    assert list(verdicts.values()).count("right") >= 0.95 * len(verdicts)


def has_all(graph: dict[str, Any], answer: Answer) -> bool:
    """Return whether a template still has the nodes that an answer names."""
    nodes = {answer.output[0], *(node for node, _ in answer.set + answer.scale)}
    return nodes <= graph.keys()
