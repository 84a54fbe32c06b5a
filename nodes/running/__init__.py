"""Runs one sampler inside ComfyUI and watches it."""
