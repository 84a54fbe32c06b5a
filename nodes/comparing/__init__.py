"""A comparison inside ComfyUI: the engine that runs its tasks, and what its results become there."""
