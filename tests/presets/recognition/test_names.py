import pytest
from sweetspot.graphs.model_files import is_model_file
from sweetspot.presets.recognition.names import accelerator_word, normalise, steps_in_name

STEPS = {
    "Qwen-Image-Lightning-8steps-V1.0.safetensors": 8,
    "sdxl_lightning_4step_unet.safetensors": 4,
    "wan2.2_t2v_lightx2v_4steps_lora_v1.1_high_noise.safetensors": 4,
    "Hyper-FLUX.1-dev-16steps-lora.safetensors": 16,
    "minimax_h3_fl2v_turbo_8step_v1.0_comfyui_bf16.safetensors": 8,
    # Numbers that are not steps.
    "lightx2v_T2V_14B_cfg_step_distill_v2_lora_rank64_bf16.safetensors": None,
    "wan2.1_i2v_480p_14B_fp8.safetensors": None,
    "removal_timestep_alpha-2-1740.safetensors": None,
    "Z-Image-Turbo-Fun-8step-ControlNet.safetensors": None,
    "flux1-dev-1024_to_4096.safetensors": None,
}
FEW = {
    "z_image_turbo_bf16.safetensors": True,
    "flux1-schnell.safetensors": True,
    "flux-2-klein-4b-fp8.safetensors": True,
    "hidream_i1_fast_fp8.safetensors": True,
    "Wan21_CausVid_14B_T2V_lora_rank32.safetensors": True,
    "hunyuanvideo1.5_480p_i2v_step_distilled_fp16.safetensors": True,
    "flux-2-klein-base-4b-fp8.safetensors": False,
    "hunyuanvideo1.5_720p_t2v_cfg_distilled_fp16.safetensors": False,
    "hunyuan3d-dit-v2-mv-turbo_fp16.safetensors": False,
    "HunyuanDiT-v1.2-distill.safetensors": False,
    "Qwen-Edit-Light-Migration.safetensors": False,
    "Relight_v1.safetensors": False,
    "pixel_art_style_z_image_turbo.safetensors": False,
    "hidream_e1_full_bf16.safetensors": False,
    "kandinsky5lite_t2v_nocfg_5s.safetensors": False,
}


@pytest.mark.parametrize(("name", "steps"), STEPS.items())
def test_a_step_count_is_read_where_the_name_has_one(name: str, steps: int | None):
    assert steps_in_name(name) == steps


@pytest.mark.parametrize(("name", "few"), FEW.items())
def test_few_steps_are_told_by_name_and_misleading_names_mislead_nobody(name: str, few: bool):
    assert bool(accelerator_word(name)) == few


def test_folders_endings_and_case_do_not_matter():
    assert normalise("Flux\\FLUX.1-dev FP8.safetensors") == normalise("flux/flux.1-dev-fp8.gguf") == "flux_1_dev_fp8"


def test_model_files_are_told_by_their_ending():
    assert is_model_file("a.GGUF")
    assert not is_model_file("euler")
    assert not is_model_file(4)
