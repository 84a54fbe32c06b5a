"""Recognition, and every trap of shared facts under its own name."""

import pytest
from sweetspot.graphs.walk import Lora
from sweetspot.presets.catalogue import find_variant
from sweetspot.presets.recognition.evidence import Evidence
from sweetspot.presets.recognition.headers import Header
from sweetspot.presets.recognition.model_file import architecture_of
from sweetspot.presets.recognition.recognise import (
    CERTAIN,
    FAMILY_ONLY,
    LIKELY,
    UNKNOWN,
    Recognition,
    Wishes,
    recognise,
)

FLUX = {"in_channels": 16, "hidden_size": 3072, "depth": 19, "depth_single_blocks": 38, "vec_in_dim": 768}
DEMO = {"hidden_size": 128, "context_in_dim": 64, "vec_in_dim": 64, "depth": 4, "depth_single_blocks": 8}
WAN = {"dim": 5120, "in_dim": 16}

# What official templates and ComfyUI's examples set for these models.
KNOWN = [
    ("sd15", Evidence("SD15", {"context_dim": 768}), (20, 8.0, "euler", "normal")),
    ("sdxl", Evidence("SDXL", {"context_dim": 2048}, "EPS"), (25, 7.0, "dpmpp_2m", "karras")),
    ("sd3_medium", Evidence("SD3", {"depth": 24}), (30, 5.45, "dpmpp_2m", "sgm_uniform")),
    ("sd35_large", Evidence("SD3", {"depth": 38}), (20, 4.01, "euler", "sgm_uniform")),
    ("flux_dev", Evidence("Flux", FLUX), (20, 1.0, "euler", "simple")),
    ("flux_schnell", Evidence("FluxSchnell", FLUX), (4, 1.0, "euler", "simple")),
]

STRANGERS = {
    "no model class": Evidence(),
    "an architecture without an entry": Evidence("DepthAnything3", {}),
    "a small Flux is not schnell": Evidence("FluxSchnell", FLUX | {"hidden_size": 256}),
    "a small Flux is not dev": Evidence("Flux", FLUX | {"hidden_size": 256}),
}


def named(name: str, *loras: str, **known) -> Recognition:
    return recognise(Evidence(files=(name,), loras=tuple(Lora(lora, 1.0) for lora in loras), **known))


@pytest.mark.parametrize(("variant", "evidence", "settings"), KNOWN, ids=[row[0] for row in KNOWN])
def test_known_models_get_their_recommended_settings(variant: str, evidence: Evidence, settings: tuple):
    found = recognise(evidence)
    plan = found.plan
    assert plan.variant == variant
    assert (plan.steps, plan.cfg, plan.sampler_name, plan.scheduler) == settings
    assert f"steps: {plan.steps} (source: {plan.sources['steps']})" in found.text


def test_the_demo_model_is_not_taken_for_schnell():
    assert recognise(Evidence("FluxSchnell", DEMO)).plan.variant == "sweetspot_demo"


@pytest.mark.parametrize("evidence", STRANGERS.values(), ids=STRANGERS.keys())
def test_strangers_get_the_safe_default_and_are_told_so(evidence: Evidence):
    found = recognise(evidence)
    assert (found.plan.variant, found.finding.confidence) == (UNKNOWN, UNKNOWN)
    assert found.plan.steps == 25
    assert found.finding.variant is None


# The order of what counts.


def test_the_users_choice_wins_and_what_speaks_against_it_is_said():
    found = recognise(Evidence("Flux", FLUX, files=("flux1-schnell.safetensors",), choice="flux_krea_dev"))
    assert (found.plan.variant, found.finding.confidence) == ("flux_krea_dev", CERTAIN)
    against = recognise(Evidence("SDXL", choice="flux_dev"))
    assert against.plan.variant == "flux_dev"
    assert "SDXL" in against.finding.contradictions[0]
    assert against.finding.contradictions[0] in against.text


