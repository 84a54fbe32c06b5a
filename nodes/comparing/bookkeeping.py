"""What ComfyUI notes on its objects while it loads and runs them; it doesn't change what they compute."""

from functools import cache

import comfy.controlnet
import comfy.hooks
import comfy.model_patcher
import torch

_NOTES: tuple[tuple[type, frozenset[str]], ...] = (
    (
        torch.nn.Module,
        frozenset(
            {
                "device",
                "current_patcher",
                "latent_shapes",
                "crossattn_emb",
                "affline_emb",
                "affline_scale_log_info",
                "current_weight_patches_uuid",
                "model_loaded_weight_memory",
                "model_offload_buffer_memory",
                "model_lowvram",
                "lowvram_patch_counter",
                "dynamic_vbars",
                "dynamic_pins",
                "dynamic_patchers",
                "comfy_patched_weights",
                "comfy_cast_weights",
                "prev_comfy_cast_weights",
                "comfy_force_cast_weights",
                "weight_lowvram_function",
                "bias_lowvram_function",
                "seed_key",
                "_pin_state",
                "_v",
                "_v_signature",
                "_resident_bank",
            }
        ),
    ),
    (
        comfy.model_patcher.ModelPatcher,
        frozenset(
            {
                "size",
                "backup",
                "backup_buffers",
                "object_patches_backup",
                "hook_backup",
                "hook_patches_backup",
                "cached_hook_patches",
                "current_hooks",
                "patches_uuid",
                "clone_base_uuid",
                "parent",
                "pinned",
                "is_injected",
                "skip_injection",
                "cached_patcher_init",
            }
        ),
    ),
    (
        comfy.controlnet.ControlBase,
        frozenset({"cond_hint", "control_input", "extra_concat", "timestep_range", "model_sampling_current"}),
    ),
    (
        comfy.hooks.HookKeyframeGroup,
        frozenset({"_current_keyframe", "_current_used_steps", "_current_index", "_current_strength", "_curr_t"}),
    ),
)


@cache
def bookkeeping_of(kind: type) -> frozenset[str]:
    """Return the names of attributes that don't change what the class's objects compute."""
    return frozenset[str]().union(*(names for noted, names in _NOTES if issubclass(kind, noted)))
