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
CHECKS = CHECK_ON, CHECK_OFF = ("on", "off")
FIXED_SIGMAS = REFUSE, RESAMPLE = ("refuse", "resample")
KEPT_AS = EIGHT_BIT, FLOAT32 = ("8 bit", "float32")


def compare_inputs() -> list[io.Input]:
    """Return the inputs; newer ones come last, so that saved workflows keep their values."""
    return [
        model_input(),
        *conditioning_inputs(),
        io.Vae.Input("vae", tooltip="Decodes the images that are compared."),
        seed_input(),
        step_list_input("Step counts to compare"),
        *sampler_inputs(),
        denoise_input(),
        plan_input(),
        cache_input(),
        seeds_input("`seed`"),
        io.String.Input(
            "also",
            default="",
            optional=True,
            tooltip="Other samplers to compare, e.g. dpmpp_2m/karras, heun/simple. Each runs every step count.",
        ),
        *[
            Plan.Input(f"plan_{number}", optional=True, tooltip="Another plan to compare. It runs every step count.")
            for number in (2, 3, 4)
        ],
        io.Combo.Input(
            "together",
            options=list(MODES),
            default=AUTO,
            optional=True,
            tooltip="Runs several step counts in one model call. auto: when safe and faster. on: whenever safe. "
            "off: one run at a time, bit-identical to KSampler.",
            **expert(),
        ),
        *report_inputs(),
        check_input(),
    ]


def check_input() -> io.Input:
    """Return the input that turns the check of the reference off."""
    return io.Combo.Input(
        "check",
        options=list(CHECKS),
        default=CHECK_ON,
        optional=True,
        tooltip="Runs another solver on another schedule to check that the reference has converged, with 12 to 84 "
        "more steps. off: no check, and no sweet spot of high confidence.",
        **expert(),
    )


def step_list_input(what: str) -> io.Input:
    """Return the input for the step counts to compare."""
    return io.String.Input(
        "steps",
        default="4, 25, 50",
        tooltip=f"{what}, separated by commas: up to 64 whole numbers from 1 to 10000, ranges, e.g. "
        "8..32:8, or draft, balanced, best for this model. By default the largest is the reference. auto searches "
        "for the sweet spot with few model calls.",
    )


def cache_input() -> io.Input:
    """Return the input for the memory for finished images."""
    return io.Int.Input(
        "cache_megabytes",
        default=1024,
        min=0,
        max=MOST_MEGABYTES,
        optional=True,
        tooltip="Memory for finished images, in MB. If you edit the list, only new runs are computed. 0 clears the "
        "cache and recomputes everything.",
        **expert(),
    )


def seeds_input(first: str) -> io.Input:
    """Return the input for the number of seeds."""
    return io.Int.Input(
        "seeds",
        default=1,
        min=1,
        max=MOST_SEEDS,
        optional=True,
        tooltip=f"How many seeds to run, counting up from {first}. The verdict covers all their images.",
    )


def report_inputs() -> list[io.Input]:
    """Return the inputs for what is measured, kept and saved."""
    return [
        io.ClipVision.Input(
            "clip_vision",
            optional=True,
            tooltip="Adds a semantic distance to the report: how much the images' content differs.",
        ),
        io.Float.Input(
            "price",
            default=0.0,
            min=0.0,
            max=MOST_PRICE,
            step=0.0001,
            round=False,
            optional=True,
            tooltip="Price of sampling, in any currency or credits. If set, report and curve show the cost. 0 is off.",
            **expert(),
        ),
        io.Combo.Input(
            "price_unit",
            options=list(PRICE_UNITS),
            default=PRICE_UNITS[0],
            optional=True,
            tooltip="What the price is for: an hour of sampling, or one step.",
            **expert(),
        ),
        io.String.Input(
            "frames",
            default="first, middle, last",
            optional=True,
            tooltip="The frames of a video to compare: first, middle, last, or numbers from 0; -1 is the last frame.",
            **expert(),
        ),
        io.Combo.Input(
            "kept_as",
            options=list(KEPT_AS),
            default=KEPT_AS[0],
            optional=True,
            tooltip="How finished images are kept: in 8 bit, as in saved files, or in float32, as decoded, which takes "
            "four times the memory.",
            **expert(),
        ),
        save_input(),
    ]


def save_input() -> io.Input:
    """Return the input for the name under which everything is saved."""
    return io.String.Input(
        "save_prefix",
        default="",
        optional=True,
        tooltip="Saves images, grid, curve and report to the output folder under this name. Each image includes the "
        "report, its step count and the workflow. Empty saves nothing.",
        **expert(),
    )


def sampler_choice_input() -> io.Input:
    """Return the input for the sampler whose step count is varied."""
    return io.String.Input(
        "sampler",
        default="auto",
        optional=True,
        tooltip="Which sampler to vary, by title or id. auto: the only one. If there are several, choose one; the "
        "others keep their steps.",
    )


def fixed_sigmas_input() -> io.Input:
    """Return the input that says what to do with a fixed list of noise levels."""
    return io.Combo.Input(
        "fixed_sigmas",
        options=list(FIXED_SIGMAS),
        default=REFUSE,
        optional=True,
        tooltip="What to do with a fixed list of noise levels (ManualSigmas). refuse: it has no step count. resample: "
        "take more or fewer levels along the same curve.",
        **expert(),
    )


def compare_outputs() -> list[io.Output]:
    """Return the outputs; newer ones come last."""
    return [
        io.Image.Output(
            "images", display_name="images", tooltip="All images, one contender after another, by rising step count."
        ),
        io.Image.Output("grid", display_name="grid", tooltip="The images side by side, labelled."),
        io.String.Output(
            "report", display_name="report", tooltip="Times, model calls, measures and verdict as JSON text."
        ),
        io.Int.Output(
            "sweet_spot",
            display_name="sweet_spot",
            tooltip="The smallest step count that is enough, or the reference if there is no sweet spot.",
        ),
        io.String.Output("markdown", display_name="markdown", tooltip="The report in readable form, as Markdown."),
        io.Image.Output(
            "curve",
            display_name="curve",
            tooltip="Similarity against steps, with times or costs below and the sweet spot marked, as an image.",
        ),
    ]


def check_values(seeds: int, cache_megabytes: int, price: float, kept_as: str, price_unit: str) -> None:
    """Refuse linked values that are outside the limits of the inputs that both comparison nodes have.

    Raises:
        ValueError: names the input, the allowed values and the value that was given.
    """
    check_seeds_and_cache(seeds, cache_megabytes)
    check_number("price", price, 0, MOST_PRICE)
    check_choice("kept_as", kept_as, KEPT_AS)
    check_choice("price_unit", price_unit, PRICE_UNITS)


def check_seeds_and_cache(seeds: int, cache_megabytes: int) -> None:
    """Refuse linked values that are outside these inputs' limits.

    Raises:
        ValueError: names the input, the allowed values and the value that was given.
    """
    check_number("seeds", seeds, 1, MOST_SEEDS)
    check_number("cache_megabytes", cache_megabytes, 0, MOST_MEGABYTES)