class Kept:
    """An overlay that knows one file."""

    def __init__(self, file: str, fields: dict, source: str) -> None:
        self.file, self.fields, self.source = file, fields, source

    def find(self, evidence: Evidence, quality: str, sources: str = ""):  # noqa: ARG002
        return (self.fields, self.source) if evidence.files == (self.file,) else None


def test_a_saved_preset_wins_over_the_template_and_the_template_over_the_catalogue():
    evidence = Evidence("Flux", FLUX, files=("mine.safetensors",))
    template = Kept("mine.safetensors", {"steps": 17, "cfg": 2.0}, "installed template t")
    saved = Kept("mine.safetensors", {"steps": 13}, "your saved preset")
    assert recognise(evidence, Wishes(templates=template)).plan.steps == 17
    both = recognise(evidence, Wishes(templates=template, saved=saved))
    assert (both.plan.steps, both.plan.cfg, both.finding.confidence) == (13, 2.0, CERTAIN)
    assert "steps: 13 (source: your saved preset)" in both.text
    assert recognise(evidence, Wishes(quality="best", templates=template)).plan.steps == 50


def test_a_file_that_only_a_template_knows_is_known():
    template = Kept("brand_new.safetensors", {"steps": 17}, "installed template t")
    found = recognise(Evidence(files=("brand_new.safetensors",)), Wishes(templates=template))
    assert (found.plan.steps, found.finding.confidence) == (17, CERTAIN)
    assert "its settings are known (installed template t)" in found.text


def test_a_lora_counts_before_the_file_it_lies_on():
    found = named("qwen_image_fp8_e4m3fn.safetensors", "Qwen-Image-Lightning-4steps-V1.0.safetensors")
    assert (found.plan.variant, found.plan.steps, found.plan.cfg) == ("qwen_image_lightning_4", 4, 1.0)


def test_a_lora_that_is_switched_off_does_not_count():
    off = Lora("Qwen-Image-Lightning-4steps-V1.0.safetensors", 0.0)
    found = recognise(Evidence(files=("qwen_image_fp8_e4m3fn.safetensors",), loras=(off,)))
    assert found.plan.variant == "qwen_image"


def test_weak_evidence_gives_the_default_where_strong_is_wanted():
    evidence = Evidence("SDXL", {}, "EPS", files=("my_merge.safetensors",))
    assert recognise(evidence).finding.confidence == FAMILY_ONLY
    strict = recognise(evidence, Wishes(min_confidence=LIKELY))
    assert (strict.plan.variant, strict.plan.steps) == (UNKNOWN, 25)
    # It says what was found, and how sure, beside what was required.
    assert (strict.finding.variant, strict.finding.required) == (find_variant("sdxl"), LIKELY)
    (caution,) = strict.plan.warnings
    assert all(fact in caution for fact in ("SDXL base", FAMILY_ONLY, LIKELY))
    assert caution in strict.text


def test_several_models_behind_an_open_switch_are_reported():
    found = recognise(Evidence(files=("flux1-dev.safetensors", "flux1-schnell.safetensors")))
    assert found.finding.confidence == FAMILY_ONLY
    assert "flux1-dev.safetensors, flux1-schnell.safetensors" in found.finding.contradictions[0]


# Names: likely, but never against the class.

