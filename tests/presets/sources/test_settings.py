import pytest
from sweetspot.presets.sources.settings import (
    CFG_NAMES,
    STEPS_NAMES,
    SettingsError,
    from_a1111,
    from_diffusers,
    from_image,
    from_prompt,
    from_record,
    from_text,
)

A1111 = """a castle, Steps: of stone
Negative prompt: blurry
Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 1, Size: 832x1216, Model hash: 31e35c80fc, \
Model: sd_xl_base_1.0, Hires upscaler: "4x, UltraSharp", Version: v1.10.1"""


@pytest.mark.parametrize("name", STEPS_NAMES)
def test_every_name_of_steps_is_taken(name: str):
    assert from_record({name: 20}) == {"steps": 20}


@pytest.mark.parametrize("name", CFG_NAMES)
def test_every_name_of_cfg_is_taken(name: str):
    assert from_record({name: 4.5}) == {"cfg": 4.5}


def test_conventions_of_cfg_are_kept_apart():
    assert from_record({"guidance_scale": 0}) == {"cfg": 1.0}
    assert from_record({"guidance_scale": 3.5}, convention="conditional") == {"cfg": 4.5}
    assert from_record({"guidance_scale": 0}, convention="conditional") == {"cfg": 1.0}


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"steps": 0}, "steps: expected a number from 1 to 10000, got 0"),
        ({"steps": 2.5}, "steps: expected a whole number, got 2.5"),
        ({"steps": True}, "steps: expected a number"),
        ({"steps": "many"}, "got 'many'"),
        ({"cfg": -1}, "cfg: expected a number from 0 to 100, got -1"),
        (
            {"steps": 20, "num_inference_steps": 25},
            "steps and num_inference_steps: expected one value, as they are one setting, got 20 and 25",
        ),
        ({"sampler": ""}, "sampler_name: expected one of ComfyUI's names"),
        ({"prompt": "a cat"}, "expected one of steps, num_inference_steps"),
    ],
)
def test_what_is_not_allowed_is_refused_by_name(record: dict, told: str):
    with pytest.raises(SettingsError) as refusal:
        from_record(record)
    assert told in str(refusal.value)


def test_a1111s_parameters():
    settings, model = from_a1111(A1111)
    assert settings == {"steps": 28, "cfg": 6.5, "sampler_name": "dpmpp_2m", "scheduler": "karras"}
    assert model == "sd_xl_base_1.0"


def test_older_a1111_writes_the_schedule_into_the_samplers_name():
    settings, _ = from_a1111("x\nSteps: 20, Sampler: DPM++ 2M SDE Karras, CFG scale: 7")
    assert (settings["sampler_name"], settings["scheduler"]) == ("dpmpp_2m_sde", "karras")


def test_comfyuis_prompt_in_an_image():
    prompt = (
        '{"3": {"class_type": "KSampler", "inputs": {"steps": 12, "cfg": 1.0, "sampler_name": "euler", '
        '"scheduler": "simple", "denoise": 1.0, "model": ["4", 0]}}, '
        '"4": {"class_type": "UNETLoader", "inputs": {"unet_name": "a.safetensors"}}}'
    )
    settings, model = from_image({"prompt": prompt, "workflow": "{}"})
    assert settings == {"steps": 12, "cfg": 1.0, "sampler_name": "euler", "scheduler": "simple"}
    assert model == "a.safetensors"


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({}, "image: expected a text entry named prompt or parameters, got none"),
        ({"prompt": "[1]"}, "prompt: expected a JSON object"),
        ({"prompt": "[" * 20_000}, "prompt: expected a JSON object"),
        ({"prompt": "{}"}, "expected a sampler with steps"),
        ({"parameters": "a cat"}, "begins with 'Steps:'"),
    ],
)
def test_an_image_without_settings_is_refused(metadata: dict, told: str):
    with pytest.raises(SettingsError) as refusal:
        from_image(metadata)
    assert told in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 3.0}, ("euler", "simple")),
        ({"_class_name": "EulerDiscreteScheduler", "timestep_spacing": "trailing"}, ("euler", "sgm_uniform")),
        ({"_class_name": "DPMSolverMultistepScheduler", "use_karras_sigmas": True}, ("dpmpp_2m", "karras")),
        (
            {"_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "sde-dpmsolver++"},
            ("dpmpp_2m_sde", "normal"),
        ),
        ({"_class_name": "LCMScheduler"}, ("lcm", "sgm_uniform")),
    ],
)
def test_diffusers_schedulers(content: dict, expected: tuple[str, str]):
    found = from_diffusers(content)
    assert (found["sampler_name"], found["scheduler"]) == expected


