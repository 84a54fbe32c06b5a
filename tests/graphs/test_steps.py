"""Where a graph's step count is set: by rules, and as people answered for public workflows."""

from typing import Any

import pytest
from sweetspot.graphs.above import Above
from sweetspot.graphs.numbers import Place
from sweetspot.graphs.resampling import levels_in, resampled
from sweetspot.graphs.sampling import GraphSampling, sampling_of
from sweetspot.graphs.seeds import find_seeds, with_seeds
from sweetspot.graphs.steps import Found, Refused, find_steps, with_steps
from sweetspot.graphs.video import is_video

from .step_answers import answers, workflows

OUTPUT = ("end", 0)


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def sampler(steps: Any = 20, **inputs: Any) -> dict[str, Any]:
    return node(
        "KSampler", **{"model": ["m", 0], "steps": steps, "seed": 1, "denoise": 1.0, "latent_image": ["l", 0]} | inputs
    )


def graph_of(**nodes: dict[str, Any]) -> dict[str, Any]:
    common = {"m": node("UNETLoader", unet_name="a.safetensors"), "l": node("EmptyLatentImage", width=64, batch_size=1)}
    return common | {"end": node("VAEDecode", samples=["s", 0], vae=["v", 0])} | nodes


def places(graph: dict[str, Any], chosen: str | None = None, **options: Any) -> list[str]:
    found = find_steps(graph, OUTPUT, chosen, **options)
    assert isinstance(found, Found), found
    return sorted(f"{place.node}.{place.name}" for place in found.places)


def refused(graph: dict[str, Any], chosen: str | None = None) -> Refused:
    found = find_steps(graph, OUTPUT, chosen)
    assert isinstance(found, Refused), found
    return found


def inputs_at(graph: dict[str, Any], steps: int) -> dict[str, dict[str, Any]]:
    found = find_steps(graph, OUTPUT)
    assert isinstance(found, Found), found
    return {node_id: entry["inputs"] for node_id, entry in with_steps(graph, found, steps).items()}


@pytest.mark.parametrize("source", ["field:", "more:"])
def test_people_gave_the_same_answer_for_public_workflows(source: str):
    graphs = workflows()
    verdicts = {answer.id: answer.verdict(graphs[answer.workflow]) for answer in answers(source)}
    wrong = {name: verdict for name, verdict in verdicts.items() if verdict not in ("right", "refused")}
    assert not wrong
    assert list(verdicts.values()).count("right") >= 0.95 * len(verdicts)


def test_a_literal_is_set_in_place():
    graph = graph_of(s=sampler())
    assert places(graph) == ["s.steps"]
    assert inputs_at(graph, 7)["s"]["steps"] == 7
    assert graph["s"]["inputs"]["steps"] == 20


def test_a_link_is_followed_to_the_node_that_holds_the_number():
    primitive = {"n": node("PrimitiveInt", value=20), "r": node("Reroute", **{"": ["n", 0]})}
    assert places(graph_of(s=sampler(["r", 0]), **primitive)) == ["n.value"]


def test_a_number_that_is_a_text_stays_one():
    graph = graph_of(s=sampler(["n", 0]), n=node("Int", Number="20"))
    assert inputs_at(graph, 7)["n"]["Number"] == "7"


def test_a_number_with_another_use_is_replaced_at_the_sampler_alone():
    shared = graph_of(
        s=sampler(["n", 0]), n=node("PrimitiveInt", value=4), l=node("EmptyLatentImage", width=64, batch_size=["n", 0])
    )
    assert places(shared) == ["s.steps"]


def test_a_computed_number_is_replaced_at_the_sampler_and_reported():
    graph = graph_of(s=sampler(["n", 0]), n=node("MathExpression", a=["x", 0], b=2), x=node("PrimitiveInt", value=10))
    found = find_steps(graph, OUTPUT)
    assert isinstance(found, Found)
    assert found.places == (Place("s", "steps"),)
    assert found.steps is None
    assert "computed" in found.note


def test_a_config_node_with_several_numbers_is_read_by_their_names():
    config = node("KSampler Config (rgthree)", steps_total=30, refiner_step=24, cfg=8)
    advanced = {
        "s": node(
            "KSamplerAdvanced",
            model=["m", 0],
            steps=["c", 0],
            latent_image=["l", 0],
            start_at_step=0,
            end_at_step=["c", 1],
        ),
        "c": config,
    }
    assert inputs_at(graph_of(**advanced), 10)["c"] == {"steps_total": 10, "refiner_step": 8, "cfg": 8}


