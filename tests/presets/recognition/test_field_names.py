"""Names that people really use: each kind that was once recognised wrongly, by its smallest input."""

import pytest
from sweetspot.graphs.walk import Lora
from sweetspot.presets.catalogue import find_variant
from sweetspot.presets.plan import UNKNOWN
from sweetspot.presets.recognition.evidence import Evidence
from sweetspot.presets.recognition.names import steps_in_name
from sweetspot.presets.recognition.recognise import CERTAIN, FAMILY_ONLY, LIKELY, Recognition, Wishes, recognise
from sweetspot.presets.sources.templates import Entry, TemplateIndex

FEW = 12
FLUX = {"in_channels": 16, "hidden_size": 3072, "depth": 19, "depth_single_blocks": 38, "vec_in_dim": 768}


def named(name: str, *loras: str, **known) -> Recognition:
    return recognise(Evidence(files=(name,), loras=tuple(Lora(lora, 1.0) for lora in loras), **known))


@pytest.mark.parametrize(
    ("base", "lora"),
    [
        ("wan2.2_t2v_high_noise_14B", "Wan2.2-T2V-A14B-4steps-lora-rank64-Seko-V1.1/high_noise_model.safetensors"),
        ("flux1-dev", "FLUX.1-Turbo-Alpha/diffusion_pytorch_model.safetensors"),
        ("sd_xl_base_1.0", "SDXL/lcm/pytorch_lora_weights.safetensors"),
    ],
)
def test_an_accelerator_named_by_its_folder_counts_over_a_base_that_a_template_knows(base: str, lora: str):
    file = f"{base}.safetensors"
    templates = TemplateIndex([Entry("a_template", (file.lower(),), (), {"steps": 30, "cfg": 5.0})])
    evidence = Evidence(files=(file,), loras=(Lora(lora, 1.0),))
    found = recognise(evidence, Wishes(templates=templates))
    assert found.plan.steps <= FEW
    assert found.finding.confidence != CERTAIN
    assert recognise(Evidence(files=(file,)), Wishes(templates=templates)).plan.steps == 30


@pytest.mark.parametrize(
    ("base", "lora"),
    [
        ("boogu_image_fp8", "boogu_image_turbo_lora"),
        ("ernie_image_bf16", "ernie_image_turbo_lora"),
        ("z_image_bf16", "z_image_turbo_lora"),
        ("sd3.5_large", "sd3.5_large_turbo_lora"),
        ("longcat_image_bf16", "longcat_image_turbo_lora"),
        ("krea2_raw_bf16", "krea2_turbo_lora_bf16"),
        ("ltx-2.3-22b-dev-fp8", "ltx-2.3-22b-distilled-lora-384"),
    ],
)
def test_a_lora_that_makes_its_base_a_turbo_is_an_accelerator(base: str, lora: str):
    found = named(f"{base}.safetensors", f"{lora}.safetensors").plan
    assert (found.distilled, found.cfg) == (True, 1.0)
    assert found.steps <= FEW


@pytest.mark.parametrize("name", ["flux-2-klein-4b-base-fp8", "flux-2-klein-base-9b", "klein 9B Base"])
def test_klein_base_is_not_the_distilled_klein(name: str):
    assert named(f"{name}.safetensors").plan.steps == 20
    assert named("flux-2-klein-4b.safetensors").plan.steps == 4


@pytest.mark.parametrize("name", ["OpenFLUX.1", "LibreFLUX"])
def test_a_class_of_one_distilled_entry_proves_nothing_for_a_file_of_another_name(name: str):
    known = {"architecture": "FluxSchnell", "unet_config": FLUX}
    assert named(f"{name}.safetensors", **known).finding.confidence == FAMILY_ONLY
    assert recognise(Evidence(**known)).finding.confidence == CERTAIN


@pytest.mark.parametrize("name", ["TwinFlow-Z-Image-Turbo", "pid_controller", "schnell_zug"])
def test_a_distilled_model_whose_name_says_more_is_not_sure(name: str):
    assert named(f"{name}.safetensors").finding.confidence == FAMILY_ONLY


