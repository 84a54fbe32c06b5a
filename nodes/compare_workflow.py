"""Compare This Workflow: reruns what is above one IMAGE wire at several step counts, and names the sweet spot."""

from typing import Any

from comfy_api.latest import io

from ..comparison.step_counts import why_not_step_counts
from ..graphs.above import Above
from ..graphs.video import frame_rate_of, is_video
from .compare_inputs import (
    FIXED_SIGMAS,
    REFUSE,
    RESAMPLE,
    check_seeds,
    compare_outputs,
    fixed_sigmas_input,
    options_input,
    sampler_choice_input,
    seeds_input,
    step_list_input,
)
from .comparing.options import Options
from .schema import COMPARE_WORDS, check_choice, make_schema
from .workflow.media import Images, Media, Video
from .workflow.stages_here import AUTO
from .workflow.start import Wishes, start


class SweetSpotCompareWorkflow(io.ComfyNode):
    """Reruns the workflow above one IMAGE wire at several step counts."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's inputs and outputs."""
        return make_schema(
            node_id="SweetSpotCompareWorkflow",
            display_name="Compare This Workflow",
            description="How many steps are enough? Runs the workflow above `images` at several step counts and names "
            "the smallest that is. Works with any sampler that has a step count.",
            search_aliases=COMPARE_WORDS,
            is_output_node=True,
            enable_expand=True,
            hidden=[io.Hidden.dynprompt, io.Hidden.prompt, io.Hidden.unique_id, io.Hidden.extra_pnginfo],
            inputs=[
                io.Image.Input(
                    "images",
                    lazy=True,
                    tooltip="The images to compare, from any VAE Decode, upscaler or detailer. What is above this wire "
                    "runs once per step count.",
                ),
                step_list_input("Step counts to compare"),
                sampler_choice_input(),
                seeds_input("the workflow's own seed"),
                fixed_sigmas_input(),
                options_input(),
            ],
            outputs=compare_outputs(),
        )

    @classmethod
    def validate_inputs(cls, steps: str | None) -> bool | str:
        """Refuse an invalid step list before anything runs; a linked list is checked once it is known."""
        return why_not_step_counts(steps) or True

    @classmethod
    def check_lazy_status(cls, **_: Any) -> list[str]:
        """Ask for nothing: the images of the workflow itself are made only if their step count is in the list."""
        return []

    @classmethod
    def fingerprint_inputs(cls, **_: Any) -> str:
        """Judge again when the user's own threshold has changed."""
        return str(Options.usual().visible.below)

    @classmethod
    def execute(
        cls,
        steps: str,
        images: Any = None,  # noqa: ARG003 - never computed, see `check_lazy_status`
        sampler: str = AUTO,
        seeds: int = 1,
        fixed_sigmas: str = REFUSE,
        options: Options | None = None,
    ) -> io.NodeOutput:
        """Find the step count, and run the branches."""
        options = options or Options.usual()
        check_seeds(seeds)
        check_choice("fixed_sigmas", fixed_sigmas, FIXED_SIGMAS)

        def media_of(above: Above) -> Media:
            return Video(options.frames, frame_rate_of(above)) if is_video(above) else Images()

        wishes = Wishes(steps, sampler, seeds, fixed_sigmas == RESAMPLE, options)
        return start(cls, "images", media_of, wishes)