def advanced_pair(high: Any = 20, low: Any = 20, bound: Any = 10) -> dict[str, Any]:
    first = node(
        "KSamplerAdvanced", model=["m", 0], steps=high, latent_image=["l", 0], start_at_step=0, end_at_step=bound
    )
    second = node(
        "KSamplerAdvanced", model=["m", 0], steps=low, latent_image=["h", 0], start_at_step=bound, end_at_step=10000
    )
    return graph_of(h=first, s=second)


def test_samplers_that_share_one_schedule_move_together():
    inputs = inputs_at(advanced_pair(), 7)
    # 10 * 7 / 20 = 3.5, rounded to even.
    assert (inputs["h"]["steps"], inputs["h"]["end_at_step"]) == (7, 4)
    assert (inputs["s"]["steps"], inputs["s"]["start_at_step"], inputs["s"]["end_at_step"]) == (7, 4, 10000)


def test_a_bound_behind_a_link_moves_too():
    graph = advanced_pair(bound=["b", 0]) | {"b": node("PrimitiveInt", value=10)}
    assert inputs_at(graph, 40)["b"]["value"] == 20


def test_a_bound_that_is_computed_from_the_number_follows_by_itself():
    linked = advanced_pair(["n", 0], ["n", 0], ["half", 0])
    linked |= {"n": node("PrimitiveInt", value=20), "half": node("Math", a=["n", 0], op="/ 2")}
    found = find_steps(linked, OUTPUT)
    assert isinstance(found, Found)
    assert (found.places, found.bounds) == ((Place("n", "value"),), ())


def test_a_count_at_which_two_bounds_meet_is_refused():
    found = find_steps(advanced_pair(), OUTPUT)
    assert isinstance(found, Found)
    with pytest.raises(ValueError, match="steps: at 1 step,"):
        with_steps(advanced_pair(), found, 1)


def test_other_totals_in_a_row_are_stages_of_their_own():
    assert refused(advanced_pair(20, 8)).why == "several"


def test_split_sigmas_move_with_their_scheduler():
    halves = graph_of(
        sch=node("BasicScheduler", model=["m", 0], steps=20, denoise=1.0),
        split=node("SplitSigmas", sigmas=["sch", 0], step=5),
        h=node("SamplerCustomAdvanced", guider=["g", 0], sigmas=["split", 0], latent_image=["l", 0]),
        s=node("SamplerCustomAdvanced", guider=["g", 0], sigmas=["split", 1], latent_image=["h", 0]),
    )
    inputs = inputs_at(halves, 8)
    assert (inputs["sch"]["steps"], inputs["split"]["step"]) == (8, 2)
    assert find_steps(halves, OUTPUT).samplers == ("h", "s")


def test_several_stages_are_listed_and_one_can_be_chosen():
    second = {**sampler(8, denoise=0.5, latent_image=["f", 0]), "_meta": {"title": "Hires pass"}}
    graph = graph_of(f=sampler(20), s=second)
    answer = refused(graph)
    assert answer.why == "several"
    assert [(stage.node, stage.steps, stage.denoise) for stage in answer.stages] == [("f", 20, 1.0), ("s", 8, 0.5)]
    assert places(graph, "f") == ["f.steps"]
    assert places(graph, "hires pass") == ["s.steps"]
    assert places(graph, str(answer.stages[1])) == ["s.steps"]
    assert refused(graph, "third").why == "unknown"


def test_stages_with_one_number_for_all_are_one():
    graph = graph_of(f=sampler(["n", 0]), s=sampler(["n", 0], latent_image=["f", 0]), n=node("PrimitiveInt", value=9))
    assert places(graph) == ["n.value"]
    assert "varied together" in find_steps(graph, OUTPUT).note
    # If one of them is chosen, the other one keeps its steps.
    assert places(graph, "s") == ["s.steps"]
    assert [stage.node for stage in find_steps(graph, OUTPUT).stages] == ["f", "s"]


def test_a_sampler_that_is_varied_alone_takes_its_bounds_along_and_leaves_those_of_others():
    shared = {"model": ["m", 0], "steps": ["n", 0], "start_at_step": 0, "end_at_step": ["n", 0]}
    graph = graph_of(
        f=node("KSamplerAdvanced", latent_image=["l", 0], **shared),
        s=node("KSamplerAdvanced", latent_image=["f", 0], **shared),
        n=node("PrimitiveInt", value=20),
    )
    found = find_steps(graph, OUTPUT, "s")
    assert isinstance(found, Found)
    changed = with_steps(graph, found, 50)
    assert (changed["s"]["inputs"]["steps"], changed["s"]["inputs"]["end_at_step"]) == (50, 50)
    assert changed["n"] is graph["n"]
    assert changed["f"] is graph["f"]


