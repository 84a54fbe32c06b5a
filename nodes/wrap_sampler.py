"""Step-Aware Wrapper: watches any SAMPLER in a custom-sampling graph."""

from typing import Any

from comfy_api.latest import io

from ..samplers.kept_steps import parse_kept_steps
from .running.watched_run import Extras
from .running.watched_sampler import WatchedSampler
from .schema import keep_steps_input, make_schema, settled_input


class SweetSpotWrapSampler(io.ComfyNode):
    """Wraps a SAMPLER so that its steps are traced."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's inputs and outputs."""
        return make_schema(
            node_id="SweetSpotWrapSampler",
            display_name="Step-Aware Wrapper",
            description="Wraps any SAMPLER and records its steps for Read Step Trace. The result stays the same.",
            search_aliases=["SamplerCustomAdvanced", "trace sampler", "early stop"],
            inputs=[
                io.Sampler.Input("sampler", tooltip="The sampler to watch, e.g. from KSamplerSelect or another pack."),
                keep_steps_input(),
                settled_input(),
            ],
            outputs=[
                io.Sampler.Output(
                    "sampler",
                    display_name="sampler",
                    tooltip="The watched sampler. Link it to the sampling node and to Read Step Trace.",
                )
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(cls, keep_steps: str | None = "") -> bool | str:
        """Refuse an invalid step list before anything runs; a linked list is checked once it is known."""
        try:
            parse_kept_steps(keep_steps or "")
        except ValueError as error:
            return str(error)
        return True

    @classmethod
    def execute(cls, sampler: Any, keep_steps: str = "", stop_when_settled: float = 0.0) -> io.NodeOutput:
        """Wrap the sampler."""
        extras = Extras(parse_kept_steps(keep_steps), stop_when_settled)
        return io.NodeOutput(WatchedSampler(sampler, extras, cls.hidden.unique_id))
