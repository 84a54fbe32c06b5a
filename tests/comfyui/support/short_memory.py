"""Lets a ComfyUI without a GPU keep weights in main memory, as it does on a GPU that is too small for a model."""

import os
from unittest.mock import patch

import comfy.model_management as management


def keep_weights_away() -> None:
    """Switch on the mode that `TESTS_VRAM` names, e.g. NO_VRAM: while a model loads, the CPU counts as a GPU."""
    mode = os.environ.get("TESTS_VRAM")
    if not mode:
        return
    load = management.load_models_gpu

    def load_as_on_a_gpu(*given, **named):
        with patch.object(management, "is_device_cpu", lambda _device: False):
            return load(*given, **named)

    management.load_models_gpu = load_as_on_a_gpu
    management.lowvram_available = True
    management.vram_state = management.VRAMState[mode]
    if mode == "LOW_VRAM":
        # Half of the demo model fits.
        free = 20 << 20
        management.get_free_memory = lambda _device=None, torch_free_too=False: (free, free) if torch_free_too else free
        management.minimum_inference_memory = lambda *_: 1 << 20
        management.extra_reserved_memory = lambda *_: 0