def test_a_diffusers_pipeline_gives_its_defaults():
    found = from_diffusers({"_class_name": "StableDiffusionXLPipeline", "_diffusers_version": "0.30"})
    assert found == {"steps": 50, "cfg": 5.0}


@pytest.mark.parametrize(
    ("pipeline", "guidance"), [("FluxPipeline", 3.5), ("Flux2Pipeline", 4.0), ("HunyuanVideoPipeline", 6.0)]
)
def test_a_distilled_pipelines_guidance_scale_is_guidance_and_not_cfg(pipeline: str, guidance: float):
    found = from_diffusers({"_class_name": pipeline})
    assert (found["cfg"], found["guidance"]) == (1.0, guidance)


def test_true_cfg_scale_is_cfg():
    assert from_record({"true_cfg_scale": 4.0}) == {"cfg": 4.0}
    both = from_record({"guidance_scale": 3.5, "true_cfg_scale": 2.0}, convention="distilled")
    assert both == {"cfg": 2.0, "guidance": 3.5}


@pytest.mark.parametrize(
    "graph",
    [
        {"1": {"class_type": "KSampler"}},
        {"1": {"class_type": "KSampler", "inputs": None}},
        {"1": "KSampler", "2": [1], "3": 4},
        {"1": {"class_type": "KSampler", "inputs": {"steps": float("inf"), "model": ["2", 0]}}},
        {str(i): {"class_type": "Reroute", "inputs": {"model": [str(i + 1), 0]}} for i in range(5000)},
    ],
    ids=["no inputs", "inputs that are none", "nodes that are none", "endless steps", "a chain of 5000"],
)
def test_an_odd_graph_is_refused_and_not_a_crash(graph: dict):
    with pytest.raises(SettingsError):
        from_prompt(graph)


def test_a_schedule_node_is_no_schedulers_name():
    graph = {
        "1": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux2_dev.safetensors"}},
        "2": {"class_type": "BasicGuider", "inputs": {"model": ["1", 0]}},
        "3": {"class_type": "Flux2Scheduler", "inputs": {"steps": 20}},
        "4": {"class_type": "SamplerCustomAdvanced", "inputs": {"guider": ["2", 0], "sigmas": ["3", 0]}},
    }
    assert from_prompt(graph) == ({"steps": 20, "cfg": 1.0}, "flux2_dev.safetensors")


def test_an_image_whose_prompt_is_words_is_read_by_its_parameters():
    assert from_image({"prompt": "a cat", "parameters": A1111})[0]["steps"] == 28


def test_a_pipelines_conditional_anchor_is_converted():
    # ZImagePipeline's default guidance_scale is 5: cond + 5 (cond - uncond) is cfg 6 here.
    assert from_diffusers({"_class_name": "ZImagePipeline"})["cfg"] == 6


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        (A1111, {"steps": 28, "cfg": 6.5, "sampler_name": "dpmpp_2m", "scheduler": "karras"}),
        ('{"num_inference_steps": 30}', {"num_inference_steps": 30}),
        ('{"_class_name": "LCMScheduler"}', {"sampler_name": "lcm", "scheduler": "sgm_uniform"}),
    ],
)
def test_pasted_text_is_told_apart(text: str, settings: dict):
    assert from_text(text)[0] == settings


def test_an_unknown_diffusers_class_is_refused():
    with pytest.raises(SettingsError, match=r"_class_name: expected .* got 'MyScheduler'"):
        from_diffusers({"_class_name": "MyScheduler"})
