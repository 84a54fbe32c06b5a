"""Whether a VAE can decode without pushing the model out of the device's memory, by ComfyUI's own estimates."""

import logging
from typing import Any

import comfy.model_management

log = logging.getLogger("sweetspot.nodes.comparing.decoding")

# ComfyUI keeps this much more than a model's size free for it.
_RESERVE = 1.1


def fits_beside_model(vae: Any, samples: Any) -> bool:
    """Return whether decoding needs no more memory than is free now. If that is not known, it does.

    Args:
        vae: the VAE.
        samples: the latent to decode, shape (batch, channels, ...).
    """
    try:
        device = vae.device
        if comfy.model_management.is_device_cpu(device):
            return True
        working = vae.memory_used_decode(samples.shape, vae.vae_dtype) + comfy.model_management.extra_reserved_memory()
        missing = max(vae.patcher.model_size() - vae.patcher.loaded_size(), 0)
        needed = _RESERVE * missing + max(working, comfy.model_management.minimum_inference_memory())
        return comfy.model_management.get_free_memory(device) >= needed
    except Exception as error:  # noqa: BLE001 - VAEs of other packs, and other versions of ComfyUI, may lack any of these
        log.debug("not known: %s: %s", type(error).__name__, error)
        return False
