"""What a calibration gains on the demo model, on prompts that it has not seen, judged by long runs.

`.venv/bin/python benchmarks/calibrate.py --cfg 3 --size 128 --fresh 30`

Calibrates on eight prompts at 8 steps with dpmpp_2m. Then every stock scheduler, and what was found, run at several
step counts on fresh prompts. A picture is finished if it does not visibly differ from 120 steps of another solver;
prompts whose two long runs disagree are left out.

`.venv/bin/python benchmarks/calibrate.py --repeat 20 --fresh 8`

Calibrates that often, each time with other prompts and seeds, and runs what was found and the best stock scheduler of
the search on fresh prompts.
"""

import argparse
import json
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

from sampler import Demo, load, run_inside

COUNTS = (8, 12, 16, 24)
PROMPTS = 8


def main() -> None:
    """Calibrate, judge, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--cfg", type=float, default=3.0)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--fresh", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--solver", default="dpmpp_2m")
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, help="step counts on fresh prompts")
    parser.add_argument("--repeat", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.inside is None:
        raise SystemExit(run_inside(Path(__file__)))
    load(arguments.inside)
    import torch

    with torch.inference_mode():
        found = repeated(arguments) if arguments.repeat else figures(arguments)
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


def figures(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what was found, and how many fresh pictures are finished with it and with the stock schedulers."""
    from sweetspot.comparison.calibration.recipe import Recipe
    from sweetspot.comparison.calibration.report import to_dict
    from sweetspot.comparison.calibration.search import SCHEDULERS

    engine = engine_for(arguments)
    found = calibrated(engine, arguments)
    truths = truths_of(engine, arguments, found.span)
    before = found.before.recipe
    recipes = [found.chosen.recipe, before, *(Recipe(arguments.solver, scheduler) for scheduler in SCHEDULERS)]
    rows: dict[str, dict[int, str]] = defaultdict(dict)
    for recipe in recipes:
        for steps in arguments.counts:
            values = [similarity(engine, recipe.task(case, steps, found.span), truths[case]) for case in truths]
            rows[recipe.name][steps] = told(values)
            print(recipe.name, steps, rows[recipe.name][steps], file=sys.stderr)
    short = {name: value for name, value in to_dict(found).items() if name not in ("tried", "headline")}
    return {"found": short, "fresh": len(truths), "undecided": arguments.fresh - len(truths), "finished": rows}


def repeated(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what many calibrations found, beside the best stock scheduler, on fresh prompts."""
    rows: dict[str, Any] = {}
    for number in range(arguments.repeat):
        other = argparse.Namespace(**vars(arguments) | {"seed": arguments.seed + number})
        engine = engine_for(other)
        found = calibrated(engine, other)
        truths = truths_of(engine, other, found.span)
        for name, recipe in (("found", found.chosen.recipe), ("stock", found.stock.recipe)):
            tasks = {case: recipe.task(case, arguments.steps, found.span) for case in truths}
            values = [similarity(engine, task, truths[case]) for case, task in tasks.items()]
            rows.setdefault(str(number), {})[name] = f"{recipe.name}: {told(values)}"
        print(number, rows[str(number)], file=sys.stderr)
    return rows


def calibrated(engine: Any, arguments: argparse.Namespace) -> Any:
    """Return what a calibration on the first prompts finds."""
    from sweetspot.comparison.calibration.recipe import Recipe
    from sweetspot.comparison.calibration.search import Wanted, calibrate

    cases = [replace(base_of(arguments).with_seed(number), prompt=number) for number in range(PROMPTS)]
    return calibrate(engine, Wanted(arguments.steps, cases, Recipe("euler", "simple"), (arguments.solver,)))


def truths_of(engine: Any, arguments: argparse.Namespace, span: Any) -> dict[Any, Any]:
    """Return the images of long runs of the fresh prompts, without those that are not clear."""
    fresh = [replace(base_of(arguments).with_seed(100 + n), prompt=PROMPTS + n) for n in range(arguments.fresh)]
    return {case: truth for case in fresh if (truth := truth_of(engine, case, span)) is not None}


def base_of(arguments: argparse.Namespace) -> Any:
    """Return the settings that all have in common."""
    from sweetspot.comparison.runs import Sampling

    return Sampling(1000 + 10_000 * arguments.seed, arguments.cfg, "euler", "simple")


def engine_for(arguments: argparse.Namespace) -> Any:
    """Return the demo model with fresh prompts."""
    import numpy as np
    import torch
    from sweetspot.demo.training.scenes import sample_scene
    from sweetspot.nodes.comparing.engine import ComfyEngine, Subject
    from sweetspot.nodes.comparing.live_runs import LiveRuns
    from sweetspot.nodes.comparing.progress import ComparisonProgress

    scenes, demo = np.random.default_rng(arguments.seed), Demo()
    captions = [sample_scene(scenes).caption for _ in range(PROMPTS + arguments.fresh)]
    latent = {"samples": torch.zeros(1, 16, arguments.size // 8, arguments.size // 8)}
    positives = tuple(demo.condition(caption) for caption in captions)
    subject = Subject((demo.model,), positives, demo.condition(""), latent, demo.vae)
    return ComfyEngine(subject, ComparisonProgress(demo.model, LiveRuns(None)), 1 << 30)


def truth_of(engine: Any, case: Any, span: Any) -> Any:
    """Return a long run's image; None if another solver on another schedule shows another one."""
    from sweetspot.comparison.calibration.recipe import Recipe
    from sweetspot.comparison.measures.visibility import SIDE_BY_SIDE

    long = Recipe("res_multistep", "simple", shift=2.0).task(case, 120, span)
    other = Recipe("dpmpp_2m", "simple", shift=3.5).task(case, 90, span)
    run, check = engine.run([long, other])
    return run.images if alike(run.images, check.images) >= SIDE_BY_SIDE.below else None


def similarity(engine: Any, task: Any, truth: Any) -> float:
    """Return how similar a task's image is to the truth."""
    return alike(engine.run([task])[0].images, truth)


def alike(left: Any, right: Any) -> float:
    """Return how similar two runs' images look."""
    from sweetspot.comparison.measures.measured import Prepared

    return min(Prepared(one).similarity(Prepared(other)) for one, other in zip(left, right, strict=True))


def told(values: list[float]) -> str:
    """Return how many pictures are finished, and their mean and lowest similarity."""
    from sweetspot.comparison.measures.visibility import SIDE_BY_SIDE

    finished = sum(value >= SIDE_BY_SIDE.below for value in values)
    return f"{finished} of {len(values)}, mean {sum(values) / len(values):.3f}, lowest {min(values):.2f}"


if __name__ == "__main__":
    main()
