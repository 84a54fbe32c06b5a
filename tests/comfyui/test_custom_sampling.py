"""The custom-sampling graph: any SAMPLER watched, any guider with a window, a plan's SIGMAS."""

import json
from typing import Any

import pytest


def custom(sampler: str, sigmas: str = "sigmas", guider: str = "guider", latent: str = "latent") -> dict:
    inputs = {
        "noise": ["noise", 0],
        "guider": [guider, 0],
        "sampler": [sampler, 0],
        "sigmas": [sigmas, 0],
        "latent_image": [latent, 0],
    }
    return {"class_type": "SamplerCustomAdvanced", "inputs": inputs}


def base(graph, steps: int = 8, model: str = "model", cfg: float = 3.0, batch: int = 1, **sampler: Any) -> dict:
    """Return a custom-sampling graph without its sampling node."""
    conditions = {"positive": ["positive", 0], "negative": ["negative", 0]}
    schedule = {"scheduler": "simple", "steps": steps, "denoise": 1.0}
    return graph.demo(batch=batch) | {
        "noise": {"class_type": "RandomNoise", "inputs": {"noise_seed": 11}},
        "guider": {"class_type": "CFGGuider", "inputs": {"model": [model, 0], "cfg": cfg, **conditions}},
        "sigmas": {"class_type": "BasicScheduler", "inputs": {"model": [model, 0], **schedule}},
        "stock": sampler or {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
    }


def wrapped(sampler: str = "stock", **inputs: Any) -> dict:
    return {"class_type": "SweetSpotWrapSampler", "inputs": {"sampler": [sampler, 0], **inputs}}


def read(sampler: str = "ours", latent: str = "sampled") -> dict:
    return {"class_type": "SweetSpotReadTrace", "inputs": {"sampler": [sampler, 0], "latent": [latent, 0]}}


def windowed(guider: str = "guider", **inputs: Any) -> dict:
    return {"class_type": "SweetSpotGuidanceWindow", "inputs": {"guider": [guider, 0], **inputs}}


def traced(graph, nodes: dict, **inputs: Any) -> dict:
    """Return the graph with its sampler wrapped, sampled and read, beside the stock run of it."""
    return nodes | {
        "ours": wrapped(**inputs),
        "sampled": custom("ours"),
        "plain": custom("stock"),
        "read": read(),
        "trace": graph.show("read", 3),
        "same": graph.equal("plain", "sampled"),
    }


def trace_in(outputs: dict) -> dict:
    return json.loads(outputs["trace"]["text"][0])


SAMPLERS = {
    **{name: {"class_type": "KSamplerSelect", "inputs": {"sampler_name": name}} for name in ("heun", "uni_pc", "lcm")},
    "sde": {
        "class_type": "SamplerDPMPP_2M_SDE",
        "inputs": {"solver_type": "midpoint", "eta": 1.0, "s_noise": 1.0, "noise_device": "cpu"},
    },
    "foreign": {"class_type": "TestsForeignSampler", "inputs": {}},
    "foreign class": {"class_type": "TestsForeignSampler", "inputs": {"own_class": True}},
}


@pytest.mark.parametrize("kind", SAMPLERS)
def test_any_sampler_gives_its_own_result_and_a_trace(comfyui, graph, kind: str):
    outputs = comfyui.run(traced(graph, base(graph, batch=2, **SAMPLERS[kind]), keep_steps="2, -1"))
    trace = trace_in(outputs)
    assert outputs["same"]["equal"] == [True]
    assert (trace["steps_asked"], trace["steps_run"], trace["kept"]) == (8, 8, [2, 8])
    assert trace["model_calls"] == (15 if kind == "heun" else 8)
    assert trace["halves"] == 2 * trace["model_calls"]


def test_a_sampler_that_never_reports_a_step_is_counted_and_said(comfyui, graph):
    silent = {"class_type": "TestsForeignSampler", "inputs": {"calls_back": False}}
    outputs = comfyui.run(traced(graph, base(graph, **silent)))
    assert outputs["same"]["equal"] == [True]
    trace = trace_in(outputs)
    assert (trace["steps_run"], trace["steps_scheduled"], trace["model_calls"]) == (0, 8, 8)


def test_one_may_hold_another(comfyui, graph):
    nodes = traced(graph, base(graph)) | {
        "outer": wrapped("ours"),
        "sampled": custom("outer"),
        "read outer": read("outer"),
        "outer trace": graph.show("read outer", 3),
    }
    outputs = comfyui.run(nodes)
    for trace in (trace_in(outputs), json.loads(outputs["outer trace"]["text"][0])):
        assert (trace["model_calls"], trace["halves"], trace["steps_run"]) == (8, 16, 8)


def test_each_sampling_node_reads_its_own_run_of_a_shared_sampler(comfyui, graph):
    nodes = traced(graph, base(graph)) | {
        "short": {
            "class_type": "BasicScheduler",
            "inputs": {"model": ["model", 0], "scheduler": "simple", "steps": 3, "denoise": 1.0},
        },
        "other": custom("ours", sigmas="short"),
        "read other": read(latent="other"),
        "steps": graph.show("read", 2),
        "other steps": graph.show("read other", 2),
    }
    outputs = comfyui.run(nodes)
    assert (outputs["steps"]["text"], outputs["other steps"]["text"]) == (["8"], ["3"])


def test_a_latent_of_another_sampler_is_refused(comfyui, graph):
    nodes = traced(graph, base(graph)) | {"wrong": read(latent="latent"), "show": graph.show("wrong", 2)}
    with pytest.raises(graph.Failed, match="latent: expected the `output` of the sampling node") as caught:
        comfyui.run(nodes)
    assert caught.value.node_type == "SweetSpotReadTrace"


def test_a_sampler_that_was_not_wrapped_is_refused(comfyui, graph):
    nodes = base(graph) | {"sampled": custom("stock"), "read": read("stock"), "show": graph.show("read", 2)}
    with pytest.raises(graph.Failed, match="sampler: expected the output of Step-Aware Wrapper, got KSAMPLER"):
        comfyui.run(nodes)


def test_it_stops_when_settled(comfyui, graph):
    outputs = comfyui.run(traced(graph, base(graph, steps=40), stop_when_settled=0.1))
    assert 1 < trace_in(outputs)["steps_run"] < 40


@pytest.mark.parametrize(
    "sampler",
    [
        {"class_type": "TestsForeignSampler", "inputs": {}},
        {"class_type": "SamplerEulerAncestral", "inputs": {"eta": 0.5, "s_noise": 1.0}},
    ],
    ids=["foreign", "ancestral"],
)
def test_a_sampler_that_is_not_known_to_settle_is_not_stopped(comfyui, graph, sampler: dict):
    outputs = comfyui.run(traced(graph, base(graph, **sampler), stop_when_settled=0.9))
    assert outputs["same"]["equal"] == [True]
    assert any("stop when settled: not used" in note for note in trace_in(outputs)["notes"])


class TestGuidanceWindow:
    def test_a_guider_with_a_window_is_the_ksamplers_with_the_same(self, comfyui, graph):
        nodes = base(graph) | {
            "windowed": windowed(guidance_window="first half"),
            "ours": wrapped(),
            "sampled": custom("ours", guider="windowed"),
            "read": read(),
            "trace": graph.show("read", 3),
            "k": graph.sampler("SweetSpotSampler", steps=8, cfg=3.0, guidance_window="first half"),
            "same": graph.equal("k", "sampled"),
        }
        outputs = comfyui.run(nodes)
        assert outputs["same"]["equal"] == [True]
        trace = trace_in(outputs)
        assert [step["cfg"] for step in trace["steps"]] == [3.0] * 4 + [1.0] * 4
        assert any("first half; source" in note for note in trace["notes"])

    def test_the_guider_that_was_linked_stays_as_it_was(self, comfyui, graph):
        nodes = base(graph) | {
            "windowed": windowed(guidance_window="by fractions", window_end=0.0),
            "sampled": custom("stock", guider="windowed"),
            "plain": custom("stock"),
            "k": graph.sampler("KSampler", steps=8, cfg=3.0),
            "without": graph.sampler("KSampler", steps=8, cfg=1.0),
            "same": graph.equal("k", "plain"),
            "none": graph.equal("without", "sampled"),
        }
        outputs = comfyui.run(nodes)
        assert outputs["same"]["equal"] == [True]
        assert outputs["none"]["equal"] == [True]

    def test_the_adaptive_window_starts_anew_in_every_run(self, comfyui, graph):
        nodes = base(graph, steps=16) | {
            "windowed": windowed(guidance_window="adaptive"),
            "first": custom("stock", guider="windowed"),
            "noise 2": {"class_type": "RandomNoise", "inputs": {"noise_seed": 12}},
            "second": custom("stock", guider="windowed"),
            "fresh": windowed(guidance_window="adaptive", window_end=0.5),
            "alone": custom("stock", guider="fresh"),
            "same": graph.equal("second", "alone"),
            "other": graph.equal("first", "second"),
        }
        nodes["second"]["inputs"]["noise"] = nodes["alone"]["inputs"]["noise"] = ["noise 2", 0]
        outputs = comfyui.run(nodes)
        assert outputs["other"]["equal"] == [False]
        assert outputs["same"]["equal"] == [True]

    def test_a_guider_with_a_list_of_scales_is_traced_and_refused_a_window(self, comfyui, graph):
        conditions = {"positive": ["positive", 0], "negative": ["negative", 0], "scales": True}
        nodes = base(graph, steps=4) | {
            "other": {"class_type": "TestsForeignGuider", "inputs": {"model": ["model", 0], **conditions}},
            "ours": wrapped(),
            "sampled": custom("ours", guider="other"),
            "read": read(),
            "trace": graph.show("read", 3),
        }
        steps = trace_in(comfyui.run(nodes))["steps"]
        assert [(step["cfg"], step["halves"]) for step in steps] == [(3.0, 2), (2.0, 2), (1.0, 1), (1.0, 1)]
        nodes["windowed"] = windowed("other", guidance_window="first half")
        nodes["sampled"] = custom("ours", guider="windowed")
        with pytest.raises(graph.Failed, match=r"guider: expected .* guidance scale \(cfg\).*; got Guider"):
            comfyui.run(nodes)

    def test_a_guider_with_its_own_loop_is_watched_and_windowed(self, comfyui, graph):
        """It calls the sampler itself, by keywords, past ComfyUI's wrappers for samplers."""
        conditions = {"positive": ["positive", 0], "negative": ["negative", 0], "own_loop": True}
        nodes = base(graph) | {
            "other": {"class_type": "TestsForeignGuider", "inputs": {"model": ["model", 0], **conditions}},
            "windowed": windowed("other", guidance_window="first half"),
            "ours": wrapped(),
            "sampled": custom("ours", guider="windowed"),
            "read": read(),
            "trace": graph.show("read", 3),
        }
        trace = trace_in(comfyui.run(nodes))
        assert [step["cfg"] for step in trace["steps"]] == [3.0] * 4 + [1.0] * 4
        assert any("first half; source" in note for note in trace["notes"])

    def test_a_guider_that_needs_every_half_is_left_alone_and_said(self, comfyui, graph):
        dual = {
            "class_type": "DualCFGGuider",
            "inputs": {
                "model": ["model", 0],
                "cond1": ["positive", 0],
                "cond2": ["negative", 0],
                "negative": ["negative", 0],
                "cfg_conds": 3.0,
                "cfg_cond2_negative": 2.0,
                "style": "nested",
            },
        }
        nodes = base(graph) | {
            "guider": dual,
            "windowed": windowed(guidance_window="first half"),
            "ours": wrapped(),
            "sampled": custom("ours", guider="windowed"),
            "plain": custom("stock"),
            "same": graph.equal("plain", "sampled"),
            "read": read(),
            "trace": graph.show("read", 3),
        }
        outputs = comfyui.run(nodes)
        assert outputs["same"]["equal"] == [True]
        assert any("DualCFG" in note and "computes every half" in note for note in trace_in(outputs)["notes"])

    def test_a_guider_of_another_pack_and_one_of_two_scales(self, comfyui, graph):
        conditions = {"positive": ["positive", 0], "negative": ["negative", 0]}
        foreign = {"class_type": "TestsForeignGuider", "inputs": {"model": ["model", 0], **conditions}}
        dual = {
            "class_type": "DualCFGGuider",
            "inputs": {
                "model": ["model", 0],
                "cond1": ["positive", 0],
                "cond2": ["negative", 0],
                "negative": ["negative", 0],
                "cfg_conds": 3.0,
                "cfg_cond2_negative": 2.0,
                "style": "regular",
            },
        }
        for guider, halves, scale in ((foreign, 8 + 4, 3.0), (dual, 4 * 3 + 4, 3.0)):
            nodes = base(graph) | {
                "other": guider,
                "windowed": windowed("other", guidance_window="first half"),
                "ours": wrapped(),
                "sampled": custom("ours", guider="windowed"),
                "read": read(),
                "trace": graph.show("read", 3),
            }
            trace = trace_in(comfyui.run(nodes))
            assert trace["halves"] == halves
            assert [step["cfg"] for step in trace["steps"]] == [scale] * 4 + [1.0] * 4


class TestPlanSigmas:
    @pytest.mark.parametrize("sampler_name", ["euler", "uni_pc", "dpm_2"])
    def test_its_schedule_and_sampler_give_the_ksamplers_result(self, comfyui, graph, sampler_name: str):
        settings = {"steps": 6, "sampler_name": sampler_name, "scheduler": "karras", "cfg": 3.0}
        nodes = base(graph) | {
            "plan": {"class_type": "SweetSpotPlan", "inputs": settings},
            "planned": {
                "class_type": "SweetSpotPlanSigmas",
                "inputs": {"model": ["model", 0], "plan": ["plan", 0], "denoise": 1.0},
            },
            "k": graph.sampler("KSampler", **settings),
        }
        nodes["sampled"] = custom("stock", sigmas="planned")
        nodes["sampled"]["inputs"]["sampler"] = ["planned", 1]
        nodes["same"] = graph.equal("k", "sampled")
        assert comfyui.run(nodes)["same"]["equal"] == [True]

    def test_a_trained_schedule_is_exact(self, comfyui, graph):
        nodes = base(graph) | {
            "preset": {
                "class_type": "SweetSpotPreset",
                "inputs": {"model": ["model", 0], "variant": "ltx2_distilled"},
            },
            "planned": {
                "class_type": "SweetSpotPlanSigmas",
                "inputs": {"model": ["preset", 0], "plan": ["preset", 1], "denoise": 1.0},
            },
            "ours": wrapped(),
            "sampled": custom("ours", sigmas="planned"),
            "read": read(),
            "trace": graph.show("read", 3),
        }
        levels = [step["sigma"] for step in trace_in(comfyui.run(nodes))["steps"]]
        assert levels == pytest.approx([1.0, 0.99375, 0.9875, 0.98125, 0.975, 0.909375, 0.725, 0.421875], abs=1e-6)


class TestComposes:
    def test_with_nested_latents(self, comfyui, graph, version):
        """Video with audio: samplers see one packed latent, people get both parts back, kept ones too."""
        if version < (0, 28):
            nodes = base(graph, model="halve") | {
                "halve": graph.faulty("halve"),
                "nested": {"class_type": "TestsNestedLatent", "inputs": {}},
                "plain": custom("stock", latent="nested"),
                "same": graph.equal("plain", "plain"),
            }
            with pytest.raises(graph.Failed, match="SamplerCustomAdvanced"):
                comfyui.run(nodes)
            pytest.skip("this ComfyUI's own previews do not take the latents of the tests' nested model")
        nodes = base(graph, model="halve") | {
            "halve": graph.faulty("halve"),
            "nested": {"class_type": "TestsNestedLatent", "inputs": {}},
            "ours": wrapped(keep_steps="2, 4"),
            "sampled": custom("ours", latent="nested"),
            "plain": custom("stock", latent="nested"),
            "same": graph.equal("plain", "sampled"),
            "read": read(),
            "trace": graph.show("read", 3),
            "kept": {"class_type": "TestsEqualLatents", "inputs": {"left": ["read", 4], "right": ["read", 4]}},
            "k": graph.sampler("KSampler", model=["halve", 0], latent_image=["nested", 0], steps=8, cfg=3.0),
            "aware": graph.sampler(
                "SweetSpotSampler", model=["halve", 0], latent_image=["nested", 0], steps=8, cfg=3.0
            ),
            "both": graph.equal("k", "aware"),
        }
        outputs = comfyui.run(nodes)
        assert outputs["same"]["equal"] == outputs["both"]["equal"] == [True]
        assert outputs["same"]["shape"] == [[[2, 16, 3, 8, 8], [2, 16, 20]]]
        assert outputs["kept"]["shape"] == [[[4, 16, 3, 8, 8], [4, 16, 20]]]

    @pytest.mark.parametrize("window", ["always", "first half"])
    def test_with_conditioning_in_areas_and_ranges(self, comfyui, graph, window: str):
        """Areas make several batches of conditions a call; ranges take them away at some levels."""
        area = {"conditioning": ["positive", 0], "width": 64, "height": 128, "x": 0, "y": 0, "strength": 1.0}
        nodes = graph.demo(size=128) | {
            "area": {"class_type": "ConditioningSetArea", "inputs": area},
            "both": {
                "class_type": "ConditioningCombine",
                "inputs": {"conditioning_1": ["area", 0], "conditioning_2": ["negative", 0]},
            },
            "ranged": {
                "class_type": "ConditioningSetTimestepRange",
                "inputs": {"conditioning": ["both", 0], "start": 0.0, "end": 0.6},
            },
            "all": {
                "class_type": "ConditioningCombine",
                "inputs": {"conditioning_1": ["ranged", 0], "conditioning_2": ["negative", 0]},
            },
            "stock": graph.sampler("KSampler", positive=["all", 0], steps=6),
            "ours": graph.sampler("SweetSpotSampler", positive=["all", 0], steps=6, guidance_window=window),
            "same": graph.equal("stock", "ours"),
            "trace": graph.show("ours", 3),
        }
        outputs = comfyui.run(nodes)
        assert outputs["same"]["equal"] == [window == "always"]
        assert trace_in(outputs)["halves"] == (12 if window == "always" else 9)

    def test_with_a_controlnet_and_a_mask(self, comfyui, graph):
        nodes = graph.demo() | {
            "controlled": {"class_type": "TestsApplyControl", "inputs": {"conditioning": ["positive", 0]}},
            "solid": {"class_type": "SolidMask", "inputs": {"value": 0.5, "width": 64, "height": 64}},
            "first": graph.sampler("KSampler", steps=6),
            "masked": {"class_type": "SetLatentNoiseMask", "inputs": {"samples": ["first", 0], "mask": ["solid", 0]}},
        }
        common = {"positive": ["controlled", 0], "latent_image": ["masked", 0], "steps": 6}
        nodes |= {
            "stock": graph.sampler("KSampler", **common),
            "ours": graph.sampler("SweetSpotSampler", **common),
            "windowed": graph.sampler("SweetSpotSampler", **common, guidance_window="first half"),
            "without": graph.sampler("KSampler", **(common | {"positive": ["positive", 0]})),
            "same": graph.equal("stock", "ours"),
            "other": graph.equal("stock", "without"),
            "trace": graph.show("windowed", 3),
        }
        outputs = comfyui.run(nodes)
        assert outputs["same"]["equal"] == [True]
        assert outputs["other"]["equal"] == [False]
        assert trace_in(outputs)["halves"] == 9

    def test_with_lora_hooks(self, comfyui, graph):
        """A hook that scales the model's weights for one condition, on ComfyUI's own hook interface."""
        graph.save_lora(comfyui.server.base / "models" / "loras" / "hooked.safetensors")
        hook = {"lora_name": "hooked.safetensors", "strength_model": 1.0, "strength_clip": 0.0}
        nodes = graph.demo() | {
            "hook": {"class_type": "CreateHookLora", "inputs": hook},
            "hooked": {
                "class_type": "ConditioningSetProperties",
                "inputs": {
                    "cond_NEW": ["positive", 0],
                    "strength": 1.0,
                    "set_cond_area": "default",
                    "hooks": ["hook", 0],
                },
            },
            "stock": graph.sampler("KSampler", positive=["hooked", 0], steps=4),
            "ours": graph.sampler("SweetSpotSampler", positive=["hooked", 0], steps=4),
            "unhooked": graph.sampler("KSampler", steps=4),
            "same": graph.equal("stock", "ours"),
            "other": graph.equal("stock", "unhooked"),
        }
        outputs = comfyui.run(nodes)
        assert outputs["other"]["equal"] == [False]
        assert outputs["same"]["equal"] == [True]