NAMES = {
    "flux1-krea-dev_fp8_scaled.safetensors": "flux_krea_dev",
    "flux1-dev-kontext_fp8_scaled.safetensors": "flux_kontext_dev",
    "sd_xl_turbo_1.0_fp16.safetensors": "sdxl_turbo",
    "sdxl_lightning_4step.safetensors": "sdxl_lightning_4",
    "Hyper-SDXL-1step-Unet-Comfyui.fp16.safetensors": "sdxl_hyper_unet_1",
    "ponyDiffusionV6XL_v6StartWithThisOne.safetensors": "pony_v6",
    "NoobAI-XL-Vpred-v1.0.safetensors": "noobai_vpred",
    "sd3.5_large_turbo.safetensors": "sd35_large_turbo",
    "qwen_image_edit_2509_fp8_e4m3fn.safetensors": "qwen_image_edit_2509",
    "z_image_turbo_bf16.safetensors": "z_image_turbo",
    "wan2.2_i2v_high_noise_14B_fp8_scaled.safetensors": "wan22_i2v_14b",
    "Wan2_1-T2V-1_3B_bf16.safetensors": "wan21_t2v_1_3b",
    "ltx-2-19b-distilled.safetensors": "ltx2_distilled",
    "hunyuanvideo1.5_480p_i2v_step_distilled_fp16.safetensors": "hunyuan_video_15_step_distilled",
    "ace_step_v1_3.5b.safetensors": "ace_step_1",
}


@pytest.mark.parametrize(("name", "variant"), NAMES.items())
def test_a_published_name_tells_the_variant(name: str, variant: str):
    found = named(name)
    assert (found.plan.variant, found.finding.confidence) == (variant, LIKELY)


def test_trap_a_wrong_name_does_not_pass_the_class():
    found = named("flux1-schnell.safetensors", architecture="SDXL", prediction="EPS")
    assert found.plan.variant == "sdxl"
    assert all(fact in found.finding.contradictions[0] for fact in ("flux1-schnell.safetensors", "SDXL"))


def test_trap_ovis_image_is_not_schnell():
    ovis = {"vec_in_dim": None, "yak_mlp": True, "hidden_size": 3072, "in_channels": 16}
    assert recognise(Evidence("FluxSchnell", ovis)).plan.steps == 20
    assert named("flux1-schnell.safetensors", architecture="FluxSchnell", unet_config=ovis).plan.variant == "ovis_image"


def test_trap_a_base_tag_proves_nothing():
    # ComfyUI's own CheckpointSave writes this tag for every SDXL model.
    tag = {"modelspec.architecture": "stable-diffusion-xl-v1-base"}
    found = recognise(Evidence("SDXL", {}, "EPS", files=("turbo_mix.safetensors",), metadata=tag))
    assert found.plan.variant != "sdxl"
    alone = recognise(Evidence("SDXL", {}, "EPS", metadata=tag))
    assert alone.finding.confidence == FAMILY_ONLY
    turbo = {"modelspec.architecture": "stable-diffusion-xl-turbo-v1"}
    assert recognise(Evidence("SDXL", {}, "EPS", metadata=turbo)).plan.variant == "sdxl_turbo"


@pytest.mark.parametrize(
    ("name", "variant", "steps"),
    [
        ("hunyuanvideo1.5_720p_t2v_cfg_distilled_fp16.safetensors", "hunyuan_video_15_cfg_distilled", 50),
        ("HunyuanDiT-v1.2-distill.safetensors", "hunyuan_dit_distill", 50),
        ("kandinsky5lite_t2v_nocfg_5s.safetensors", "kandinsky5_video_nocfg", 50),
    ],
)
def test_trap_distilled_can_mean_fifty_steps(name: str, variant: str, steps: int):
    found = named(name)
    assert (found.plan.variant, found.plan.steps) == (variant, steps)
    assert not found.plan.distilled


def test_trap_hunyuan3d_turbo_wants_twenty_steps():
    found = named("hunyuan3d-dit-v2-mv-turbo_fp16.safetensors")
    assert (found.plan.variant, found.plan.steps, found.plan.cfg) == ("hunyuan3d_2mv_turbo", 20, 4.0)


def test_trap_one_step_in_a_unified_lora_is_not_one_step():
    lora = named("sd_xl_base_1.0.safetensors", "Hyper-SDXL-1step-lora.safetensors")
    assert (lora.plan.variant, lora.plan.steps) == ("sdxl_hyper_unified", 8)
    unet = named("Hyper-SDXL-1step-Unet-Comfyui.fp16.safetensors")
    assert (unet.plan.steps, unet.plan.timesteps) == (1, (800,))


