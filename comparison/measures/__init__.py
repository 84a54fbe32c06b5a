"""Measures how similar two images are, and the sharpness, contrast and noise level of a single image."""
