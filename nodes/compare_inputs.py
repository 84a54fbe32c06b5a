"""Inputs and outputs of Multi-Step Compare."""

from comfy_api.latest import io

from .comparing.shared_calls import AUTO, MODES
from .schema import (
    Plan,
    check_choice,
    check_number,
    conditioning_inputs,
    denoise_input,
    expert,
    model_input,
    plan_input,
    sampler_inputs,
    seed_input,
)

PRICE_UNITS = ("per hour", "per step")
MOST_SEEDS, MOST_MEGABYTES, MOST_PRICE = 64, 1 << 20, 1e6
KEPT_AS = EIGHT_BIT, FLOAT32 = ("8 bit", "float32")


def compare_inputs() -> list[io.Input]:
    """Return the inputs; those that came later stand last, so that saved workflows keep their values."""
    return [
        model_input(),
        *conditioning_inputs(),
        io.Vae.Input("vae", tooltip="Decodes the images that are compared."),
        seed_input(),
        io.String.Input(
            "steps",
            default="4, 25, 50",
            tooltip="Step counts to compare, separated by commas: up to 64 whole numbers from 1 to 10000, ranges as "
            "8..32:8, and draft, balanced, best of the model. The largest is the reference. auto looks for the sweet "
            "spot with few model calls.",
        ),
        *sampler_inputs(),
        denoise_input(),
        plan_input(),
        io.Int.Input(
            "cache_megabytes",
            default=1024,
            min=0,
            max=MOST_MEGABYTES,
            optional=True,
            tooltip="Memory for finished images, so that an edited list computes only what is new. 0 forgets them and "
            "computes all anew.",
            **expert(),
        ),
        io.Int.Input(
            "seeds",
            default=1,
            min=1,
            max=MOST_SEEDS,
            optional=True,
            tooltip="How many seeds, from seed on upwards. The verdict is over all their images.",
        ),
        io.String.Input(
            "also",
            default="",
            optional=True,
            tooltip="Other samplers to compare with, as dpmpp_2m/karras, heun/simple: each runs all step counts.",
        ),
        *[
            Plan.Input(
                f"plan_{number}", optional=True, tooltip="Another plan to compare with; it runs all step counts."
            )
            for number in (2, 3, 4)
        ],
        *_expert_inputs(),
    ]


def _expert_inputs() -> list[io.Input]:
    return [
        io.Combo.Input(
            "together",
            options=list(MODES),
            default=AUTO,
            optional=True,
            tooltip="Several step counts in one model call: auto where it is safe and measured to pay, on where it is "
            "safe, off one after another, as the KSampler to the bit.",
            **expert(),
        ),
        io.ClipVision.Input(
            "clip_vision", optional=True, tooltip="Adds a semantic distance, what the images show, to the report."
        ),
        io.Float.Input(
            "price",
            default=0.0,
            min=0.0,
            max=MOST_PRICE,
            step=0.0001,
            round=False,
            optional=True,
            tooltip="What sampling costs, in any currency or credits; then in report and curve. 0 is off.",
            **expert(),
        ),
        io.Combo.Input(
            "price_unit",
            options=list(PRICE_UNITS),
            default=PRICE_UNITS[0],
            optional=True,
            tooltip="What the price is for: an hour of sampling, or a step.",
            **expert(),
        ),
        io.String.Input(
            "frames",
            default="first, middle, last",
            optional=True,
            tooltip="The frames of a video to compare: first, middle, last, or numbers from 0, from the end as -1.",
            **expert(),
        ),
        io.Combo.Input(
            "kept_as",
            options=list(KEPT_AS),
            default=KEPT_AS[0],
            optional=True,
            tooltip="How finished images are kept: as the levels that are saved, or as the VAE gives them, which takes "
            "four times the memory.",
            **expert(),
        ),
        io.String.Input(
            "save_prefix",
            default="",
            optional=True,
            tooltip="Saves images, grid, curve and report in the output folder under this name. Images carry the "
            "report and their step count. Empty saves nothing.",
            **expert(),
        ),
    ]


def compare_outputs() -> list[io.Output]:
    """Return the outputs; those that came later stand last."""
    return [
        io.Image.Output("images", display_name="images", tooltip="All images, in rising order of step counts."),
        io.Image.Output("grid", display_name="grid", tooltip="The images side by side, labelled."),
        io.String.Output("report", display_name="report", tooltip="Times, measures and verdict as JSON text."),
        io.Int.Output(
            "sweet_spot",
            display_name="sweet_spot",
            tooltip="The smallest step count that is enough; the largest compared where none is found.",
        ),
        io.String.Output("markdown", display_name="markdown", tooltip="The report as Markdown, for people."),
        io.Image.Output("curve", display_name="curve", tooltip="Similarity against seconds or cost, as a picture."),
    ]


def check_values(
    together: str,
    seeds: int,
    cache_megabytes: int,
    cfg: float,
    denoise: float,
    price: float,
    kept_as: str,
    price_unit: str,
) -> None:
    """Refuse values that came through a link and are outside the inputs' own limits.

    Raises:
        ValueError: names the input, what is allowed and what came.
    """
    check_choice("together", together, MODES)
    check_number("seeds", seeds, 1, MOST_SEEDS)
    check_number("cache_megabytes", cache_megabytes, 0, MOST_MEGABYTES)
    check_number("cfg", cfg, 0, 100)
    check_number("denoise", denoise, 0, 1)
    check_number("price", price, 0, MOST_PRICE)
    check_choice("kept_as", kept_as, KEPT_AS)
    check_choice("price_unit", price_unit, PRICE_UNITS)