def test_trap_a_rank_is_not_a_step_count():
    found = named(
        "wan2.1_t2v_14B_fp16.safetensors", "lightx2v_T2V_14B_cfg_step_distill_v2_lora_rank64_bf16.safetensors"
    )
    assert (found.plan.variant, found.plan.steps) == ("wan21_lightx2v", 4)


@pytest.mark.parametrize(
    "lora",
    [
        "removal_timestep_alpha-2-1740.safetensors",
        "Qwen-Image-Edit-2509-Light-Migration.safetensors",
        "Qwen-Image-Edit-2509-Relight.safetensors",
    ],
)
def test_trap_light_and_timestep_loras_are_no_accelerators(lora: str):
    assert named("qwen_image_edit_2509_fp8_e4m3fn.safetensors", lora).plan.variant == "qwen_image_edit_2509"


def test_trap_a_style_lora_is_not_the_base_it_is_named_after():
    found = named("z_image_bf16.safetensors", "pixel_art_style_z_image_turbo.safetensors")
    assert found.plan.variant == "z_image"


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("RealVisXL_V5.0_Lightning_fp16.safetensors", 5),
        ("DreamShaperXL_Lightning.safetensors", 6),
        ("juggernautXL_juggXILightning.safetensors", 6),
    ],
)
def test_trap_lightning_in_a_merge_is_not_four_or_eight(name: str, steps: int):
    found = named(name, architecture="SDXL", prediction="EPS")
    assert (found.plan.steps, found.finding.confidence) == (steps, LIKELY)


@pytest.mark.parametrize(
    ("short", "long", "variants"),
    [
        ("flux-2-klein-4b.safetensors", "flux-2-klein-base-4b.safetensors", ("flux2_klein_4b", "flux2_klein_base_4b")),
        (
            "hidream_o1_image_bf16.safetensors",
            "hidream_o1_image_dev_bf16.safetensors",
            ("hidream_o1", "hidream_o1_dev"),
        ),
        ("z_image_bf16.safetensors", "z_image_turbo_bf16.safetensors", ("z_image", "z_image_turbo")),
    ],
)
def test_trap_the_short_name_is_not_always_the_base(short: str, long: str, variants: tuple[str, str]):
    assert (named(short).plan.variant, named(long).plan.variant) == variants


@pytest.mark.parametrize("name", ["diffusion_pytorch_model.safetensors", "pytorch_lora_weights.safetensors"])
def test_trap_a_file_without_a_name_of_its_own_falls_back_to_its_class(name: str):
    found = named(name, architecture="Flux", unet_config=FLUX)
    assert (found.plan.variant, found.finding.confidence) == ("flux_dev", FAMILY_ONLY)


def test_trap_training_steps_are_not_inference_steps():
    trained = {"ss_steps": "4", "ss_max_train_steps": "8", "modelspec.title": "my portrait model"}
    assert recognise(Evidence("SDXL", {}, "EPS", metadata=trained)).plan.steps == 25


def test_trap_nine_diffusers_steps_are_eight_calls():
    found = named("z_image_turbo_bf16.safetensors")
    assert found.plan.steps == 8
    assert "num_inference_steps=9 in diffusers is 8 model calls" in found.text


def test_trap_an_sdxl_of_another_prediction_is_not_the_base():
    assert recognise(Evidence("SDXL", {}, "V_PREDICTION")).plan.variant == "noobai_vpred"
    assert recognise(Evidence("SDXL", {}, "EDM")).plan.variant == "playground_v25"
    plain = Header({"model.diffusion_model.input_blocks.0.0.weight": (320, 4, 3, 3)})
    assert architecture_of(plain) == ("", {}, "")


