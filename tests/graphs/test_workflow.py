"""Saved workflows laid open: subgraphs, promoted values, bypassed and muted nodes."""

import contextlib

import pytest
from sweetspot.graphs.samplers_in import samplers_in, samplers_with_models
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


def saved(nodes: list[dict], links: list[list], **more) -> dict:
    return {"nodes": nodes, "links": links, **more}


def taking(kind: str, **links: int) -> list[dict]:
    return [{"name": name, "type": kind, "link": link} for name, link in links.items()]


FLUX = {
    "id": 1,
    "type": "UNETLoader",
    "widgets_values": ["flux1-dev.safetensors", "default"],
    "outputs": [{"type": "MODEL"}],
}
STOCK = {"id": 9, "type": "KSampler", "widgets_values": [0, "fixed", 20, 1.0, "euler", "simple", 1.0]}


@pytest.mark.parametrize(("setter", "getter"), [("SetNode", "GetNode"), ("easy setNode", "easy getNode")])
def test_get_and_set_nodes_are_linked_directly(setter: str, getter: str):
    nodes = [
        FLUX,
        {"id": 2, "type": setter, "widgets_values": ["m"], "inputs": taking("MODEL", value=1)},
        {"id": 3, "type": getter, "widgets_values": ["m"], "outputs": [{"type": "MODEL"}]},
        {**STOCK, "inputs": taking("MODEL", model=2)},
    ]
    graph = to_graph(saved(nodes, [[1, 1, 0, 2, 0, "MODEL"], [2, 3, 0, 9, 0, "MODEL"]]))
    assert graph["9"]["inputs"]["model"] == ["1", 0]
    assert set(graph) == {"1", "9"}


def test_reroutes_and_primitives_are_linked_directly():
    nodes = [
        FLUX,
        {"id": 2, "type": "Reroute", "inputs": taking("*", **{"": 1})},
        {"id": 3, "type": "PrimitiveNode", "widgets_values": [12, "fixed"]},
        {**STOCK, "inputs": [*taking("MODEL", model=2), {"name": "steps", "link": 3, "widget": {"name": "steps"}}]},
    ]
    links = [[1, 1, 0, 2, 0, "MODEL"], [2, 2, 0, 9, 0, "MODEL"], [3, 3, 0, 9, 1, "INT"]]
    graph = to_graph(saved(nodes, links))
    assert (graph["9"]["inputs"]["model"], graph["9"]["inputs"]["steps"]) == (["1", 0], 12)


def test_a_circle_of_reroutes_leads_nowhere():
    nodes = [{"id": 2, "type": "Reroute", "inputs": taking("*", a=1)}, {**STOCK, "inputs": taking("MODEL", model=2)}]
    graph = to_graph(saved(nodes, [[1, 2, 0, 2, 0, "*"], [2, 2, 0, 9, 0, "MODEL"]]))
    assert "model" not in graph["9"]["inputs"]


def test_a_bypassed_node_passes_on_the_input_of_its_outputs_place():
    lora = {"id": 2, "type": "Two", "mode": 4, "outputs": [{"type": "MODEL"}, {"type": "MODEL"}]}
    nodes = [
        FLUX,
        {**FLUX, "id": 4},
        {**lora, "inputs": taking("MODEL", first=1, second=2)},
        {**STOCK, "inputs": taking("MODEL", model=3)},
    ]
    links = [[1, 1, 0, 2, 0, "MODEL"], [2, 4, 0, 2, 1, "MODEL"], [3, 2, 1, 9, 0, "MODEL"]]
    assert to_graph(saved(nodes, links))["9"]["inputs"]["model"] == ["4", 0]


def test_a_subgraph_that_contains_itself_is_refused():
    inside = {"id": "s", "nodes": [{"id": 1, "type": "s"}], "links": [], "inputs": [], "outputs": []}
    with pytest.raises(ValueError, match="levels of subgraphs"):
        to_graph(saved([{"id": 1, "type": "s"}], [], definitions={"subgraphs": [inside]}))


def read_nodes(**nodes: dict) -> list:
    graph = {name: {"class_type": node.pop("kind"), "inputs": node} for name, node in nodes.items()}
    return list(samplers_in(graph))


MODEL = {"kind": "UNETLoader", "unet_name": "wan2.2.safetensors"}


