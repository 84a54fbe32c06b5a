"""Compare This Workflow in a running ComfyUI: one wire gives the same images as separate prompts, to the bit."""

import json
import wave
from typing import Any

import av
import pytest

from .conftest import Client, Prompt, PromptFailed, PromptRefused, demo_graph, faulty, sampler_node, with_options


def node(class_type: str, /, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def wire(images: str, steps: str = "2, 4, 5", **inputs: Any) -> dict[str, Any]:
    return node(
        "SweetSpotCompareWorkflow",
        **with_options({"images": [images, 0], "steps": steps, "kept_as": "float32"} | inputs),
    )


def decode(samples: str, slot: int = 0) -> dict[str, Any]:
    return node("VAEDecode", samples=[samples, slot], vae=["model", 2])


def hashes(comfyui: Client, graph: Prompt, images: str) -> list[str]:
    return comfyui.run({**graph, "hash": node("TestsHashImages", images=[images, 0])})["hash"]["hashes"]


def report_of(outputs: dict[str, dict[str, Any]], compare: str = "compare") -> dict[str, Any]:
    return json.loads(outputs[compare]["comparison"][0]["report"])


KSAMPLER = {
    **demo_graph(),
    "sampler": sampler_node("KSampler", steps=4),
    "images": decode("sampler"),
}
ADVANCED = {
    **demo_graph(),
    "high": node(
        "KSamplerAdvanced",
        model=["model", 0],
        add_noise="enable",
        noise_seed=3,
        steps=4,
        cfg=2.0,
        sampler_name="euler",
        scheduler="simple",
        positive=["positive", 0],
        negative=["negative", 0],
        latent_image=["latent", 0],
        start_at_step=0,
        end_at_step=2,
        return_with_leftover_noise="enable",
    ),
    "low": node(
        "KSamplerAdvanced",
        model=["model", 0],
        add_noise="disable",
        noise_seed=3,
        steps=4,
        cfg=2.0,
        sampler_name="euler",
        scheduler="simple",
        positive=["positive", 0],
        negative=["negative", 0],
        latent_image=["high", 0],
        start_at_step=2,
        end_at_step=10000,
        return_with_leftover_noise="disable",
    ),
    "images": decode("low"),
}


def custom(guider: dict[str, Any], sigmas: dict[str, Any]) -> Prompt:
    return {
        **demo_graph(),
        "guider": guider,
        "sigmas": sigmas,
        "noise": node("RandomNoise", noise_seed=5),
        "solver": node("KSamplerSelect", sampler_name="euler"),
        "sampler": node(
            "SamplerCustomAdvanced",
            noise=["noise", 0],
            guider=["guider", 0],
            sampler=["solver", 0],
            sigmas=["sigmas", 0],
            latent_image=["latent", 0],
        ),
        "images": decode("sampler"),
    }


BASIC_SIGMAS = node("BasicScheduler", model=["model", 0], scheduler="simple", steps=4, denoise=1.0)
CFG_GUIDER = node("CFGGuider", model=["model", 0], positive=["positive", 0], negative=["negative", 0], cfg=2.0)
BASIC_GUIDER = node("BasicGuider", model=["model", 0], conditioning=["positive", 0])
LTXV_SIGMAS = node("LTXVScheduler", steps=4, max_shift=2.05, base_shift=0.95, stretch=True, terminal=0.1)
FLUX2_SIGMAS = node("Flux2Scheduler", steps=4, width=64, height=64)


def sampler_custom(sigmas: dict[str, Any]) -> Prompt:
    return {
        **demo_graph(),
        "sigmas": sigmas,
        "solver": node("KSamplerSelect", sampler_name="euler"),
        "sampler": node(
            "SamplerCustom",
            model=["model", 0],
            add_noise=True,
            noise_seed=5,
            cfg=2.0,
            positive=["positive", 0],
            negative=["negative", 0],
            sampler=["solver", 0],
            sigmas=["sigmas", 0],
            latent_image=["latent", 0],
        ),
        "images": decode("sampler"),
    }


HIRES = {
    **KSAMPLER,
    "larger": node("LatentUpscaleBy", samples=["sampler", 0], upscale_method="nearest-exact", scale_by=1.5),
    "second": sampler_node("KSampler", steps=3, denoise=0.5, latent_image=["larger", 0]),
    "images": decode("second"),
}
INPAINT = {
    **KSAMPLER,
    "start": node("EmptyImage", width=64, height=64, batch_size=1, color=8421504),
    "mask": node("SolidMask", value=1.0, width=64, height=64),
    "inpaint": node("VAEEncodeForInpaint", pixels=["start", 0], vae=["model", 2], mask=["mask", 0], grow_mask_by=2),
    "sampler": sampler_node("KSampler", steps=4, latent_image=["inpaint", 0]),
}
PRIMITIVE = {
    **KSAMPLER,
    "number": node("TestsWholeNumber", value=4),
    "sampler": sampler_node("KSampler", steps=["number", 0]),
}
ARITHMETIC = {
    **KSAMPLER,
    "number": node("TestsArithmetic", a=2, b=2),
    "sampler": sampler_node("KSampler", steps=["number", 0]),
}
PRESET = {
    **KSAMPLER,
    "preset": node("SweetSpotPreset", model=["model", 0], quality="balanced"),
    "sampler": sampler_node("KSampler", model=["preset", 0], steps=["preset", 2]),
}
PLAN = {
    **KSAMPLER,
    "preset": node("SweetSpotPreset", model=["model", 0], quality="balanced"),
    "sampler": sampler_node("SweetSpotSampler", model=["preset", 0], plan=["preset", 1]),
}
BUNDLED = {
    "pipe": node("TestsBundleSettings", size=64, seed=1),
    "images": node(
        "TestsBundledSampler", pipe=["pipe", 0], num_inference_steps=4, seed=2, fresh_noise=False, fail_at=0
    ),
}
BATCH = {**KSAMPLER, **demo_graph(batch=2)}

# name -> graph, which inputs hold the step count, further inputs of the node
CASES: dict[str, tuple[Prompt, list[tuple[str, str]], dict[str, Any]]] = {
    "KSampler": (KSAMPLER, [("sampler", "steps")], {}),
    "a batch": (BATCH, [("sampler", "steps")], {}),
    "BasicScheduler with CFGGuider": (custom(CFG_GUIDER, BASIC_SIGMAS), [("sigmas", "steps")], {}),
    "BasicScheduler with BasicGuider": (custom(BASIC_GUIDER, BASIC_SIGMAS), [("sigmas", "steps")], {}),
    "LTXVScheduler": (sampler_custom(LTXV_SIGMAS), [("sigmas", "steps")], {}),
    "Flux2Scheduler": (sampler_custom(FLUX2_SIGMAS), [("sigmas", "steps")], {}),
    "the first stage of a hires fix": (HIRES, [("sampler", "steps")], {"sampler": "sampler"}),
    "the second stage of a hires fix": (HIRES, [("second", "steps")], {"sampler": "second"}),
    "inpainting": (INPAINT, [("sampler", "steps")], {}),
    "a primitive": (PRIMITIVE, [("number", "value")], {}),
    "arithmetic": (ARITHMETIC, [("sampler", "steps")], {}),
    "a preset": (PRESET, [("sampler", "steps")], {}),
    "a sampler without MODEL": (BUNDLED, [("images", "num_inference_steps")], {}),
}


def at(graph: Prompt, places: list[tuple[str, str]], steps: int) -> Prompt:
    changed = json.loads(json.dumps(graph))
    for node_id, name in places:
        changed[node_id]["inputs"][name] = steps
    return changed


@pytest.mark.parametrize("case", CASES)
def test_one_wire_gives_the_images_of_separate_prompts(comfyui: Client, case: str):
    graph, places, more = CASES[case]
    separate = [sum_ for steps in (2, 4, 5) for sum_ in hashes(comfyui, at(graph, places, steps), "images")]
    assert len(set(separate)) == len(separate)
    assert hashes(comfyui, {**graph, "compare": wire("images", cache_megabytes=0, **more)}, "compare") == separate


def test_advanced_samplers_in_a_row_move_their_bounds(comfyui: Client):
    separate = []
    for steps, bound in ((2, 1), (4, 2), (6, 3)):
        graph = at(ADVANCED, [("high", "steps"), ("low", "steps")], steps)
        graph = at(graph, [("high", "end_at_step"), ("low", "start_at_step")], bound)
        separate += hashes(comfyui, graph, "images")
    graph = {**ADVANCED, "compare": wire("images", "2, 4, 6", cache_megabytes=0)}
    assert hashes(comfyui, graph, "compare") == separate


def test_a_plan_of_the_step_aware_sampler(comfyui: Client):
    separate = []
    for steps in (2, 4, 5):
        graph = {
            **PLAN,
            "plan": node("SweetSpotPlan", plan=["preset", 1], steps=steps),
            "sampler": sampler_node("SweetSpotSampler", model=["preset", 0], plan=["plan", 0]),
        }
        separate += hashes(comfyui, graph, "images")
    assert hashes(comfyui, {**PLAN, "compare": wire("images", cache_megabytes=0)}, "compare") == separate


def ran(comfyui: Client, graph: Prompt) -> list[int]:
    """Run a graph with a comparison and return the step counts that the bundled sampler ran."""
    return comfyui.run({**graph, "ran": node("TestsRunsOfBundledSampler", after=["compare", 3])})["ran"]["ran"]


def bundled(seed: int, steps: str, **inputs: Any) -> Prompt:
    graph = at(BUNDLED, [("images", "seed")], seed)
    return {**graph, "compare": wire("images", steps, **inputs)}


def test_only_new_counts_run_also_after_an_unchanged_queue(comfyui: Client):
    ran(comfyui, bundled(101, "12"))
    assert ran(comfyui, bundled(102, "12, 16")) == [12, 16]
    assert ran(comfyui, bundled(102, "12, 16")) == []
    assert ran(comfyui, bundled(102, "12, 16, 20")) == [20]
    # The graph's own count, 4, is the run of the graph itself.
    assert ran(comfyui, bundled(102, "4, 12, 16, 20")) == [4]
    assert ran(comfyui, bundled(103, "12, 16")) == [12, 16]
    assert ran(comfyui, bundled(102, "4, 12, 16, 20")) == []
    assert sorted(ran(comfyui, bundled(102, "4, 12, 16", cache_megabytes=0))) == [4, 12, 16]


def test_a_sampler_is_tested_for_noise_only_once(comfyui: Client):
    # At these counts, its images still differ visibly.
    ran(comfyui, bundled(105, "12"))
    assert sorted(ran(comfyui, bundled(106, "2, 9"))) == [2, 8, 9, 9]
    assert ran(comfyui, bundled(106, "2, 3, 9")) == [3]


def test_a_node_that_always_changes_is_never_reused(comfyui: Client):
    graph = bundled(110, "12, 16")
    graph["always"] = node("TestsAlwaysChanged", image=["images", 0])
    graph["compare"] = wire("always", "12, 16")
    assert not set(hashes(comfyui, graph, "compare")) & set(hashes(comfyui, graph, "compare"))


def test_what_the_node_shows_is_in_the_history_also_of_an_unchanged_queue(comfyui: Client):
    graph = bundled(120, "2, 6, 12")
    first, second = (comfyui.run(graph)["compare"]["comparison"][0] for _ in range(2))
    assert set(first) == {"report", "viewer", "markdown", "text", "images"}
    assert first == second


def test_auto_asks_for_branches_until_the_verdict_stands(comfyui: Client):
    outputs = comfyui.run({**KSAMPLER, "compare": wire("images", "auto", cache_megabytes=0)})
    report = report_of(outputs)
    assert len(report["runs"]) > 3
    assert report["sweet_spot"]["answer"] in ("enough", "not yet")


def test_seeds_count_up_from_the_graphs_own(comfyui: Client):
    separate = [
        sum_
        for steps in (2, 5)
        for seed in (11, 12)
        for sum_ in hashes(
            comfyui, at(at(KSAMPLER, [("sampler", "steps")], steps), [("sampler", "seed")], seed), "images"
        )
    ]
    assert hashes(comfyui, {**KSAMPLER, "compare": wire("images", "2, 5", seeds=2)}, "compare") == separate


def test_times_are_the_samplers_own(comfyui: Client):
    runs = report_of(comfyui.run({**KSAMPLER, "compare": wire("images", "2, 3, 4", cache_megabytes=0)}))["runs"]
    assert [run["timing"] for run in runs] == ["sampling", "sampling", "estimated"]
    assert [run["model_calls"] for run in runs] == [2, 3, 4]
    runs = report_of(comfyui.run(bundled(130, "2, 3")))["runs"]
    assert [(run["timing"], run["model_calls"]) for run in runs] == [("node", None)] * 2


def test_a_sampler_that_proves_to_inject_noise_has_no_sweet_spot(comfyui: Client):
    graph = at(bundled(140, "3, 6, 12", cache_megabytes=0), [("images", "fresh_noise")], True)
    assert report_of(comfyui.run(graph))["sweet_spot"]["answer"] == "none"
    # Where two seeds look the same, neighbouring counts do, too, and that is no noise.
    sound = node("TestsBundledSound", pipe=["pipe", 0], num_inference_steps=4, seed=3)
    audio = {"pipe": BUNDLED["pipe"], "sound": sound}
    audio["compare"] = node("SweetSpotCompareAudio", audio=["sound", 0], steps="1, 3, 16")
    assert report_of(comfyui.run(audio))["sweet_spot"]["answer"] != "none"
    still = report_of(comfyui.run(bundled(140, "3, 6, 12")))["sweet_spot"]
    assert still["answer"] != "none"


def test_an_error_names_the_count_and_finished_counts_are_kept(comfyui: Client):
    graph = bundled(150, "12, 16, 20")
    ran(comfyui, bundled(151, "12"))
    graph["images"]["inputs"]["fail_at"] = 20
    with pytest.raises(PromptFailed, match="this sampler fails"):
        comfyui.run(graph)
    graph["compare"]["inputs"]["steps"] = "12, 16"
    # What ran before the error.
    assert ran(comfyui, graph) == [12, 16]
    faulty_model = {**KSAMPLER, "faulty": faulty("raise", 6), "compare": wire("images", "2, 5")}
    faulty_model["sampler"] = sampler_node("KSampler", steps=4, model=["faulty", 0])
    assert "5 steps in node sampler (KSampler): " in faults(comfyui, faulty_model)


def faults(comfyui: Client, graph: Prompt) -> str:
    with pytest.raises(PromptFailed) as failure:
        comfyui.run(graph)
    assert failure.value.node_type == "SweetSpotCompareWorkflow"
    return failure.value.message


def test_several_samplers_are_listed_to_choose_from(comfyui: Client):
    message = faults(comfyui, {**HIRES, "compare": wire("images")})
    assert message.startswith("sampler:")
    assert "sampler (" in message
    assert "second (" in message
    assert "4 steps" in message
    assert "denoise 0.5" in message
    assert "nothing" in faults(comfyui, {**HIRES, "compare": wire("images", sampler="nothing")})


def test_what_cannot_be_compared_is_refused_with_the_reason(comfyui: Client):
    fixed = sampler_custom(node("ManualSigmas", sigmas="1.0, 0.8, 0.5, 0.2, 0.0"))
    assert "fixed" in faults(comfyui, {**fixed, "compare": wire("images")})
    assert "step count" in faults(
        comfyui, {"images": node("EmptyImage", width=64, height=64, batch_size=1, color=0), "compare": wire("images")}
    )
    assert "comparison" in faults(
        comfyui, {**KSAMPLER, "compare": wire("images", "2, 3"), "again": wire("compare", "2, 3")}
    )
    assert faults(comfyui, {**ADVANCED, "compare": wire("images", "1, 4")}).startswith("steps: at 1 step,")
    with pytest.raises(PromptRefused):
        comfyui.queue({**KSAMPLER, "compare": wire("images", "4, many")})


def test_fixed_sigmas_can_be_resampled(comfyui: Client):
    fixed = sampler_custom(node("ManualSigmas", sigmas="1.0, 0.8, 0.5, 0.2, 0.0"))
    outputs = comfyui.run({**fixed, "compare": wire("images", "4, 8", fixed_sigmas="resample")})
    assert [run["steps"] for run in report_of(outputs)["runs"]] == [4, 8]


def test_several_comparisons_in_one_graph(comfyui: Client):
    graph = {**KSAMPLER, **{f"b_{name}": entry for name, entry in BUNDLED.items() if name == "pipe"}}
    graph["other"] = {
        **BUNDLED["images"],
        "inputs": {**BUNDLED["images"]["inputs"], "pipe": ["b_pipe", 0], "seed": 160},
    }
    graph |= {"one": wire("images", "2, 3"), "two": wire("other", "5, 6")}
    outputs = comfyui.run(graph)
    assert [run["steps"] for run in report_of(outputs, "one")["runs"]] == [2, 3]
    assert [run["steps"] for run in report_of(outputs, "two")["runs"]] == [5, 6]


@pytest.mark.parametrize("case", ["KSampler", "BasicScheduler with CFGGuider", "LTXVScheduler"])
def test_the_check_runs_the_same_workflow_with_another_solver(comfyui: Client, case: str):
    graph = CASES[case][0]
    outputs = comfyui.run({**graph, "compare": wire("images", "6, 12, 24", check="on")})
    check = report_of(outputs)["check"]
    assert check["sampler"] == "dpmpp_2m"
    assert check["steps"] in (12, 24, 48)
    # The same verdict also from what is kept.
    again = report_of(comfyui.run({**graph, "compare": wire("images", "6, 12, 24", check="on", price=1.0)}))
    assert again["check"]["similarity"] == check["similarity"]
    assert all(run["reused"] for run in again["runs"])


@pytest.mark.parametrize("shift", [2.0, 6.0])
def test_the_check_is_that_of_multi_step_compare(comfyui: Client, shift: float):
    graph = {**KSAMPLER, "shifted": node("ModelSamplingAuraFlow", model=["model", 0], shift=shift)}
    graph["sampler"] = sampler_node("KSampler", steps=4, model=["shifted", 0])
    steps = {"steps": "6, 12, 24", "check": "on"}
    ours = report_of(comfyui.run({**graph, "compare": wire("images", **steps, cache_megabytes=0, kept_as="8 bit")}))
    inputs = {name: value for name, value in graph["sampler"]["inputs"].items() if name != "steps"}
    rare = with_options(steps | {"cache_megabytes": 0, "together": "off"})
    compare = node("SweetSpotCompare", **inputs, vae=["model", 2], **rare)
    theirs = json.loads(comfyui.run({**graph, "compare": compare})["compare"]["report"][0])
    for name in ("steps", "similarity", "agrees", "scheduler", "shift"):
        assert ours["check"][name] == theirs["check"][name]
    assert ours["sweet_spot"] == theirs["sweet_spot"]


def test_without_a_sampler_to_replace_there_is_no_check(comfyui: Client):
    assert report_of(comfyui.run(bundled(170, "12, 16", check="on")))["check"] is None
    advanced = {**ADVANCED, "compare": wire("images", "2, 4", check="on")}
    report = report_of(comfyui.run(advanced))
    assert report["check"] is None
    assert any("no check" in note for note in report["notes"])


@pytest.mark.parametrize("name", ["dpm_adaptive", "dpm_fast", "euler_ancestral"])
def test_samplers_without_a_sweet_spot_have_none(comfyui: Client, name: str):
    graph = {**KSAMPLER, "sampler": sampler_node("KSampler", sampler_name=name), "compare": wire("images", "3, 6")}
    assert report_of(comfyui.run(graph))["sweet_spot"]["answer"] == "none"


def test_words_stand_for_the_models_own_counts(comfyui: Client):
    runs = report_of(comfyui.run({**KSAMPLER, "compare": wire("images", "draft, balanced")}))["runs"]
    preset = {**KSAMPLER, "preset": node("SweetSpotPreset", model=["model", 0], quality="draft")}
    preset["shown"] = node("PreviewAny", source=["preset", 2])
    assert str(runs[0]["steps"]) == comfyui.run(preset)["shown"]["text"][0]


VIDEO = {
    **KSAMPLER,
    "latent": node("TestsVideoLatent", width=64, height=64, length=9),
    "vae": node("TestsOddVAE", vae=["model", 2], kind="video", at_decode=0),
    "images": node("VAEDecode", samples=["sampler", 0], vae=["vae", 0]),
}


def test_a_video_is_compared_by_chosen_frames_and_comes_with_a_clip(comfyui: Client):
    separate = []
    for steps in (2, 5):
        frames = hashes(comfyui, at(VIDEO, [("sampler", "steps")], steps), "images")
        separate += [frames[0], frames[4], frames[8]]
    video = node("CreateVideo", images=["images", 0], fps=12.0)
    graph = {**VIDEO, "video": video, "compare": wire("images", "2, 5")}
    assert hashes(comfyui, graph, "compare") == separate
    viewer = json.loads(comfyui.run(graph)["compare"]["comparison"][0]["viewer"])
    for run in viewer["series"][0]["runs"]:
        clip = comfyui.server.base / "temp" / viewer["subfolder"] / run["clip"]
        with av.open(str(clip)) as container:
            stream = container.streams.video[0]
            assert (stream.frames, float(stream.average_rate)) == (9, 12.0)


def test_sounds_are_compared_by_their_spectrograms_and_can_be_played(comfyui: Client):
    graph = {
        "pipe": BUNDLED["pipe"],
        "sound": node("TestsBundledSound", pipe=["pipe", 0], num_inference_steps=4, seed=2),
        "compare": node("SweetSpotCompareAudio", audio=["sound", 0], steps="1, 3, 16, 20"),
    }
    outputs = comfyui.run(graph)
    report = report_of(outputs)
    assert report["sweet_spot"]["steps"] == 16
    alike = [run["similarity"] for run in report["runs"]]
    assert alike == sorted(alike)
    viewer = json.loads(outputs["compare"]["comparison"][0]["viewer"])
    clip = comfyui.server.base / "temp" / viewer["subfolder"] / viewer["series"][0]["runs"][0]["clip"]
    with wave.open(str(clip)) as sound:
        assert (sound.getnchannels(), sound.getframerate(), sound.getnframes()) == (2, 16000, 32000)


def test_inside_a_subgraph_too(comfyui: Client):
    inside = json.loads(json.dumps(KSAMPLER).replace('"sampler"', '"19:7"').replace('"latent"', '"19:3:4"'))
    graph = {**inside, "compare": wire("images", cache_megabytes=0)}
    separate = [
        sum_ for steps in (2, 4, 5) for sum_ in hashes(comfyui, at(KSAMPLER, [("sampler", "steps")], steps), "images")
    ]
    assert hashes(comfyui, graph, "compare") == separate


def test_a_model_that_is_no_longer_compared_is_freed(comfyui: Client):
    def alive(number: int) -> list[int]:
        graph = {**KSAMPLER, "counted": node("TestsCountedModel", model=["model", 0], number=number)}
        graph["sampler"] = sampler_node("KSampler", model=["counted", 0], seed=900 + number)
        graph |= {"compare": wire("images", "2, 4"), "alive": node("TestsAliveModels", after=["compare", 3])}
        return comfyui.run(graph)["alive"]["alive"]

    alive(1)
    alive(2)
    # All runs are kept, so that nothing but the verdict runs.
    assert alive(1) in ([], [1])


def test_a_list_of_step_lists_gives_a_comparison_each(comfyui: Client):
    graph = bundled(180, "3")
    graph["lists"] = node("TestsStepLists", text="12, 16; 20, 24")
    graph["compare"]["inputs"]["steps"] = ["lists", 0]
    graph["shown"] = node("PreviewAny", source=["compare", 2])
    shown = comfyui.run(graph)["shown"]["text"]
    assert [[run["steps"] for run in json.loads(text)["runs"]] for text in shown] == [[12, 16], [20, 24]]


def test_auto_leaves_out_counts_that_the_workflow_cannot_run(comfyui: Client):
    graph = at(ADVANCED, [("high", "steps"), ("low", "steps")], 25)
    graph = at(graph, [("high", "end_at_step"), ("low", "start_at_step")], 24)
    report = report_of(comfyui.run({**graph, "compare": wire("images", "auto")}))
    assert all(run["steps"] > 12 for run in report["runs"])
    assert any("left out 6, 12" in note for note in report["notes"])


def test_samplers_that_share_a_primitive_are_varied_together_or_alone(comfyui: Client):
    graph = {**HIRES, "number": node("TestsWholeNumber", value=4)}
    for name in ("sampler", "second"):
        graph[name] = {**HIRES[name], "inputs": {**HIRES[name]["inputs"], "steps": ["number", 0]}}
    together = [hashes(comfyui, at(graph, [("number", "value")], steps), "images")[0] for steps in (2, 5)]
    alone = [hashes(comfyui, at(graph, [("second", "steps")], steps), "images")[0] for steps in (2, 5)]
    assert hashes(comfyui, {**graph, "compare": wire("images", "2, 5")}, "compare") == together
    assert hashes(comfyui, {**graph, "compare": wire("images", "2, 5", sampler="second")}, "compare") == alone
    notes = report_of(comfyui.run({**graph, "compare": wire("images", "2, 5")}))["notes"]
    assert any("varied together" in note for note in notes)
    assert not any("kept their steps" in note for note in notes)
