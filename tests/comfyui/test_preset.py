"""Model Step Preset and Save Step Preset: sockets in the stock nodes they are meant for, and what they change."""

import pytest
import torch

# What the demo model is recommended, with a stock node.
SHIFTED = {"class_type": "ModelSamplingAuraFlow", "inputs": {"model": ["model", 0], "shift": 3.0}}
PRESET = {"class_type": "SweetSpotPreset", "inputs": {"model": ["model", 0]}}


def test_every_setting_connects_to_the_stock_ksampler(comfyui, graph):
    linked = {"steps": ["preset", 2], "cfg": ["preset", 3]}
    linked |= {"sampler_name": ["preset", 4], "scheduler": ["preset", 5]}
    typed = {"steps": 12, "cfg": 3.0, "sampler_name": "dpmpp_2m", "scheduler": "simple", "model": ["shifted", 0]}
    outputs = comfyui.run(
        graph.demo()
        | {
            "preset": PRESET,
            "shifted": SHIFTED,
            "linked": graph.sampler("KSampler", model=["preset", 0], **linked),
            "typed": graph.sampler("KSampler", **typed),
            "save linked": graph.save_latent("linked"),
            "save typed": graph.save_latent("typed"),
        }
    )
    assert torch.equal(comfyui.latent(outputs, "save linked"), comfyui.latent(outputs, "save typed"))


def test_every_setting_connects_to_the_custom_sampling_nodes(comfyui, graph):
    outputs = comfyui.run(
        graph.demo()
        | {
            "preset": PRESET,
            "sigmas": {
                "class_type": "BasicScheduler",
                "inputs": {
                    "model": ["model", 0],
                    "scheduler": ["preset", 5],
                    "steps": ["preset", 2],
                    "denoise": 1.0,
                },
            },
            "sampler": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": ["preset", 4]}},
            "run": {
                "class_type": "SamplerCustom",
                "inputs": {
                    "model": ["model", 0],
                    "add_noise": True,
                    "noise_seed": 11,
                    "cfg": ["preset", 3],
                    "positive": ["positive", 0],
                    "negative": ["negative", 0],
                    "sampler": ["sampler", 0],
                    "sigmas": ["sigmas", 0],
                    "latent_image": ["latent", 0],
                },
            },
            "stock": graph.sampler("KSampler", steps=12, cfg=3.0, sampler_name="dpmpp_2m"),
            "save run": graph.save_latent("run"),
            "save stock": graph.save_latent("stock"),
        }
    )
    assert torch.equal(comfyui.latent(outputs, "save run"), comfyui.latent(outputs, "save stock"))


def test_the_text_tells_what_was_recognised_and_why(comfyui, graph):
    outputs = comfyui.run(graph.demo() | {"preset": PRESET, "text": graph.show("preset", 6)})
    text = outputs["text"]["text"][0]
    assert "Recognised: Sweet Spot demo model, certain" in text
    assert "steps: 12 (source: no official template number, so publisher: demo/MODEL_CARD.md)" in text


def preset(**inputs) -> dict:
    return {"class_type": "SweetSpotPreset", "inputs": {"model": ["model", 0], **inputs}}


def text_of(comfyui, graph, **inputs) -> str:
    return comfyui.run(graph.demo() | {"preset": preset(**inputs), "text": graph.show("preset", 6)})["text"]["text"][0]


def custom(sigmas: list) -> dict:
    inputs = {"model": ["model", 0], "add_noise": True, "noise_seed": 11, "cfg": 3.0, "positive": ["positive", 0]}
    inputs |= {"negative": ["negative", 0], "sampler": ["sampler", 0], "sigmas": sigmas, "latent_image": ["latent", 0]}
    return {"class_type": "SamplerCustom", "inputs": inputs}


def test_sigmas_connect_to_the_custom_sampler_and_are_the_stock_schedulers(comfyui, graph):
    stock = {"model": ["shifted", 0], "scheduler": "simple", "steps": 12, "denoise": 1.0}
    outputs = comfyui.run(
        graph.demo()
        | {
            "preset": PRESET,
            "sampler": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
            "shifted": SHIFTED,
            "stock": {"class_type": "BasicScheduler", "inputs": stock},
            "ours": custom(["preset", 8]),
            "theirs": custom(["stock", 0]),
            "save ours": graph.save_latent("ours"),
            "save theirs": graph.save_latent("theirs"),
        }
    )
    assert torch.equal(comfyui.latent(outputs, "save ours"), comfyui.latent(outputs, "save theirs"))


