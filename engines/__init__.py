"""What can run a plan without ComfyUI. Needs the extra `standalone`; imported where used."""
