"""Filmstrip: shows the kept steps of one run side by side, with their numbers."""

from typing import Any

import torch
from comfy_api.latest import io, ui

from ..comparison.pictures.grid import draw_filmstrip
from ..samplers.kept_steps import parse_kept_steps
from .schema import make_schema


class SweetSpotFilmstrip(io.ComfyNode):
    """Draws what a run predicted along the way."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's inputs and outputs."""
        return make_schema(
            node_id="SweetSpotFilmstrip",
            display_name="Filmstrip",
            description="Shows the decoded kept steps of one run side by side. This isn't a comparison: step 4 of 25 "
            "isn't the same as a run of 4 steps.",
            search_aliases=["intermediate images", "progress images", "denoising process"],
            is_output_node=True,
            inputs=[
                io.Image.Input("images", tooltip="The decoded kept latents."),
                io.String.Input(
                    "kept_steps", force_input=True, tooltip="The step numbers, from the node that kept the latents."
                ),
            ],
            outputs=[
                io.Image.Output("filmstrip", display_name="filmstrip", tooltip="The images side by side, labelled.")
            ],
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo],
        )

    @classmethod
    def execute(cls, images: Any, kept_steps: str) -> io.NodeOutput:
        """Draw the strip."""
        picture = draw_filmstrip(images.cpu().float().numpy(), parse_kept_steps(kept_steps))
        strip = torch.from_numpy(picture).unsqueeze(0)
        return io.NodeOutput(strip, ui=ui.PreviewImage(strip, cls=cls))
