"""Runs a saved compare workflow of the demo model on the diffusers engine."""

import io
from dataclasses import replace
from typing import Any

from ..comparison.calibration.recipe import Recipe
from ..comparison.calibration.report import details, draw, headline, to_dict
from ..comparison.calibration.search import SCHEDULERS, SOLVERS, Wanted, calibrate
from ..comparison.contenders import Contender
from ..comparison.measures.visibility import SIDE_BY_SIDE, Visible
from ..comparison.pictures.grid import draw_grid, to_pillow
from ..comparison.report import Price
from ..comparison.rounds import Question, check_contenders, compare
from ..comparison.runs import Sampling
from ..comparison.step_counts import parse_numbers, parse_step_counts
from ..demo import files
from ..demo.load import VARIANT, load_model, recommended
from ..engines.diffusers import SCHEDULERS as AVAILABLE
from ..engines.diffusers import DiffusersEngine, Scene
from ..presets.qualities import QUALITIES


def compare_workflow(workflow: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    """Return the grid as PNG and the report, for a workflow in API form with one Multi-Step Compare.

    Prompts, size and the node's values are taken from the workflow. A linked plan is assumed to be the demo model's.

    Raises:
        ValueError: a value is not allowed, or diffusers has no equivalent.
    """
    inputs = next(node["inputs"] for node in workflow.values() if node["class_type"] == "SweetSpotCompare")
    _refuse_what_has_no_equivalent(workflow, inputs)
    contenders = _contenders(workflow, inputs)
    steps = parse_step_counts(inputs["steps"])
    counts = steps.resolved({quality: recommended(quality).steps for quality in QUALITIES})
    options = _options(workflow, inputs)
    price = Price(options.get("price", 0.0), options.get("price_unit", "per hour"))
    visible = Visible.of(options.get("threshold", 100 * SIDE_BY_SIDE.below) / 100)
    checked = options.get("check", "on") == "on"
    question = Question(counts, steps.auto, inputs.get("seeds", 1), price, visible, checked)
    engine = DiffusersEngine(load_model(shift=_shift(workflow, inputs)), _scene(workflow, inputs))
    check_contenders(engine, contenders)
    report = compare(engine, contenders, question)
    return _as_png(draw_grid(report)), report.to_dict()


def calibrate_workflow(workflow: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Return the report, and the picture as PNG, for a workflow in API form with one Calibrate Steps on the demo model.

    Raises:
        ValueError: a value is not allowed, or diffusers has no equivalent.
    """
    inputs = next(node["inputs"] for node in workflow.values() if node["class_type"] == "SweetSpotCalibrate")
    prompts = tuple(line.strip() for line in inputs["texts"].splitlines() if line.strip())
    latent, negative = (workflow[inputs[name][0]]["inputs"] for name in ("latent_image", "negative"))
    scene = Scene(prompts, negative["text"], (latent["width"], latent["height"]))
    engine = DiffusersEngine(load_model(), scene)
    base = Sampling(inputs["seed"], inputs["cfg"], inputs["sampler_name"], inputs["scheduler"])
    engine.check(base)
    seeds = inputs.get("seeds", 1)
    cases = [base.with_seed(number) for number in range(len(prompts) * seeds)]
    solvers = SOLVERS if inputs["solvers"] == "all" else (inputs["solvers"],)
    wanted = Wanted(
        inputs["steps"],
        [replace(case, prompt=number // seeds) for number, case in enumerate(cases)],
        Recipe(base.sampler_name, base.scheduler),
        solvers,
        [name for name in SCHEDULERS if name in AVAILABLE],
        inputs.get("budget", 0),
        other_steps=parse_numbers(inputs.get("other_steps", ""), "other_steps"),
    )
    found = calibrate(engine, wanted)
    text = "\n".join([headline(found), *details(found)])
    return to_dict(found) | {"text": text}, _as_png(draw(found))


def _refuse_what_has_no_equivalent(workflow: dict[str, Any], inputs: dict[str, Any]) -> None:
    nodes = [inputs, _options(workflow, inputs), *_contender_nodes(workflow, inputs)]
    # Multi-Step Compare's own model and plan are looked at below.
    linked = [name for node in nodes[1:] for name in ("clip_vision", "model", "plan") if name in node]
    linked += [name for name in inputs if name.startswith("prompts.")]
    if linked:
        raise ValueError(f"{linked[0]}: expected no link on diffusers, got one")
    model = workflow[inputs["model"][0]]["class_type"]
    if model not in ("SweetSpotDemoModel", "SweetSpotPreset"):
        raise ValueError(f"model: expected Load Demo Model's or Model Step Preset's on diffusers, got one from {model}")
    batch = workflow[inputs["latent_image"][0]]["inputs"].get("batch_size", 1)
    if batch != 1:
        raise ValueError(f"batch_size: expected 1 on diffusers, got {batch}")
    source = workflow[inputs["plan"][0]]["class_type"] if "plan" in inputs else "SweetSpotPreset"
    if source != "SweetSpotPreset":
        raise ValueError(f"plan: expected Model Step Preset's on diffusers, got one from {source}")


def _options(workflow: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    return workflow[inputs["options"][0]]["inputs"] if "options" in inputs else {}


def _contender_nodes(workflow: dict[str, Any], inputs: dict[str, Any]) -> list[dict[str, Any]]:
    return [workflow[link[0]]["inputs"] for name, link in inputs.items() if name.startswith("contenders.")]


def _contenders(workflow: dict[str, Any], inputs: dict[str, Any]) -> list[Contender]:
    names = ("seed", "cfg", "sampler_name", "scheduler", "denoise")
    sampling = Sampling(**{name: inputs[name] for name in names})
    if "plan" in inputs:
        sampling = replace(sampling, **recommended().overrides)
    own = Contender(sampling, variant=VARIANT, source=files.TRANSFORMER.name)
    return [own, *(_contender(own, changes) for changes in _contender_nodes(workflow, inputs))]


def _contender(own: Contender, changes: dict[str, Any]) -> Contender:
    """Return the comparison's own settings with those that a Contender node changes."""
    names = {name: changes[name] for name in ("sampler_name", "scheduler") if changes.get(name, "same") != "same"}
    cfg = {"cfg": changes["cfg"]} if changes.get("cfg", -1) >= 0 else {}
    return replace(own, sampling=replace(own.sampling, **names, **cfg), label=changes.get("label", ""))


def _shift(workflow: dict[str, Any], inputs: dict[str, Any]) -> float:
    """Return the shift that the node's model has: Model Step Preset applies the recommended one."""
    shift = recommended().shift
    through_preset = workflow[inputs["model"][0]]["class_type"] == "SweetSpotPreset"
    return shift.value if shift is not None and through_preset else 1.0


def _scene(workflow: dict[str, Any], inputs: dict[str, Any]) -> Scene:
    latent = workflow[inputs["latent_image"][0]]["inputs"]
    positive, negative = (workflow[inputs[name][0]]["inputs"]["text"] for name in ("positive", "negative"))
    return Scene((positive,), negative, (latent["width"], latent["height"]))


def _as_png(image: Any) -> bytes:
    picture = io.BytesIO()
    to_pillow(image).save(picture, "PNG")
    return picture.getvalue()