@pytest.mark.parametrize(
    ("node", "steps", "cfg"),
    [
        ({"kind": "KSampler (Efficient)", "model": ["m", 0], "positive": ["p", 0], "steps": 7, "cfg": 2.0}, 7, 2.0),
        ({"kind": "UltimateSDUpscale", "model": ["m", 0], "image": ["p", 0], "steps": 4, "cfg": 1.0}, 4, 1.0),
        ({"kind": "FaceDetailer", "model": ["m", 0], "image": ["p", 0], "steps": 20, "cfg": 8.0}, 20, 8.0),
        (
            {
                "kind": "WanMoeKSampler",
                "model_high_noise": ["m", 0],
                "latent_image": ["p", 0],
                "steps": 8,
                "cfg_high_noise": 3.5,
            },
            8,
            3.5,
        ),
        ({"kind": "WanVideoSampler", "model": ["m", 0], "image_embeds": ["p", 0], "steps": 30, "cfg": 6.0}, 30, 6.0),
        (
            {
                "kind": "LanPaint_KSampler",
                "model": ["m", 0],
                "positive": ["p", 0],
                "steps": 30,
                "cfg": 5.0,
                "LanPaint_NumSteps": 5,
            },
            30,
            5.0,
        ),
        (
            {
                "kind": "ClownsharKSampler_Beta",
                "model": ["m", 0],
                "positive": ["p", 0],
                "steps": 30,
                "steps_to_run": -1,
                "cfg": 5.5,
            },
            30,
            5.5,
        ),
        ({"kind": "easy preSampling", "pipe": ["m", 0], "steps": 25, "cfg": 7.0}, 25, 7.0),
    ],
)
def test_samplers_of_other_packs_are_read(node: dict, steps: int, cfg: float):
    (found,) = read_nodes(m=dict(MODEL), p={"kind": "Anything"}, s=dict(node))
    assert (found.node, found.steps, found.cfg, found.files) == ("s", steps, cfg, ("wan2.2.safetensors",))


@pytest.mark.parametrize(
    "node",
    [
        {"kind": "BasicScheduler", "model": ["m", 0], "steps": 20},
        {"kind": "Image Saver", "images": ["p", 0], "steps": 20, "cfg": 7.0},
        {"kind": "TrainLoraNode", "model": ["m", 0], "latents": ["p", 0], "positive": ["p", 0], "steps": 100},
        {"kind": "AddNoise", "model": ["m", 0], "sigmas": ["p", 0], "latent_image": ["p", 0]},
        {"kind": "KSampler Config (rgthree)", "steps_total": ["p", 0], "refiner_step": 24},
        {"kind": "IterativeLatentUpscale", "samples": ["p", 0], "upscaler": ["p", 0], "steps": 3},
        {"kind": "Context Big (rgthree)", "base_ctx": ["m", 0], "positive": ["p", 0], "steps": 20},
    ],
)
def test_what_only_holds_a_step_count_is_no_sampler(node: dict):
    assert read_nodes(m=dict(MODEL), p={"kind": "Anything"}, s=dict(node)) == []


def test_what_makes_a_schedule_from_a_latent_is_no_sampler():
    scheduler = {"kind": "LTXVScheduler", "steps": 20, "latent": ["p", 0]}
    sampler = {"kind": "SamplerCustom", "model": ["m", 0], "sigmas": ["s", 0], "latent_image": ["p", 0], "cfg": 3.0}
    (found,) = read_nodes(m=dict(MODEL), p={"kind": "Anything"}, s=scheduler, k=sampler)
    assert (found.node, found.steps) == ("k", 20)


def test_values_promoted_by_proxies_reach_their_inner_nodes():
    inner = [{**STOCK, "id": 5}, {"id": 6, "type": "FluxGuidance", "widgets_values": [3.5]}]
    definition = {"id": "s", "nodes": inner, "links": [], "inputs": [], "outputs": []}
    holder = {
        "id": 2,
        "type": "s",
        "widgets_values": [33, 2.5],
        "properties": {"proxyWidgets": [["5", "steps"], ["6", "guidance"]]},
    }
    graph = to_graph(saved([holder], [], definitions={"subgraphs": [definition]}))
    assert (graph["2:5"]["inputs"]["steps"], graph["2:6"]["inputs"]["guidance"]) == (33, 2.5)


def test_a_getter_in_a_subgraph_finds_the_setter_outside():
    getter = {"id": 3, "type": "GetNode", "widgets_values": ["m"], "outputs": [{"type": "MODEL"}]}
    sampler = {**STOCK, "inputs": taking("MODEL", model=2)}
    link = {"id": 2, "origin_id": 3, "origin_slot": 0, "target_id": 9, "target_slot": 0}
    definition = {"id": "s", "nodes": [getter, sampler], "links": [link], "inputs": [], "outputs": []}
    setter = {"id": 2, "type": "SetNode", "widgets_values": ["m"], "inputs": taking("MODEL", value=1)}
    nodes = [FLUX, setter, {"id": 7, "type": "s"}]
    graph = to_graph(saved(nodes, [[1, 1, 0, 2, 0, "MODEL"]], definitions={"subgraphs": [definition]}))
    assert graph["7:9"]["inputs"]["model"] == ["1", 0]


