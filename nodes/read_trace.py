"""Read Step Trace: returns what a wrapped SAMPLER recorded of the run that produced a latent."""

from typing import Any

from comfy_api.latest import io

from .running.job import NOTHING_KEPT, kept_latent
from .running.watched_sampler import WatchedSampler
from .schema import Trace, is_linked, make_schema


class SweetSpotReadTrace(io.ComfyNode):
    """Reads the trace of a Step-Aware Wrapper after its run."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's inputs and outputs."""
        return make_schema(
            node_id="SweetSpotReadTrace",
            display_name="Read Step Trace",
            description="Shows what a Step-Aware Wrapper recorded: the trace and the kept steps of its run.",
            search_aliases=["trace", "filmstrip", "intermediate images"],
            # So that a queue without changes still shows what the node showed.
            has_intermediate_output=True,
            inputs=[
                io.Sampler.Input("sampler", tooltip="The output of Step-Aware Wrapper."),
                io.Latent.Input(
                    "latent", tooltip="The `output` of the sampling node that used this sampler, unchanged."
                ),
            ],
            outputs=[
                io.Latent.Output("latent", display_name="latent", tooltip="The latent, unchanged."),
                Trace.Output("trace", display_name="trace", tooltip="What each step did."),
                io.Int.Output("steps_run", display_name="steps_run", tooltip="How many steps actually ran."),
                io.String.Output("trace_json", display_name="trace_json", tooltip="The trace as JSON text."),
                io.Latent.Output("kept", display_name="kept", tooltip="Predicted clean latents of the kept steps."),
                io.String.Output(
                    "kept_steps", display_name="kept_steps", tooltip="The numbers of the kept steps, e.g. 4, 8, 25."
                ),
                io.String.Output("text", display_name="text", tooltip="What happened, in words."),
            ],
            hidden=[io.Hidden.prompt, io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, sampler: Any, latent: dict[str, Any]) -> io.NodeOutput:
        """Find the run and return what it recorded."""
        if not isinstance(sampler, WatchedSampler):
            raise TypeError(f"sampler: expected the output of Step-Aware Wrapper, got {type(sampler).__name__}")
        run = sampler.run_of(latent)
        trace = run.trace()
        if not trace.kept and is_linked(cls.hidden.prompt, cls.hidden.unique_id, 4):
            trace = trace.with_notes(NOTHING_KEPT)
        text, summary = trace.to_json(), trace.describe()
        numbers = ", ".join(map(str, trace.kept))
        shown = {"text": [summary], "trace": [text]}
        return io.NodeOutput(latent, trace, trace.steps_run, text, kept_latent(run), numbers, summary, ui=shown)