@pytest.mark.parametrize(
    ("architecture", "unet_config", "steps"),
    [
        ("FluxSchnell", FLUX, 4),
        ("SeedVR2", {}, 1),
        ("HunyuanVideo15_SR_Distilled", {}, 6),
        ("LotusD", {}, 1),
        ("PiD", {}, 4),
        ("Stable_Cascade_B", {}, 10),
    ],
)
def test_few_step_classes_are_few_step_without_any_name(architecture: str, unet_config: dict, steps: int):
    assert recognise(Evidence(architecture, unet_config)).plan.steps == steps


COMMUNITY = {
    "waiNSFWIllustrious_v140": "illustrious",
    "epicrealismXL_v8Kiss": "sdxl",
    "my merge (final) 3": "sdxl",
    "sdxl_anime_mix": "sdxl",
    "zavychromaxl_v100": "sdxl",
    "cyberrealisticPony_v65": "sdxl",
}


@pytest.mark.parametrize(("name", "variant"), COMMUNITY.items())
def test_unknown_community_names_do_not_become_a_confident_answer(name: str, variant: str):
    found = named(f"{name}.safetensors", architecture="SDXL", prediction="EPS")
    assert (found.plan.variant, found.finding.confidence) == (variant, FAMILY_ONLY)
    assert "SDXL-Lightning" in found.text or "sdxl_lightning_4" in found.finding.alternatives


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("wildcardxXLLIGHTNING", 4),
        ("waiIllustrious_lightning8step", 8),
        ("turbovisionxl_v4", 4),
        ("RealTurboXL", 4),
        ("myXLmix_LCM", 4),
    ],
)
def test_a_few_step_merge_is_never_taken_for_a_one_step_model(name: str, least: int):
    found = named(f"{name}.safetensors", architecture="SDXL", prediction="EPS")
    assert found.plan.distilled
    assert found.plan.steps >= least
    assert not found.plan.sampling


@pytest.mark.parametrize("name", ["flux1-dev-de-distill", "Z-Image-De-Turbo"])
def test_a_de_distilled_model_gets_full_length(name: str):
    assert named(f"{name}.safetensors").plan.steps >= 20


PARTS = [
    "wan_2.1_vae",
    "sdxl_vae",
    "taesdxl_encoder",
    "Z-Image-Turbo-Fun-Controlnet-Union",
    "control_v11p_sd15_softedge_fp16",
    "control_lora_rank128_v11f1e_sd15_tile_fp16",
    "monster-labs/control_v1p_sdxl_qrcode_monster",
    "anima-lllite-scribble-1",
    "v3_sd15_sparsectrl_scribble",
    "random_mask_brushnet_ckpt_sdxl_v0",
    "ioclab_sd15_recolor",
    "ip-adapter-plus-face_sdxl_vit-h",
    "ip_plus_composition_sdxl",
    "SD3.5-Large-IP-Adapter",
    "TencentARC/t2iadapter_sketch_sd15v2",
    "t2i-adapter-depth-zoe-sdxl-1.0",
    "iclight_sd15_fc",
    "mm_sdxl_v10_beta",
    "v3_sd15_mm",
    "layer_sd15_joint",
    "IPAdapter_image_encoder_sd15",
    "stable-diffusion-2-1-clip",
    "ltx-2-spatial-upscaler-x2",
]


@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_a_checkpoint_is_no_model(name: str):
    assert named(f"{name}.safetensors").plan.variant == UNKNOWN


@pytest.mark.parametrize(("base", "steps"), [("z_image_turbo_bf16", 8), ("z_image_bf16", 25)])
def test_a_style_lora_that_is_named_after_its_base_changes_nothing(base: str, steps: int):
    found = named(f"{base}.safetensors", "z_image_turbo_mystyle.safetensors")
    assert (found.plan.steps, found.finding.confidence) == (steps, LIKELY)


