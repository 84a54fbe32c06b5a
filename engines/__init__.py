"""Engines that run a plan without ComfyUI. They need the extra `standalone` and are imported only where used."""
