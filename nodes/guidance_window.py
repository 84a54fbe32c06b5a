"""Guidance Window: limits any guider's guidance to part of the steps."""

import copy
from typing import Any

from comfy_api.latest import io

from .guidance_inputs import chosen_saver, window_inputs
from .running.guiders import scale_names
from .schema import make_schema


class SweetSpotGuidanceWindow(io.ComfyNode):
    """Adds a guidance window to a guider."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's inputs and outputs."""
        return make_schema(
            node_id="SweetSpotGuidanceWindow",
            display_name="Guidance Window",
            description="Limits guidance to part of the run. Outside it, the unconditional half isn't computed.",
            search_aliases=["adaptive guidance", "limited interval", "cfg schedule", "skip cfg", "CFGGuider"],
            inputs=[
                io.Guider.Input("guider", tooltip="The guider, e.g. from CFGGuider or another pack."),
                *window_inputs(),
            ],
            outputs=[
                io.Guider.Output("guider", display_name="guider", tooltip="The guider with the window."),
                io.String.Output("text", display_name="text", tooltip="The window, and who recommends it."),
            ],
        )

    @classmethod
    def execute(
        cls, guider: Any, guidance_window: str = "first half", window_start: float = 0.0, window_end: float = 1.0
    ) -> io.NodeOutput:
        """Return a copy of the guider with the window."""
        saver = chosen_saver(guidance_window, window_start, window_end, guider.model_patcher)
        if saver is None:
            return io.NodeOutput(guider, "Guidance in every step.")
        if not scale_names(guider):
            raise ValueError(
                f"guider: expected one with a guidance scale (cfg), e.g. CFGGuider; got {type(guider).__name__}"
            )
        windowed = copy.copy(guider)
        windowed.model_options = saver.options(guider.model_options)
        return io.NodeOutput(windowed, f"Guidance window: {saver.description}.")