def test_two_samplers_of_one_title_are_told_apart_by_id():
    answer = refused(graph_of(f=sampler(20), s=sampler(8, latent_image=["f", 0])), "KSampler")
    assert (answer.why, "by id" in answer.message) == ("several", True)


def test_what_a_decided_switch_leaves_out_does_not_count():
    switch = node("ComfySwitchNode", switch=True, on_true=["s1", 0], on_false=["s2", 0])
    assert places(graph_of(s=switch, s1=sampler(20), s2=sampler(8))) == ["s1.steps"]


def test_a_switch_that_is_decided_during_the_run_may_not_choose_the_schedule():
    graph = graph_of(
        sch=node("BasicScheduler", model=["m", 0], steps=20),
        fixed=node("ManualSigmas", sigmas="1.0, 0.5, 0.0"),
        pick=node("ImpactConditionalBranch", cond=["c", 0], tt_value=["sch", 0], ff_value=["fixed", 0]),
        c=node("ImpactCompare", a=1, b=2),
        s=node("SamplerCustom", model=["m", 0], sigmas=["pick", 0], latent_image=["l", 0]),
    )
    assert refused(graph).why == "computed"


def test_nodes_that_only_note_the_number_are_left_out():
    graph = graph_of(
        s=sampler(), end=node("Image Saver", images=["d", 0], steps=20), d=node("VAEDecode", samples=["s", 0])
    )
    assert places(graph) == ["s.steps"]


@pytest.mark.parametrize(
    ("scheduler", "name"),
    [
        (node("Flux2Scheduler", steps=20, width=64, height=64), "steps"),
        (node("LTXVScheduler", steps=20, max_shift=2.0), "steps"),
        (node("AlignYourStepsScheduler", model_type="SDXL", steps=10, denoise=1.0), "steps"),
        (node("SDTurboScheduler", model=["m", 0], steps=1, denoise=1.0), "steps"),
        (node("Ideogram4Scheduler", steps=20), "steps"),
        (node("BetaSamplingScheduler", model=["m", 0], steps=20), "steps"),
        (node("AnotherPacksScheduler", num_inference_steps=20), "num_inference_steps"),
    ],
)
def test_schedulers_are_known_by_where_their_schedule_goes(scheduler: dict[str, Any], name: str):
    graph = graph_of(sch=scheduler, s=node("SamplerCustom", model=["m", 0], sigmas=["sch", 0], latent_image=["l", 0]))
    assert places(graph) == [f"sch.{name}"]


@pytest.mark.parametrize(
    ("maker", "name"),
    [
        (node("KSampler (Efficient)", model=["m", 0], steps=20, latent_image=["l", 0]), "steps"),
        (node("ClownsharKSampler_Beta", model=["m", 0], steps=20, steps_to_run=-1, latent_image=["l", 0]), "steps"),
        (node("UltimateSDUpscale", model=["m", 0], image=["i", 0], steps=20), "steps"),
        (node("FaceDetailer", model=["m", 0], image=["i", 0], steps=20), "steps"),
        (node("WanVideoSampler", model=["m", 0], steps=20, start_step=0, end_step=-1), "steps"),
        (node("KSampler //Inspire", model=["m", 0], steps=20, latent_image=["l", 0]), "steps"),
        (node("BNK_TiledKSampler", model=["m", 0], steps=20, latent_image=["l", 0]), "steps"),
        (node("MarigoldDepthEstimation", image=["i", 0], denoise_steps=10), "denoise_steps"),
    ],
)
def test_samplers_of_other_packs_are_known_by_their_inputs(maker: dict[str, Any], name: str):
    assert places(graph_of(s=maker)) == [f"s.{name}"]


def test_a_pipe_leads_to_its_sampler():
    pipe = node("easy preSampling", pipe=["p", 0], steps=20)
    found = find_steps(graph_of(pre=pipe, s=node("easy kSampler", pipe=["pre", 0])), OUTPUT)
    assert isinstance(found, Found)
    assert (found.places, found.samplers) == ((Place("pre", "steps"),), ("s",))