@pytest.mark.parametrize(
    "name",
    [
        "FastWan2.1-T2V-1.3B",
        "wan2.1_t2v_14B_self_forcing",
        "flux1-dev-hyp8-Q4_0",
        "sdxl_dmd",
        "sd_xl_base_LCM",
        "wan_v2.2_a14b_hne_t2v_lightning_250928_q8p",
    ],
)
def test_words_for_few_steps(name: str):
    assert named(f"{name}.safetensors").plan.steps <= FEW + 4


@pytest.mark.parametrize(
    ("base", "lora"),
    [
        ("wan2.1_t2v_14B_fp8_e4m3fn", "Wan2.1_T2V_14B_FusionX_LoRA"),
        ("wan2.1_t2v_14B_fp8_e4m3fn", "wan_2.1_14b_self_forcing_t2v_lora_f16"),
        ("hunyuan_video_t2v_720p_bf16", "hyvid_accvid_lora"),
        ("sd_xl_base_1.0", "my_dmd_lora"),
    ],
)
def test_an_accelerator_lowers_the_confidence_in_full_steps(base: str, lora: str):
    found = named(f"{base}.safetensors", f"{lora}.safetensors")
    assert found.plan.steps <= FEW or found.finding.confidence not in (CERTAIN, LIKELY)


@pytest.mark.parametrize(
    ("base", "lora", "steps"),
    [
        ("flux1-dev", "lightning_strike_effect", 20),
        ("wan2.2_t2v_high_noise_14B_fp8_scaled", "wan22-lightning-storm", 20),
        ("flux1-dev", "porsche_911_turbo", 20),
        ("flux1-dev", "turbo_cars_v1", 20),
    ],
)
def test_words_in_another_sense(base: str, lora: str, steps: int):
    found = named(f"{base}.safetensors", f"{lora}.safetensors")
    assert found.plan.steps == steps
    assert found.plan == named(f"{base}.safetensors").plan


@pytest.mark.parametrize("name", ["wan_v2.1_14b_720p_q6p_svd", "qwen-image-svd-r32"])
def test_a_quantisation_called_svd_is_no_video_model(name: str):
    assert named(f"{name}.safetensors").plan.variant != "svd"
    assert named("svd_xt_1_1.safetensors").plan.variant == "svd"


def test_a_turbo_that_nobody_knows_gets_the_familys_usual_steps():
    found = named("newturboxl.safetensors", architecture="SDXL", prediction="EPS").plan
    assert (found.steps, found.cfg) == (8, 1.0)


@pytest.mark.parametrize(("name", "steps"), [("a_step4_b", 4), ("flux_hyp8", 8), ("x_4_step", 4), ("a_timestep", None)])
def test_step_counts_in_names(name: str, steps: int | None):
    assert steps_in_name(name) == steps


def test_a_number_that_is_no_few_step_count_is_not_taken_from_a_name():
    assert named("sdxl_Lightning46Step.safetensors", architecture="SDXL", prediction="EPS").plan.steps <= FEW


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("HiDreamO1ImageDev_bf16", "hidream_o1_dev"),
        ("hunyuan_video_1.5_i2v_480_bf16", "hunyuan_video_15_480p_i2v"),
        ("wan_v2.2_a14b_hne_i2v_q8p", "wan22_t2v_14b"),
    ],
)
def test_other_spellings(name: str, variant: str):
    found = named(f"{name}.safetensors").finding.variant
    assert found is not None
    assert found.family == find_variant(variant).family


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("zavychromaxl_v80", "sdxl"),
        ("Nova-Anime-XL", "sdxl"),
        ("quietGoodnightXL_v2", "sdxl"),
        ("Nova Furry Pony", "sdxl"),
        ("raehoshiIllustXL_v50", "illustrious"),
        ("HolyMix ILXL", "illustrious"),
        ("catCitronAnimeTreasure_ilV9", "illustrious"),
        ("cottonnoob_v4", "noobai_eps"),
    ],
)
def test_merges_show_their_family_by_what_they_are_called(name: str, family: str):
    found = named(f"{name}.safetensors")
    assert (found.plan.variant, found.finding.confidence) == (family, FAMILY_ONLY)