def test_a_subgraph_that_feeds_itself_leads_nowhere():
    inner = {"id": 1, "type": "Reroute", "inputs": taking("*", a=5)}
    links = [
        {"id": 5, "origin_id": -10, "origin_slot": 0, "target_id": 1, "target_slot": 0},
        {"id": 6, "origin_id": 1, "origin_slot": 0, "target_id": -20, "target_slot": 0},
    ]
    definition = {"id": "s", "nodes": [inner], "links": links, "inputs": [{"name": "a"}], "outputs": [{"name": "b"}]}
    nodes = [{"id": 2, "type": "s", "inputs": taking("*", a=1)}, {**STOCK, "inputs": taking("MODEL", model=2)}]
    workflow = saved(nodes, [[1, 2, 0, 2, 0, "*"], [2, 2, 0, 9, 0, "MODEL"]], definitions={"subgraphs": [definition]})
    assert "model" not in to_graph(workflow)["9"]["inputs"]


def test_empty_subgraphs_in_each_other_are_refused_before_they_fill_the_memory():
    def level(number: int) -> dict:
        inner = [{"id": i, "type": f"s{number + 1}"} for i in range(10)] if number < 13 else []
        return {"id": f"s{number}", "nodes": inner, "links": [], "inputs": [], "outputs": []}

    with pytest.raises(ValueError, match="at most 20000 nodes"):
        to_graph(saved([{"id": 1, "type": "s0"}], [], definitions={"subgraphs": [level(i) for i in range(14)]}))


@pytest.mark.parametrize(
    "node",
    [
        {"id": 1, "inputs": [{"name": 5, "link": 1}]},
        {"id": 1, "inputs": 7},
        {"id": [], "type": "KSampler"},
        {"id": 1, "type": "KSampler", "widgets_values": [[], {}], "outputs": 3, "mode": 4},
    ],
)
def test_a_broken_node_is_refused_or_read_as_far_as_it_goes(node: dict):
    with contextlib.suppress(ValueError):
        list(samplers_in(to_graph(saved([node], [[1, 1, 0, 1, 0, "X"]]))))


def test_a_guider_that_the_graph_lacks_leaves_what_the_sampler_has_itself():
    sampler = {"kind": "SamplerCustomAdvanced", "guider": ["gone", 0], "model": ["m", 0], "steps": 20, "cfg": 4.0}
    (found,) = read_nodes(m=dict(MODEL), k=sampler)
    assert (found.steps, found.cfg) == (20, 4.0)


def test_a_guider_is_read_past_what_passes_it_on():
    guider = {"kind": "CFGGuider", "model": ["m", 0], "positive": ["p", 0], "cfg": 7.0}
    switch = {"kind": "Any Switch (rgthree)", "any_01": ["g", 0]}
    sampler = {"kind": "SamplerCustomAdvanced", "guider": ["w", 0], "sigmas": ["s", 0]}
    schedule = {"kind": "BasicScheduler", "model": ["m", 0], "steps": 20}
    (found,) = read_nodes(m=dict(MODEL), p={"kind": "Anything"}, g=guider, w=switch, s=schedule, k=sampler)
    assert (found.cfg, found.steps, found.files) == (7.0, 20, ("wan2.2.safetensors",))


def test_an_empty_schedule_has_no_step_count():
    sampler = {"kind": "SamplerCustom", "model": ["m", 0], "sigmas": ["s", 0], "latent_image": ["p", 0]}
    (found,) = read_nodes(m=dict(MODEL), p={"kind": "Anything"}, s={"kind": "ManualSigmas", "sigmas": ""}, k=sampler)
    assert found.steps is None


def test_a_sampler_without_a_linked_model_is_still_a_sampler():
    sampler = {"class_type": "WanVideoSampler", "inputs": {"image_embeds": ["p", 0], "steps": 30}}
    ((found, above),) = samplers_with_models({"p": {"class_type": "Anything", "inputs": {}}, "s": sampler})
    assert (found.steps, above.files) == (30, ())


def test_settings_of_a_node_that_holds_several_are_read_by_name():
    held = {"kind": "Input Parameters (Image Saver)", "seed": 1, "steps": 28, "cfg": 6.0, "sampler_name": "euler"}
    sampler = {"kind": "KSampler", "model": ["m", 0], "steps": ["i", 1], "cfg": ["i", 2], "positive": ["p", 0]}
    (found,) = read_nodes(m=dict(MODEL), p={"kind": "Anything"}, i=held, s=sampler)
    assert (found.steps, found.cfg) == (28, 6.0)


@pytest.mark.parametrize(("start", "end", "run"), [(0, 10000, None), (98, 10000, 2), (80, 97, 17), (0, 20, 20)])
def test_a_part_of_the_schedule_says_how_much_it_runs(start: int, end: int, run: int | None):
    bounds = {"start_at_step": start, "end_at_step": end}
    sampler = {"kind": "KSamplerAdvanced", "model": ["m", 0], "steps": 100, "positive": ["p", 0], **bounds}
    (found,) = read_nodes(m=dict(MODEL), p={"kind": "Anything"}, s=sampler)
    assert (found.steps, found.run) == (100, run)
