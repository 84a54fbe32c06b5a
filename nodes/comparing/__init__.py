"""Comparisons inside ComfyUI: the engine that runs them, and the outputs made from their results."""
