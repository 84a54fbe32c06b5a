"""Compare Options: the rare settings of a comparison, behind one socket."""

from typing import Any

from comfy_api.latest import io

from ..comparison.frames import check_frames
from ..comparison.measures.visibility import SIDE_BY_SIDE, Visible
from ..comparison.report import Price
from .comparing.options import Options
from .comparing.shared_calls import AUTO, MODES
from .schema import CompareOptions, check_choice, check_number, make_schema

CHECKS = CHECK_ON, CHECK_OFF = ("on", "off")
KEPT_AS = EIGHT_BIT, FLOAT32 = ("8 bit", "float32")
PRICE_UNITS = ("per hour", "per step")
MOST_MEGABYTES, MOST_PRICE = 1 << 20, 1e6
_DEFAULT = Options()


class SweetSpotCompareOptions(io.ComfyNode):
    """Collects the rare settings of a comparison."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's inputs and outputs."""
        return make_schema(
            node_id="SweetSpotCompareOptions",
            display_name="Compare Options",
            description="Rare settings for the comparison nodes: the check, what counts as visible, memory, price, "
            "frames of a video.",
            search_aliases=["compare settings", "threshold"],
            inputs=[*_judging_inputs(), *_running_inputs(), *_cost_inputs()],
            outputs=[
                CompareOptions.Output("options", display_name="options", tooltip="For the comparison nodes."),
            ],
        )

    @classmethod
    def execute(
        cls,
        check: str = CHECK_ON,
        threshold: float = 100 * SIDE_BY_SIDE.below,
        clip_vision: Any = None,
        together: str = AUTO,
        cache_megabytes: int = _DEFAULT.cache_megabytes,
        kept_as: str = EIGHT_BIT,
        frames: str = _DEFAULT.frames,
        price: float = 0.0,
        price_unit: str = PRICE_UNITS[0],
    ) -> io.NodeOutput:
        """Check the values, also linked ones, and return them."""
        check_choice("check", check, CHECKS)
        check_number("threshold", threshold, 50, 99.9)
        check_choice("together", together, MODES)
        check_number("cache_megabytes", cache_megabytes, 0, MOST_MEGABYTES)
        check_choice("kept_as", kept_as, KEPT_AS)
        check_frames(frames)
        check_number("price", price, 0, MOST_PRICE)
        check_choice("price_unit", price_unit, PRICE_UNITS)
        options = Options(
            Visible.of(threshold / 100),
            check == CHECK_ON,
            together,
            cache_megabytes,
            Price(price, price_unit),
            frames,
            kept_as == FLOAT32,
            clip_vision,
        )
        return io.NodeOutput(options)


def _judging_inputs() -> list[io.Input]:
    """Return the inputs for the verdict."""
    return [
        io.Combo.Input(
            "check",
            options=list(CHECKS),
            default=CHECK_ON,
            optional=True,
            tooltip="Runs another solver on another schedule to check that the reference has converged, with "
            "12 to 84 more steps. off: no check, and no sweet spot of high confidence.",
        ),
        io.Float.Input(
            "threshold",
            default=100 * SIDE_BY_SIDE.below,
            min=50.0,
            max=99.9,
            step=0.5,
            round=0.1,
            optional=True,
            tooltip="Below this similarity, in %, a difference counts as visible. 89.5: side by side. 94: when "
            "you flip between two images in place.",
        ),
        io.ClipVision.Input(
            "clip_vision",
            optional=True,
            tooltip="Adds a semantic distance to the report: how much the images' content differs.",
        ),
    ]


def _running_inputs() -> list[io.Input]:
    """Return the inputs for how it runs and what is kept."""
    return [
        io.Combo.Input(
            "together",
            options=list(MODES),
            default=AUTO,
            optional=True,
            tooltip="Runs several step counts in one model call. auto: when safe and faster. on: whenever "
            "safe. off: one run at a time, bit-identical to KSampler. Only for Multi-Step Compare.",
        ),
        io.Int.Input(
            "cache_megabytes",
            default=_DEFAULT.cache_megabytes,
            min=0,
            max=MOST_MEGABYTES,
            optional=True,
            tooltip="Memory for finished images, in MB. If you edit the list, only new runs are computed. 0 "
            "clears the cache and recomputes everything.",
        ),
        io.Combo.Input(
            "kept_as",
            options=list(KEPT_AS),
            default=EIGHT_BIT,
            optional=True,
            tooltip="How finished images are kept: in 8 bit, as in saved files, or in float32, as decoded, "
            "which takes four times the memory.",
        ),
        io.String.Input(
            "frames",
            default=_DEFAULT.frames,
            optional=True,
            tooltip="The frames of a video to compare: first, middle, last, or numbers from 0; -1 is the last frame.",
        ),
    ]


def _cost_inputs() -> list[io.Input]:
    """Return the inputs for the cost."""
    return [
        io.Float.Input(
            "price",
            default=0.0,
            min=0.0,
            max=MOST_PRICE,
            step=0.0001,
            round=False,
            optional=True,
            tooltip="Price of sampling, in any currency or credits. If set, report and curve show the cost. 0 is off.",
        ),
        io.Combo.Input(
            "price_unit",
            options=list(PRICE_UNITS),
            default=PRICE_UNITS[0],
            optional=True,
            tooltip="What the price is for: an hour of sampling, or one step.",
        ),
    ]