def test_a_fixed_schedule_is_given_exactly(comfyui, graph):
    published = [1.0, 0.99375, 0.9875, 0.98125, 0.975, 0.909375, 0.725, 0.421875, 0.0]
    written = {"class_type": "ManualSigmas", "inputs": {"sigmas": ", ".join(map(str, published))}}
    prompt = graph.demo() | {
        "preset": preset(variant="ltx2_distilled"),
        "sampler": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
        "written": written,
        "ours": custom(["preset", 8]),
        "theirs": custom(["written", 0]),
        "save ours": graph.save_latent("ours"),
        "save theirs": graph.save_latent("theirs"),
    }
    outputs = comfyui.run(prompt)
    assert torch.equal(comfyui.latent(outputs, "save ours"), comfyui.latent(outputs, "save theirs"))


def test_guidance_connects_to_flux_guidance(comfyui, graph):
    outputs = comfyui.run(
        graph.demo()
        | {
            "preset": preset(variant="flux_dev"),
            "guided": {
                "class_type": "FluxGuidance",
                "inputs": {"conditioning": ["positive", 0], "guidance": ["preset", 7]},
            },
            "run": graph.sampler("KSampler", positive=["guided", 0], steps=1),
            "save": graph.save_latent("run"),
            "text": graph.show("preset", 6),
        }
    )
    assert "guidance: 3.5" in outputs["text"]["text"][0]


@pytest.mark.parametrize(("quality", "steps"), [("draft", 6), ("balanced", 12), ("best", 12)])
def test_quality_sets_the_steps(comfyui, graph, quality: str, steps: int):
    assert f"\nsteps: {steps} (" in text_of(comfyui, graph, quality=quality)


def test_a_chosen_variant_wins_and_what_speaks_against_it_is_said(comfyui, graph):
    text = text_of(comfyui, graph, variant="qwen_image")
    assert "Recognised: Qwen-Image, certain (chosen by you)" in text
    assert "FluxSchnell" in text


def test_the_recommended_shift_is_applied_as_the_stock_node_does(comfyui, graph):
    outputs = comfyui.run(
        graph.demo()
        | {
            "preset": preset(variant="qwen_image"),  # ModelSamplingAuraFlow, shift 3.1
            "stock": {"class_type": "ModelSamplingAuraFlow", "inputs": {"model": ["model", 0], "shift": 3.1}},
            "ours": graph.sampler("KSampler", model=["preset", 0], steps=4),
            "theirs": graph.sampler("KSampler", model=["stock", 0], steps=4),
            "plain": graph.sampler("KSampler", steps=4),
            **{f"save {name}": graph.save_latent(name) for name in ("ours", "theirs", "plain")},
            "text": graph.show("preset", 6),
        }
    )
    ours, theirs, plain = (comfyui.latent(outputs, f"save {name}") for name in ("ours", "theirs", "plain"))
    assert torch.equal(ours, theirs)
    assert not torch.equal(ours, plain)
    assert "Applied to the model: ModelSamplingAuraFlow with shift 3.1." in outputs["text"]["text"][0]


def test_a_shift_that_the_user_has_set_is_left_alone(comfyui, graph):
    outputs = comfyui.run(
        graph.demo()
        | {
            "mine": {"class_type": "ModelSamplingAuraFlow", "inputs": {"model": ["model", 0], "shift": 7.0}},
            "preset": preset(variant="qwen_image") | {"inputs": {"model": ["mine", 0], "variant": "qwen_image"}},
            "ours": graph.sampler("KSampler", model=["preset", 0], steps=4),
            "theirs": graph.sampler("KSampler", model=["mine", 0], steps=4),
            **{f"save {name}": graph.save_latent(name) for name in ("ours", "theirs")},
            "text": graph.show("preset", 6),
        }
    )
    assert torch.equal(comfyui.latent(outputs, "save ours"), comfyui.latent(outputs, "save theirs"))
    assert "already patched the model's sampling" in outputs["text"]["text"][0]


