"""One watched run of a sampler inside ComfyUI."""