def test_a_preset_and_a_plan_get_a_step_plan_in_between():
    preset = {"p": node("SweetSpotPreset", model=["m", 0])}
    own = graph_of(s=node("SweetSpotSampler", model=["p", 0], plan=["p", 1], steps=25, latent_image=["l", 0]), **preset)
    inputs = inputs_at(own, 9)
    assert inputs[inputs["s"]["plan"][0]] == {"plan": ["p", 1], "steps": 9}
    sigmas = graph_of(s=node("SamplerCustom", model=["p", 0], sigmas=["p", 8], latent_image=["l", 0]), **preset)
    inputs = inputs_at(sigmas, 9)
    assert inputs[inputs[inputs["s"]["sigmas"][0]]["plan"][0]] == {"plan": ["p", 1], "steps": 9}
    by_hand = own | {"hand": node("SweetSpotPlan", plan=["p", 1], steps=6)}
    by_hand["s"]["inputs"]["plan"] = ["hand", 0]
    assert places(by_hand) == ["hand.steps"]


def test_what_has_no_step_count_is_refused_with_the_reason():
    custom = {"s": node("SamplerCustom", model=["m", 0], sigmas=["x", 0], latent_image=["l", 0])}
    assert refused(graph_of(x=node("ManualSigmas", sigmas="1.0, 0.5, 0.0"), **custom)).why == "fixed"
    assert refused(graph_of(x=node("HyperSDXL1StepUnetScheduler", steps=1), **custom)).why == "fixed"
    assert refused(graph_of(s=node("VAEEncode", pixels=["i", 0]))).why == "none"
    assert refused(graph_of(s=node("SweetSpotCompare", model=["m", 0], steps="4, 25"))).why == "comparison"
    paid = graph_of(s=sampler(latent_image=["e", 0]), e=node("VAEEncode", pixels=["g", 0]), g=node("GeminiImageNode"))
    assert refused(paid).why == "paid"
    computed = advanced_pair(bound=["b", 0]) | {"b": node("Math", a=["x", 0], b=3), "x": node("PrimitiveInt", value=4)}
    assert refused(computed).why == "computed"


def test_a_number_that_a_node_may_change_is_not_taken_as_held():
    by_expression = node("ComfyMathExpression", expression="a*2", **{"values.a": 10})
    doubled = graph_of(s=sampler(["n", 0]), n=node("DoubleInt", value=["p", 0]), p=node("PrimitiveInt", value=10))
    for graph in (graph_of(s=sampler(["n", 0]), n=by_expression), doubled):
        found = find_steps(graph, OUTPUT)
        assert isinstance(found, Found)
        assert (found.places, found.steps) == ((Place("s", "steps"),), None)


def test_a_switch_behind_a_node_that_may_turn_it_is_not_decided():
    switch = node("ComfySwitchNode", switch=["n", 0], on_true=["s1", 0], on_false=["s2", 0])
    yes = {"n": node("ComfyNotNode", value=["p", 0]), "p": node("PrimitiveBoolean", value=True)}
    assert refused(graph_of(s=switch, s1=sampler(4), s2=sampler(40), **yes)).why == "several"


def test_a_choice_still_holds_when_the_step_count_has_changed():
    graph = graph_of(f=sampler(20), s=sampler(8, denoise=0.5, latent_image=["f", 0]))
    assert places(graph, "s (KSampler, 10 steps, denoise 0.5)") == ["s.steps"]


def test_two_step_counts_of_one_node_can_be_told_apart():
    both = node("TwoStage", model=["m", 0], steps=20, refiner_steps=20, latent_image=["l", 0])
    assert len({str(stage) for stage in refused(graph_of(s=both)).stages}) == 2
    assert places(graph_of(s=both), "s.refiner_steps") == ["s.refiner_steps"]


def chain(kind: str, length: int, inputs: dict[str, str]) -> dict[str, Any]:
    """Return nodes in a row whose inputs all come from the node before."""
    return {f"c{n}": node(kind, **{name: [f"c{n - 1}" if n else "sch", 0] for name in inputs}) for n in range(length)}


@pytest.mark.parametrize(
    ("kind", "length", "inputs"),
    [
        ("AnySwitch", 200, {"a": "", "b": ""}),
        ("Join", 200, {"sigmas_a": "", "sigmas_b": ""}),
        ("Reroute", 3000, {"": ""}),
        ("Modify", 3000, {"sigmas": ""}),
        ("AnySwitch", 6000, {"a": "", "b": ""}),
    ],
)
def test_long_and_forked_graphs_are_walked_once(kind: str, length: int, inputs: dict[str, str]):
    graph = graph_of(sch=node("BasicScheduler", model=["m", 0], steps=20), **chain(kind, length, inputs))
    graph["s"] = node("SamplerCustom", model=["m", 0], sigmas=[f"c{length - 1}", 0], latent_image=["l", 0])
    # Walked twice at each fork, this would never end.
    assert find_steps(graph, OUTPUT)


