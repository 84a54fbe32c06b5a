"""Step-Aware Sampler: a trace that tells the truth, and its extras."""

import json

import pytest
import torch
from sweetspot.cli.demo import get_json


def trace_of(comfyui, graph, **settings) -> dict:
    outputs = comfyui.run(
        graph.demo() | {"ours": graph.sampler("SweetSpotSampler", **settings), "trace": graph.show("ours", 3)}
    )
    return json.loads(outputs["trace"]["text"][0])


def test_the_trace_holds_the_schedule(comfyui, graph):
    trace = trace_of(comfyui, graph, steps=4)
    levels = [step["sigma"] for step in trace["steps"]]
    assert levels == pytest.approx([1.0, 0.75, 0.5, 0.25])
    assert trace["steps"][-1]["sigma_next"] == 0
    assert [step["change"] is None for step in trace["steps"]] == [True, False, False, False]
    assert all(step["change"] > 0 for step in trace["steps"][1:])
    assert 0 < sum(step["seconds"] for step in trace["steps"]) <= trace["seconds"]


# Facts: at 12 steps these call the model so often; dpm_adaptive ignores the count, all others call 12 times.
TWICE = "heun dpm_2 exp_heun_2_x0 exp_heun_2_x0_sde dpm_2_ancestral dpmpp_2s_ancestral dpmpp_2s_ancestral_cfg_pp"
TWICE += " dpmpp_sde dpmpp_sde_gpu seeds_2 sa_solver_pece"
CALLS = dict.fromkeys(TWICE.split(), 23) | {"heunpp2": 33, "seeds_3": 34}


def test_the_trace_counts_steps_and_model_calls_of_every_sampler(comfyui, graph):
    """One prompt for all: a sampler that is miscounted is named by the key."""
    listed = get_json(comfyui.server, "/object_info/KSampler")["KSampler"]["input"]["required"]["sampler_name"][0]
    names = [name for name in listed if name != "dpm_adaptive"]
    nodes = {name: graph.sampler("SweetSpotSampler", sampler_name=name, steps=12) for name in names}
    shown = {f"{name} trace": graph.show(name, 3) for name in names}
    outputs = comfyui.run(graph.demo(size=32) | nodes | shown)
    traces = {name: json.loads(outputs[f"{name} trace"]["text"][0]) for name in names}
    told = {name: (trace["steps_run"], trace["model_calls"]) for name, trace in traces.items()}
    # dpm_fast spends the count as calls, up to three a step: 3 + 3 + 3 + 2 + 1.
    assert told == {name: (12, CALLS.get(name, 12)) for name in names} | {"dpm_fast": (5, 12)}
    for trace in traces.values():
        levels = [step["sigma"] for step in trace["steps"]]
        assert levels == sorted(levels, reverse=True)
        assert sum(step["model_calls"] for step in trace["steps"]) == trace["model_calls"]
        assert sum(step["seconds"] for step in trace["steps"]) == pytest.approx(trace["seconds"], rel=0.01)


def test_the_trace_tells_steps_asked_from_steps_scheduled(comfyui, graph):
    trace = trace_of(comfyui, graph, scheduler="ddim_uniform", steps=7)
    assert trace["steps_asked"] == 7
    assert trace["steps_scheduled"] == trace["steps_run"] != 7


def test_no_denoising_gives_an_empty_trace(comfyui, graph):
    trace = trace_of(comfyui, graph, denoise=0.0)
    assert (trace["steps_asked"], trace["steps_run"], trace["model_calls"]) == (3, 0, 0)


def test_a_linked_plan_wins_over_the_widgets(comfyui, graph):
    outputs = comfyui.run(
        graph.demo()
        | {
            "preset": {"class_type": "SweetSpotPreset", "inputs": {"model": ["model", 0]}},
            "ours": graph.sampler("SweetSpotSampler", plan=["preset", 1], sampler_name="heun", steps=2, cfg=7.0),
            "stock": graph.sampler("KSampler", steps=["preset", 2], cfg=["preset", 3], sampler_name=["preset", 4]),
            "save ours": graph.save_latent("ours"),
            "save stock": graph.save_latent("stock"),
        }
    )
    assert torch.equal(comfyui.latent(outputs, "save ours"), comfyui.latent(outputs, "save stock"))


def test_the_model_is_left_as_it_was(comfyui, graph):
    """A stock run after ours on the same MODEL calls the model as often as before: no wrapper stays behind."""
    prompt = graph.demo() | {
        "ours": graph.sampler("SweetSpotSampler"),
        "after": graph.sampler("SweetSpotSampler", latent_image=["ours", 0], seed=5),
        "trace": graph.show("after", 3),
    }
    assert json.loads(comfyui.run(prompt)["trace"]["text"][0])["model_calls"] == 3


def test_a_latent_with_the_wrong_channels_is_named(comfyui, graph):
    four = {"class_type": "LoadLatent", "inputs": {"latent": "four_channels.latent"}}
    save_four_channels(comfyui.server.base / "input" / "four_channels.latent")
    with pytest.raises(graph.Failed) as caught:
        comfyui.run(
            graph.demo()
            | {
                "four": four,
                "ours": graph.sampler("SweetSpotSampler", latent_image=["four", 0]),
                "save": graph.save_latent("ours"),
            }
        )
    assert caught.value.node_type == "SweetSpotSampler"
    assert "latent_image: expected 16 channels for this model, got 4" in caught.value.message


def save_four_channels(file) -> None:
    from safetensors.torch import save_file

    tensors = {"latent_tensor": torch.ones(1, 4, 8, 8), "latent_format_version_0": torch.tensor([])}
    save_file(tensors, file)


def test_an_unknown_sampler_name_is_refused_not_replaced(comfyui, graph):
    """The stock KSampler would run its first sampler instead when the name comes through a link."""
    with pytest.raises(graph.Failed) as caught:
        comfyui.run(
            graph.demo()
            | {
                "switch": {"class_type": "SweetSpotPreset", "inputs": {"model": ["model", 0]}},
                "ours": graph.sampler("SweetSpotSampler", sampler_name=["switch", 5]),
                "save": graph.save_latent("ours"),
            }
        )
    assert caught.value.node_type == "SweetSpotSampler"
    assert "sampler_name: expected one of euler" in caught.value.message
    assert "got 'simple'" in caught.value.message
