"""ComfyUI workflows, read and rewritten without ComfyUI. Imports the standard library only."""