def test_many_samplers_and_circles_are_walked_once():
    many = {f"k{n}": sampler(["n", 0], latent_image=[f"k{n - 1}" if n else "l", 0]) for n in range(2000)}
    row = {f"r{n}": sampler(20, latent_image=[f"r{n - 1}" if n else "l", 0]) for n in range(1000)}
    circle = {"w": node("AnySwitch", a=["sch", 0], b=["w", 0]), "sch": node("BasicScheduler", model=["m", 0], steps=9)}
    assert places(graph_of(s=sampler(["n", 0], latent_image=["k1999", 0]), n=node("PrimitiveInt", value=9), **many))
    assert refused(graph_of(s=sampler(latent_image=["r999", 0]), **row)).why == "several"
    find_steps(graph_of(s=node("SamplerCustom", sigmas=["w", 0], latent_image=["l", 0]), **circle), OUTPUT)


def test_a_fixed_schedule_is_resampled_on_request():
    custom = {"s": node("SamplerCustom", model=["m", 0], sigmas=["x", 0], latent_image=["l", 0])}
    graph = graph_of(x=node("ManualSigmas", sigmas="1.0, 0.25, 0.0"), **custom)
    found = find_steps(graph, OUTPUT, resample=True)
    assert isinstance(found, Found)
    assert found.steps == 2
    assert levels_in(with_steps(graph, found, 3)["x"]["inputs"]["sigmas"]) == pytest.approx([1.0, 0.5, 0.25, 0.0])


def test_resampling_keeps_the_ends_and_the_curve():
    assert levels_in(resampled("8, 2", 4)) == pytest.approx([8, 4 * 2**0.5, 4, 2 * 2**0.5, 2])
    assert resampled("1.0, 0.5, 0.25, 0", 3) == "1, 0.5, 0.25, 0"
    # ManualSigmas reads no exponents.
    assert "e" not in resampled("1, 0.01, 0.0001, 0.00001, 0", 8)
    with pytest.raises(ValueError, match="fixed_sigmas: expected at least 2"):
        resampled("1.0, 0", 4)


def test_sampler_scheduler_and_denoise_are_read_where_they_are_used():
    graph = graph_of(
        n=node("PrimitiveInt", value=20),
        sch=node("BasicScheduler", model=["m", 0], steps=["n", 0], scheduler="karras", denoise=0.5),
        pick=node("KSamplerSelect", sampler_name="dpmpp_2m"),
        way=node("Reroute", **{"": ["pick", 0]}),
        g=node("CFGGuider", model=["m", 0], cfg=3.5),
        noise=node("RandomNoise", noise_seed=7),
        quiet=node("Reroute", **{"": ["noise", 0]}),
        s=node(
            "SamplerCustomAdvanced",
            guider=["g", 0],
            sampler=["way", 0],
            sigmas=["sch", 0],
            noise=["quiet", 0],
            latent_image=["l", 0],
        ),
    )
    found = find_steps(graph, OUTPUT)
    assert isinstance(found, Found)
    assert sampling_of(Above(graph, OUTPUT), found) == GraphSampling("dpmpp_2m", "karras", 3.5, 0.5)
    seeds = find_seeds(graph, OUTPUT, found)
    assert seeds == (Place("noise", "noise_seed"),)
    assert with_seeds(graph, seeds, 2)["noise"]["inputs"]["noise_seed"] == 9
    largest = graph | {"noise": node("RandomNoise", noise_seed=2**64 - 1)}
    assert with_seeds(largest, seeds, 1)["noise"]["inputs"]["noise_seed"] == 0


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"width": 64, "length": 81}, True),
        ({"width": 64, "length": 1}, False),
        ({"num_frames": 16}, True),
        ({"text": "x", "length": 81}, False),
        ({"width": 64, "batch_size": 4}, False),
    ],
)
def test_a_video_is_known_by_its_length(inputs: dict[str, Any], expected: bool):
    assert is_video(Above(graph_of(s=sampler(), l=node("SomeLatent", **inputs)), OUTPUT)) is expected
