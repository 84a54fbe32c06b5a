"""Saved workflows laid open: subgraphs, promoted values, bypassed and muted nodes."""

import pytest
from sweetspot.graphs.samplers_in import samplers_in
from sweetspot.graphs.workflow import to_graph

SAMPLER = {
    "id": 3,
    "type": "KSampler",
    "inputs": [{"name": "model", "type": "MODEL", "link": 1}],
    "widgets_values": [7, "fixed", 20, 4.5, "euler", "simple", 1.0],
}
LOADER = {"id": 1, "type": "UNETLoader", "inputs": [], "widgets_values": ["qwen_image.safetensors", "default"]}
LORA = {
    "id": 2,
    "type": "LoraLoaderModelOnly",
    "inputs": [{"name": "model", "type": "MODEL", "link": 2}],
    "outputs": [{"name": "MODEL", "type": "MODEL"}],
    "widgets_values": ["Qwen-Image-Lightning-4steps.safetensors", 1.0],
}


def read(workflow: dict) -> list:
    return list(samplers_in(to_graph(workflow)))


@pytest.mark.parametrize(("mode", "loras"), [(0, 1), (4, 0)], ids=["active", "bypassed"])
def test_a_bypassed_lora_is_passed_through(mode: int, loras: int):
    workflow = {
        "nodes": [SAMPLER, LOADER, LORA | {"mode": mode}],
        "links": [[1, 2, 0, 3, 0, "MODEL"], [2, 1, 0, 2, 0, "MODEL"]],
    }
    (found,) = read(workflow)
    assert (found.files, len(found.loras), found.steps, found.cfg) == (("qwen_image.safetensors",), loras, 20, 4.5)


@pytest.mark.parametrize("mode", [2, 4], ids=["muted", "bypassed"])
def test_an_inactive_sampler_is_not_there(mode: int):
    assert read({"nodes": [SAMPLER | {"mode": mode}, LOADER], "links": [[1, 1, 0, 3, 0, "MODEL"]]}) == []


def subgraph(values: list, link: int | None = None) -> dict:
    """A loader and a sampler in a subgraph whose steps and file are promoted to its node."""
    inner_sampler = SAMPLER | {
        "inputs": [
            {"name": "model", "type": "MODEL", "link": 10},
            {"name": "steps", "type": "INT", "widget": {"name": "steps"}, "link": 11},
        ]
    }
    inner_loader = LOADER | {
        "inputs": [{"name": "unet_name", "type": "COMBO", "widget": {"name": "unet_name"}, "link": 12}]
    }
    definition = {
        "id": "sub",
        "nodes": [inner_sampler, inner_loader],
        "inputs": [{"name": "steps", "linkIds": [11]}, {"name": "unet_name", "linkIds": [12]}],
        "links": [
            {"id": 10, "origin_id": 1, "origin_slot": 0, "target_id": 3, "target_slot": 0},
            {"id": 11, "origin_id": -10, "origin_slot": 0, "target_id": 3, "target_slot": 1},
            {"id": 12, "origin_id": -10, "origin_slot": 1, "target_id": 1, "target_slot": 0},
        ],
    }
    instance = {
        "id": 19,
        "type": "sub",
        "inputs": [{"name": "steps", "type": "INT", "widget": {"name": "steps"}, "link": link}],
        "widgets_values": values,
    }
    steps = {"id": 30, "type": "PrimitiveInt", "inputs": [], "widgets_values": [9, "fixed"]}
    return {"nodes": [instance, steps], "links": [[5, 30, 0, 19, 0, "INT"]], "definitions": {"subgraphs": [definition]}}


def test_values_inside_a_subgraph_hold_where_its_node_has_none():
    (found,) = read(subgraph([]))
    assert (found.node, found.steps, found.files) == ("19:3", 20, ("qwen_image.safetensors",))


def test_values_promoted_to_the_subgraphs_node_win():
    (found,) = read(subgraph([6, "other.safetensors"]))
    assert (found.steps, found.files) == (6, ("other.safetensors",))


def test_a_link_into_the_subgraph_wins_over_a_promoted_value():
    (found,) = read(subgraph([6, "other.safetensors"], link=5))
    assert found.steps == 9


def test_what_is_no_workflow_is_refused():
    with pytest.raises(ValueError, match="expected an object with a list `nodes`"):
        to_graph({"keys": []})


def test_custom_sampling_is_read_through_its_nodes():
    def node(number: int, kind: str, values: list, **links: int) -> dict:
        inputs = [{"name": name, "type": "*", "link": link} for name, link in links.items()]
        return {"id": number, "type": kind, "inputs": inputs, "widgets_values": values}

    workflow = {
        "nodes": [
            node(1, "UNETLoader", ["flux2_dev.safetensors", "default"]),
            node(2, "BasicGuider", [], model=1, conditioning=6),
            node(3, "Flux2Scheduler", [20, 1024, 1024]),
            node(4, "KSamplerSelect", ["euler"]),
            node(5, "SamplerCustomAdvanced", [], guider=2, sigmas=3, sampler=4),
            node(6, "FluxGuidance", [4.0], conditioning=7),
            node(7, "CLIPTextEncode", ["a cat"]),
            node(8, "SplitSigmas", [3], sigmas=8),
        ],
        "links": [
            [1, 1, 0, 2, 0, "MODEL"],
            [2, 2, 0, 5, 0, "GUIDER"],
            [3, 8, 1, 5, 1, "SIGMAS"],
            [4, 4, 0, 5, 2, "SAMPLER"],
            [6, 6, 0, 2, 1, "COND"],
            [7, 7, 0, 6, 0, "COND"],
            [8, 3, 0, 8, 0, "SIGMAS"],
        ],
    }
    (found,) = read(workflow)
    assert (found.steps, found.cfg, found.guidance) == (20, 1.0, 4.0)
    assert (found.sampler_name, found.scheduler) == ("euler", "Flux2Scheduler")


@pytest.mark.parametrize(
    ("text", "steps", "refines"),
    [
        ("1., 0.99375, 0.9875, 0.98125, 0.975, 0.909375, 0.725, 0.421875, 0.0", 8, False),
        ("0.909375, 0.725, 0.421875, 0.0", 3, True),
    ],
)
def test_a_written_out_schedule_tells_its_steps_and_where_it_starts(text: str, steps: int, refines: bool):
    workflow = {
        "nodes": [
            LOADER,
            {"id": 4, "type": "ManualSigmas", "inputs": [], "widgets_values": [text]},
            {
                "id": 5,
                "type": "SamplerCustom",
                "inputs": [
                    {"name": "model", "type": "MODEL", "link": 1},
                    {"name": "sigmas", "type": "SIGMAS", "link": 2},
                ],
                "widgets_values": [True, 3, "fixed", 1.0],
            },
        ],
        "links": [[1, 1, 0, 5, 0, "MODEL"], [2, 4, 0, 5, 1, "SIGMAS"]],
    }
    (found,) = read(workflow)
    assert (found.steps, found.refines, found.cfg) == (steps, refines, 1.0)
