"""The nodes that stand in a comparison's branches. ComfyUI runs them like any other, but nobody places them by hand."""

from typing import Any

import comfy.samplers
import torch
from comfy_api.latest import io

from ...comparison.runs import Task
from ..compare_inputs import compare_outputs
from ..comparing.naming import naming
from ..schema import make_schema
from .branches import WATCH
from .check_graph import SAMPLING
from .comparison import WorkflowComparison
from .rounds import END, VERDICT, Rounds
from .watch import BranchWatch

# Both keep a node out of the search; the first one is newer.
_INNER = {
    "is_dev_only": True,
    "is_deprecated": True,
    "description": "Part of a running comparison; not for use by hand.",
}


class SweetSpotBranchWatch(io.ComfyNode):
    """Leads a MODEL or GUIDER into a sampler and watches what runs."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's inputs and outputs."""
        return make_schema(
            node_id=WATCH,
            display_name="Branch Watch",
            inputs=[io.AnyType.Input("watched"), io.AnyType.Input("branch")],
            outputs=[io.AnyType.Output("watched")],
            **_INNER,
        )

    @classmethod
    def execute(cls, watched: Any, branch: BranchWatch) -> io.NodeOutput:
        """Return the same, watched."""
        return io.NodeOutput(branch.on(watched))


class SweetSpotBranchSampling(io.ComfyNode):
    """Gives a check run its sampler and schedule."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's inputs and outputs."""
        return make_schema(
            node_id=SAMPLING,
            display_name="Branch Sampling",
            inputs=[io.AnyType.Input("sampler_name"), io.AnyType.Input("levels")],
            outputs=[io.Sampler.Output("sampler"), io.Sigmas.Output("sigmas")],
            **_INNER,
        )

    @classmethod
    def execute(cls, sampler_name: str, levels: list[float]) -> io.NodeOutput:
        """Return both."""
        return io.NodeOutput(comfy.samplers.sampler_object(sampler_name), torch.tensor(levels, dtype=torch.float32))


class SweetSpotBranchEnd(io.ComfyNode):
    """Takes the images of one branch."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's inputs and outputs."""
        return make_schema(
            node_id=END,
            display_name="Branch End",
            is_input_list=True,
            # ComfyUI runs output nodes as soon as it can, so finished branches are kept even if a later one fails.
            is_output_node=True,
            inputs=[
                io.AnyType.Input("images"),
                io.AnyType.Input("comparison"),
                io.AnyType.Input("task"),
                io.AnyType.Input("watch"),
                io.AnyType.Input("previous", optional=True),
            ],
            outputs=[io.AnyType.Output("done")],
            **_INNER,
        )

    @classmethod
    def execute(
        cls,
        images: list[Any],
        comparison: list[WorkflowComparison],
        task: list[Task],
        watch: list[BranchWatch],
        previous: Any = None,  # noqa: ARG003 - only orders the branches
    ) -> io.NodeOutput:
        """Take the images."""
        with naming(task[0].steps):
            comparison[0].finish(task[0], images, watch[0])
        return io.NodeOutput(task[0].steps)


class SweetSpotBranchVerdict(io.ComfyNode):
    """Judges the branches so far; asks for more of them, or returns the report."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's inputs and outputs."""
        return make_schema(
            node_id=VERDICT,
            display_name="Branch Verdict",
            is_output_node=True,
            enable_expand=True,
            hidden=[io.Hidden.prompt, io.Hidden.unique_id, io.Hidden.extra_pnginfo],
            inputs=[io.AnyType.Input("rounds"), io.AnyType.Input("previous", optional=True)],
            outputs=compare_outputs(),
            **_INNER,
        )

    @classmethod
    async def execute(cls, rounds: Rounds, previous: Any = None) -> io.NodeOutput:  # noqa: ARG003 - only orders the nodes
        """Go on with the comparison."""
        return await rounds.go_on(cls)