@pytest.mark.parametrize("name", ["kohya_controllllite_xl_depth", "thibaud_xl_openpose", "OpenPoseXL2", "t5xxl_fp16"])
def test_what_is_called_xl_is_not_always_a_model(name: str):
    assert named(f"{name}.safetensors").finding.variant is None


def test_a_few_step_merge_of_a_name_family_wants_few_steps():
    assert named("realvisxlLCM.safetensors").plan.steps <= FEW


def test_a_model_with_built_in_guidance_gets_no_default_cfg():
    plan = named("Sana_Sprint_1.6B_1024px.safetensors").plan
    assert (plan.steps, plan.cfg, plan.guidance) == (2, 1.0, 4.5)
    assert "built in" in plan.sources["cfg"]


@pytest.mark.parametrize(
    ("name", "steps"), [("sefi_5b_turbo", 8), ("seko_ar_new_rope_fp8_4steps", 4), ("krea-new-model-lightning", 8)]
)
def test_a_model_that_nobody_knows_gets_the_few_steps_that_its_name_says(name: str, steps: int):
    found = named(f"{name}.safetensors")
    assert (found.plan.steps, found.plan.cfg, found.plan.variant) == (steps, 1.0, UNKNOWN)
    assert "says" in found.plan.sources["steps"]


def test_an_accelerator_over_a_family_without_one_gives_few_steps():
    found = named("ideogram4.safetensors", "ideogram_4_turbotime_v1.safetensors")
    assert (found.plan.variant, found.finding.confidence) == ("ideogram4_quality", FAMILY_ONLY)
    assert (found.plan.steps, found.plan.cfg) == (8, 1.0)


@pytest.mark.parametrize(
    ("base", "lora", "steps"),
    [
        ("juggernautXL_v7", "sdxl_lcm_lora", 4),
        ("v1-5-pruned-emaonly", "sd15_lcm_lora", 4),
        ("ltxv-13b-0.9.7-dev", "ltxv-13b-0.9.7-distilled-lora128", 7),
        ("hunyuan_video_1.5_720", "Hunyuan_video_1_5_LigthX2V_rank32", 12),
        ("hunyuan_video_t2v", "hyvid_accvideo_lora", 5),
    ],
)
def test_accelerators_in_other_spellings(base: str, lora: str, steps: int):
    found = named(f"{base}.safetensors", f"{lora}.safetensors").plan
    assert found.steps == steps
    assert found.cfg < 2


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("stable-diffusion-xl-base-1.0", "sdxl"),
        ("fiamixXL_fiamixXLV5114", "sdxl"),
        ("stabilityai/stable-diffusion-3.5-medium", "sd35_medium"),
        ("sd3_large_3.5", "sd35_large"),
        ("SANA1.5_1.6B", "sana"),
        ("HiDreamO1Image", "hidream_o1"),
        ("stable_audio3_small_sfx", "stable_audio_3"),
        ("PRX", "prx"),
        ("ltx23_echoVid", "ltx2_dev"),
        ("Lightricks/LTX-2", "ltx2_dev"),
        ("sky_reels2_diffusion_forcing_720p", "wan21_t2v_14b"),
        ("Realistic_Vision_V5.1", "sd15"),
        ("DreamShaper v8", "sd15"),
        ("flacsAnimeMixIL_v40", "illustrious"),
        ("rouwei_061Vpred", "noobai_vpred"),
    ],
)
def test_families_in_other_spellings(name: str, family: str):
    found = named(f"{name}.safetensors").finding.variant
    assert found is not None
    assert found.family == find_variant(family).family


def test_ace_step_15_without_a_word_is_its_publishers_default():
    assert named("ace_step_v1_5_transformer.safetensors").plan.variant == "ace_step_15_turbo"
    assert named("acestep_v1.5_base.safetensors").plan.variant == "ace_step_15_base"


@pytest.mark.parametrize(
    ("architecture", "variant"),
    [("SDXL", "sdxl"), ("Flux", "flux_dev"), ("FluxSchnell", "flux_schnell"), ("WAN21_T2V", "wan21_t2v_14b")],
)
def test_a_class_without_its_geometry_gives_the_usual_model(architecture: str, variant: str):
    assert recognise(Evidence(architecture)).plan.variant == variant