def test_an_accelerator_that_nobody_knows_is_told():
    found = named("aura_flow_0.3.safetensors", "accvid_5_steps_lora.safetensors")
    assert (found.finding.confidence, found.plan.steps, found.plan.cfg) == (FAMILY_ONLY, 5, 1.0)
    assert "accvid_5_steps_lora.safetensors" in found.finding.contradictions[-1]


@pytest.mark.parametrize(
    "lora",
    [
        "Wan_2_2_I2V_A14B_HIGH_lightx2v_4step_lora_v1030.safetensors",
        "Wan2.2-Lightning_I2V-A14B-4steps-lora_HIGH_fp16.safetensors",
        "Wan2.2-I2V-A14B-4steps-lora-rank64-Seko-V1/high_noise_model.safetensors",
        "Wan21_I2V_14B_lightx2v_cfg_step_distill_lora_rank64.safetensors",
    ],
)
def test_two_samplers_are_expected_whichever_accelerator_lies_on_wan_22(lora: str):
    found = named("wan2.2_i2v_high_noise_14B_fp8_scaled.safetensors", lora)
    assert found.plan.steps == 4
    assert "A second sampler is expected" in found.text


def test_a_template_does_not_speak_for_a_file_whose_name_the_class_refuses():
    template = Kept("qwen_image_fp8.safetensors", {"steps": 17}, "installed template t")
    evidence = Evidence("SDXL", {}, "EPS", files=("qwen_image_fp8.safetensors",))
    assert recognise(evidence, Wishes(templates=template)).plan.steps == 25


def test_other_steps_drop_a_fixed_schedule():
    saved = Kept("ltx-2-19b-distilled.safetensors", {"steps": 12}, "your saved preset")
    plan = recognise(Evidence(files=("ltx-2-19b-distilled.safetensors",)), Wishes(saved=saved)).plan
    assert (plan.steps, plan.sigmas) == (12, ())


def test_a_merge_whose_name_tells_few_steps_gets_few_steps():
    found = named("coolMix_lightning_4steps.safetensors", architecture="SDXL", prediction="EPS")
    assert (found.plan.variant, found.plan.steps, found.finding.confidence) == ("sdxl_lightning_4", 4, FAMILY_ONLY)
    other = named("coolMix_lightning_7steps.safetensors", architecture="SDXL", prediction="EPS")
    assert other.plan.steps == 7
    assert other.plan.sources["steps"] == "its file name"


def test_a_doubt_from_the_graph_lowers_the_confidence():
    doubt = ("an open switch decides whether LoRA a.safetensors is on",)
    found = recognise(Evidence(files=("z_image_turbo_bf16.safetensors",), doubts=doubt))
    assert found.finding.confidence == FAMILY_ONLY
    assert "an open switch" in found.finding.contradictions[-1]


# Warnings.


def test_warns_of_a_second_sampler():
    assert "A second sampler is expected" in named("wan2.2_t2v_high_noise_14B_fp16.safetensors").text


def test_warns_of_a_lora_strength_off_the_recipe():
    found = named("flux1-dev.safetensors", "Hyper-FLUX.1-dev-8steps-lora.safetensors")
    assert any("strength 1" in caution and "0.125" in caution for caution in found.plan.warnings)
    right = Lora("Hyper-FLUX.1-dev-8steps-lora.safetensors", 0.125)
    assert not recognise(Evidence(files=("flux1-dev.safetensors",), loras=(right,))).plan.warnings


def test_warns_of_steps_off_the_trained_ones_and_of_cfg_on_a_cfg_free_model():
    saved = Kept("z_image_turbo_bf16.safetensors", {"steps": 30, "cfg": 4.0}, "your saved preset")
    found = recognise(Evidence(files=("z_image_turbo_bf16.safetensors",)), Wishes(saved=saved))
    steps, cfg = found.plan.warnings
    assert all(fact in steps for fact in ("Z-Image Turbo", "4 to 9", "30"))
    assert all(fact in cfg for fact in ("Z-Image Turbo", "cfg 4", "cfg to 1"))
