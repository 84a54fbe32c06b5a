"""The forms in which people keep workflows."""

import json

import pytest
from sweetspot.graphs.reading import NoWorkflowError, read_workflow

API = {"3": {"class_type": "KSampler", "inputs": {"steps": 20}}}
SAVED = {
    "nodes": [{"id": 3, "type": "KSampler", "widgets_values": [0, "fixed", 20, 8.0, "euler", "simple", 1.0]}],
    "links": [],
}


@pytest.mark.parametrize(
    "content", [API, SAVED, {"prompt": API, "client_id": "a"}, {"workflow": SAVED}, {**API, "note": 1}]
)
def test_every_form_gives_the_same_sampler(content: dict):
    graph = read_workflow(json.dumps(content))
    assert graph["3"]["class_type"] == "KSampler"
    assert graph["3"]["inputs"]["steps"] == 20


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not valid JSON"),
        ("[1]", "got list"),
        ('{"a": 1}', r"got \['a'\]"),
        ('{"nodes": [{"id": 1, "inputs": [{"link": 1}]}], "links": [[1]]}', "broken"),
        ('{"nodes": [1]}', "got"),
    ],
)
def test_what_is_no_workflow_is_refused(text: str, told: str):
    with pytest.raises(NoWorkflowError, match=told):
        read_workflow(text)