def test_a_confidence_can_be_required(comfyui, graph):
    assert "Recognised: Sweet Spot demo model, certain" in text_of(comfyui, graph, min_confidence="certain")


def test_a_saved_preset_is_preferred_from_then_on(comfyui, graph):
    def save(steps: int) -> str:
        inputs = {"model": ["model", 0], "steps": steps, "cfg": 3.5, "sampler_name": "heun", "scheduler": "normal"}
        inputs |= {"quality": "draft", "file": "sweetspot_demo_transformer.safetensors"}
        prompt = graph.demo() | {"save": {"class_type": "SweetSpotSavePreset", "inputs": inputs}}
        return comfyui.run(prompt)["save"]["text"][0]

    assert "Saved for sweetspot_demo_transformer" in save(7)
    text = text_of(comfyui, graph, quality="draft")
    assert "steps: 7 (source: your saved preset" in text
    assert "sampler_name: heun" in text
    # The preset node runs again when the presets have changed, though nothing in the graph has.
    save(8)
    assert "steps: 8 (source: your saved preset" in text_of(comfyui, graph, quality="draft")
    assert "steps: 12" in text_of(comfyui, graph, quality="balanced")


def test_pasted_settings_win_over_the_inputs(comfyui, graph):
    inputs = {"model": ["model", 0], "steps": 40, "cfg": 3.5, "sampler_name": "heun", "scheduler": "normal"}
    inputs |= {
        "quality": "best",
        "file": "pasted.safetensors",
        "pasted": '{"num_inference_steps": 9, "guidance_scale": 2}',
    }
    prompt = graph.demo() | {"save": {"class_type": "SweetSpotSavePreset", "inputs": inputs}}
    text = comfyui.run(prompt)["save"]["text"][0]
    assert '"steps": 9, "cfg": 2.0' in text
    assert '"sampler_name": "heun"' in text


@pytest.mark.parametrize(
    ("variant", "node", "inputs"),
    [
        ("sdxl_lcm_lora", "ModelSamplingDiscrete", {"sampling": "lcm", "zsnr": False}),
        ("hidream_i1_dev", "ModelSamplingSD3", {"shift": 6.0}),
        ("krea2_turbo", "ModelSamplingFlux", {"max_shift": 1.15, "base_shift": 1.15, "width": 64, "height": 64}),
    ],
)
def test_every_kind_of_sampling_is_applied_as_the_stock_node_does(
    comfyui, graph, variant: str, node: str, inputs: dict
):
    outputs = comfyui.run(
        graph.demo()
        | {
            "preset": preset(variant=variant),
            "stock": {"class_type": node, "inputs": {"model": ["model", 0], **inputs}},
            "ours": graph.sampler("KSampler", model=["preset", 0], steps=2),
            "theirs": graph.sampler("KSampler", model=["stock", 0], steps=2),
            **{f"save {name}": graph.save_latent(name) for name in ("ours", "theirs")},
            "text": graph.show("preset", 6),
        }
    )
    ours, theirs = (comfyui.latent(outputs, f"save {name}") for name in ("ours", "theirs"))
    assert torch.isfinite(ours).all()
    assert torch.equal(ours, theirs)
    assert f"Applied to the model: {node}" in outputs["text"]["text"][0]


def test_presets_for_a_model_without_a_file_name_ask_for_one(comfyui, graph):
    merged = {"class_type": "ModelMergeSimple", "inputs": {"model1": ["model", 0], "model2": ["two", 0], "ratio": 0.5}}
    inputs = {"model": ["merged", 0], "steps": 4, "cfg": 1.0, "sampler_name": "euler", "scheduler": "simple"}
    prompt = graph.demo() | {
        "two": {"class_type": "SweetSpotDemoModel", "inputs": {}},
        "merged": merged,
        "save": {"class_type": "SweetSpotSavePreset", "inputs": inputs | {"quality": "best", "file": "x" * 300}},
    }
    with pytest.raises(Exception, match="1 to 255 characters"):
        comfyui.run(prompt)
