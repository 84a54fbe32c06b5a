"""Inputs and outputs of the comparison nodes."""

from comfy_api.latest import io

from .schema import (
    FIXED_SEED,
    CompareOptions,
    Comparison,
    ContenderSocket,
    check_number,
    conditioning_inputs,
    denoise_input,
    expert,
    model_input,
    plan_input,
    sampler_inputs,
    seed_input,
)

MOST_SEEDS, MOST_CONTENDERS, MOST_PROMPTS = 64, 15, 31
FIXED_SIGMAS = REFUSE, RESAMPLE = ("refuse", "resample")


def compare_inputs() -> list[io.Input]:
    """Return the inputs of Multi-Step Compare; newer ones come last, so that saved workflows keep their values."""
    return [
        model_input(),
        *conditioning_inputs(),
        io.Vae.Input("vae", tooltip="Decodes the images that are compared."),
        seed_input(control=FIXED_SEED),
        step_list_input("Step counts to compare"),
        *sampler_inputs(),
        denoise_input(),
        plan_input(),
        seeds_input("`seed`"),
        contenders_input(),
        prompts_input(),
        options_input(),
    ]


def contenders_input() -> io.Input:
    """Return the growing list of contenders."""
    socket = ContenderSocket.Input("contender", tooltip="From a Contender node. It runs every step count, too.")
    tooltip = "Other models, samplers and plans to compare, each from a Contender node."
    return _growing("contenders", socket, MOST_CONTENDERS, tooltip)


def prompts_input() -> io.Input:
    """Return the growing list of prompts."""
    socket = io.Conditioning.Input(
        "prompt", tooltip="Another prompt in place of `positive`. The verdict covers them all."
    )
    tooltip = "More prompts. The verdict covers them all, as it does several seeds."
    return _growing("prompts", socket, MOST_PROMPTS, tooltip)


def _growing(name: str, socket: io.Input, most: int, tooltip: str) -> io.Input:
    """Return a list of sockets that shows one more as soon as its last one is linked."""
    template = io.Autogrow.TemplatePrefix(socket, prefix=socket.id, min=0, max=most)
    return io.Autogrow.Input(name, template, optional=True, tooltip=tooltip)


def options_input() -> io.Input:
    """Return the input for the rare settings."""
    return CompareOptions.Input("options", optional=True, tooltip="Rare settings, from a Compare Options node.")


def step_list_input(what: str) -> io.Input:
    """Return the input for the step counts to compare."""
    return io.String.Input(
        "steps",
        default="4, 25, 50",
        tooltip=f"{what}, separated by commas: up to 64 whole numbers from 1 to 10000, ranges, e.g. "
        "8..32:8, or draft, balanced, best for this model. By default the largest is the reference. auto searches "
        "for the sweet spot with few model calls.",
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
        Comparison.Output(
            "comparison", display_name="comparison", tooltip="The whole comparison, for Save Comparison."
        ),
    ]


def check_seeds(seeds: int) -> None:
    """Refuse a linked number of seeds that is outside the input's limits.

    Raises:
        ValueError: names the input, the allowed values and the value that was given.
    """
    check_number("seeds", seeds, 1, MOST_SEEDS)