@pytest.mark.parametrize(
    "name", ["CyberRealistic_Negative_v3.pt", "flux1-canny-dev-lora.safetensors", "t5xxl_fp16.gguf"]
)
def test_embeddings_and_loras_are_no_models(name: str):
    assert recognise(Evidence(files=(name,))).finding.variant is None


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("ZImageTurbo\\moodyRealMix_zitV6", "z_image_turbo"),
        ("Illustrious/somebody_v3", "illustrious"),
        ("SDXL/flux1-dev", "flux_dev"),
        ("controlnet-sdxl/somebody_v3", UNKNOWN),
        ("checkpoints/somebody_v3", UNKNOWN),
    ],
)
def test_a_folder_tells_the_family_where_the_files_name_says_nothing(name: str, variant: str):
    found = named(f"{name}.safetensors")
    assert found.plan.variant == variant
    assert found.finding.confidence != CERTAIN


@pytest.mark.parametrize(
    "name",
    ["flux_dev_lora_merged", "dreamshaper_8_vae_baked", "flux1-dev-clip_l-t5-vae-aio", "negative_space_xl"],
)
def test_a_whole_model_that_names_a_part_is_a_model(name: str):
    assert named(f"{name}.safetensors").finding.variant is not None


@pytest.mark.parametrize("name", ["diffusion_x4", "whiskey_distillery", "turbocharged_v2", "v2_step_10"])
def test_words_that_only_look_like_few_steps(name: str):
    assert named(f"{name}.safetensors").plan.steps in (25, 10)


def test_an_accelerators_own_name_shows_its_base():
    found = recognise(Evidence(loras=(Lora("sd35_large_mylightning_lora.safetensors", 1.0),)))
    assert found.plan.variant == "sd35_large_turbo"


@pytest.mark.parametrize(
    ("base", "lora", "steps"),
    [
        ("v1-5-pruned-emaonly", "animatediff_lcm_lora", 8),
        ("hunyuanvideo1.5_480p_t2v_fp16", "hunyuanvideo1.5_t2v_480p_lightx2v_4step_lora", 4),
        ("wan2.1_t2v_14B_fp16", "Wan_2_1_T2V_14B_480p_rCM_lora", 6),
    ],
)
def test_accelerators_whose_names_say_more(base: str, lora: str, steps: int):
    assert named(f"{base}.safetensors", f"{lora}.safetensors").plan.steps <= steps


def test_an_lcm_lora_that_only_its_folder_names_gets_what_lcm_needs():
    plan = named("sd_xl_base_1.0.safetensors", "SDXL/lcm/pytorch_lora_weights.safetensors").plan
    assert (plan.variant, plan.sampler_name) == ("sdxl_lcm_lora", "lcm")


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("hunyuanvideo1.5_720p_i2v_fp16", "hunyuan_video_15_720p_i2v"),
        ("ponyFlux_v1", "flux_dev"),
        ("STOIQOAfroditeFLUXXL_F1DAlpha", "flux_dev"),
        ("jibMixFlux_v85", "flux_dev"),
        ("Krea2Turbo/moodyKrea2Mix_v40", "krea2_turbo"),
        ("neta-lumina-v1.0", "lumina2"),
        ("childrenIllustrationSD15", "sd15"),
        ("beautifulIllustration_v1", "unknown"),
        ("ponytailMix_v1", "unknown"),
    ],
)
def test_the_more_telling_word_wins(name: str, variant: str):
    assert named(f"{name}.safetensors").plan.variant == variant


@pytest.mark.parametrize("name", ["wan2.2-i2v-rapid-aio-v10", "splashedMixDMD_v5", "hunyuan_video_FastVideo_720_fp8"])
def test_few_step_merges(name: str):
    plan = named(f"{name}.safetensors").plan
    assert plan.steps <= FEW
    assert plan.cfg == 1


def test_a_number_before_a_long_one_is_no_step_count():
    assert steps_in_name("wan2.1_t2v_14B_epoch8_steps500") is None
