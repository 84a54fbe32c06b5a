"""Measures what a comparison costs, and whether its search is right.

`.venv/bin/python benchmarks/compare.py clock|edit|wire|auto|memory`

`clock`, `edit` and `wire` send workflows to a ComfyUI server, as a user would, and compare pairs of times in one run.
`auto` runs inside ComfyUI on the demo model. `memory` needs no model.
"""

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any

from sampler import Demo, load, prompts, run_inside

SEEDS, COUNTS = 32, (4, 25, 50)
PROMPT = "a red circle left of a blue square on green"
_seed = count(1000)


def main() -> None:
    """Measure, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figure", choices=("clock", "edit", "wire", "auto", "memory"))
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=12, help="number of pairs for `clock`, `edit` and `wire`")
    parser.add_argument("--size", type=int, default=128, help="width and height in pixels for the same")
    arguments = parser.parse_args()
    if arguments.figure in ("clock", "edit", "wire"):
        figures = on_server(
            {"clock": clock, "edit": edit, "wire": wire}[arguments.figure], arguments.rounds, arguments.size
        )
    elif arguments.figure == "memory":
        figures = memory()
    elif arguments.inside is None:
        raise SystemExit(run_inside(Path(__file__)))
    else:
        load(arguments.inside)
        import torch

        with torch.inference_mode():
            figures = auto()
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


def on_server(figure: Any, rounds: int, size: int) -> dict[str, Any]:
    """Start a ComfyUI and measure on it."""
    from sweetspot.cli.comfyui import find_comfyui, prepare, running

    folder = find_comfyui()
    if folder is None:
        raise SystemExit("no ComfyUI found: set COMFYUI_PATH")
    with tempfile.TemporaryDirectory() as base, running(prepare(folder), Path(base)) as server:
        return figure(server, rounds, size)


def graph(size: int) -> dict[str, Any]:
    """Return the nodes that the stock workflow and ours share."""
    return {
        "model": {"class_type": "SweetSpotDemoModel", "inputs": {}},
        "positive": {"class_type": "CLIPTextEncode", "inputs": {"text": PROMPT, "clip": ["model", 1]}},
        "negative": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["model", 1]}},
        "latent": {"class_type": "EmptyLatentImage", "inputs": {"width": size, "height": size, "batch_size": 1}},
    }


def sampler_inputs(seed: int) -> dict[str, Any]:
    """Return the inputs that a KSampler and our node share."""
    return {
        "model": ["model", 0],
        "seed": seed,
        "cfg": 3.0,
        "sampler_name": "euler",
        "scheduler": "simple",
        "positive": ["positive", 0],
        "negative": ["negative", 0],
        "latent_image": ["latent", 0],
        "denoise": 1.0,
    }


def stock(size: int, seed: int) -> dict[str, Any]:
    """Return a workflow with three KSamplers, each with VAE Decode and preview."""
    nodes = graph(size)
    for steps in COUNTS:
        nodes[f"sampled {steps}"] = {"class_type": "KSampler", "inputs": {**sampler_inputs(seed), "steps": steps}}
        decode = {"samples": [f"sampled {steps}", 0], "vae": ["model", 2]}
        nodes[f"decoded {steps}"] = {"class_type": "VAEDecode", "inputs": decode}
        nodes[f"shown {steps}"] = {"class_type": "PreviewImage", "inputs": {"images": [f"decoded {steps}", 0]}}
    return nodes


def ours(size: int, seed: int, steps: str, **inputs: Any) -> dict[str, Any]:
    """Return a workflow with one Multi-Step Compare and Compare Options."""
    own = {**sampler_inputs(seed), "vae": ["model", 2], "steps": steps, "options": ["options", 0]}
    return graph(size) | {
        "options": {"class_type": "SweetSpotCompareOptions", "inputs": inputs},
        "compare": {"class_type": "SweetSpotCompare", "inputs": own},
    }


def wired(size: int, seed: int, steps: str, own: int) -> dict[str, Any]:
    """Return a stock workflow of `own` steps with one wire to Compare This Workflow, without the check's own runs."""
    inputs = {"images": ["decoded", 0], "steps": steps, "options": ["options", 0]}
    return graph(size) | {
        "options": {"class_type": "SweetSpotCompareOptions", "inputs": {"check": "off"}},
        "sampled": {"class_type": "KSampler", "inputs": {**sampler_inputs(seed), "steps": own}},
        "decoded": {"class_type": "VAEDecode", "inputs": {"samples": ["sampled", 0], "vae": ["model", 2]}},
        "compare": {"class_type": "SweetSpotCompareWorkflow", "inputs": inputs},
    }


def seconds(server: Any, prompt: dict[str, Any]) -> float:
    """Run a prompt and return its duration in seconds by the server's own clock.

    Raises:
        RuntimeError: if the prompt fails.
    """
    from urllib.request import Request, urlopen

    from sweetspot.cli.demo import get_json

    body = json.dumps({"prompt": prompt}).encode()
    with urlopen(Request(f"{server.url}/prompt", body, {"Content-Type": "application/json"})) as answer:
        number = json.load(answer)["prompt_id"]
    while number not in (history := get_json(server, f"/history/{number}")):
        time.sleep(0.02)
    messages = dict(history[number]["status"]["messages"])
    if "execution_success" not in messages:
        raise RuntimeError(str(messages))
    return (messages["execution_success"]["timestamp"] - messages["execution_start"]["timestamp"]) / 1000


def clock(server: Any, rounds: int, size: int) -> dict[str, Any]:
    """Return our time divided by that of stock nodes for 4, 25 and 50 steps, in pairs with new seeds."""
    listed = ", ".join(map(str, COUNTS))
    kinds = {
        "auto": lambda seed: ours(size, seed, listed),
        "off": lambda seed: ours(size, seed, listed, together="off"),
    }
    for make in kinds.values():
        seconds(server, make(next(_seed)))
    seconds(server, stock(size, next(_seed)))
    ratios: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(rounds):
        for kind, make in kinds.items():
            pair = [make(next(_seed)), stock(size, next(_seed))]
            # The order alternates, so that neither workflow always runs on the warmer machine.
            took = [seconds(server, prompt) for prompt in (pair if number % 2 else pair[::-1])]
            mine, theirs = took if number % 2 else took[::-1]
            ratios[kind].append(mine / theirs)
    return {
        "pixels": size,
        "pairs": rounds,
        **{f"together {kind} over stock, median": statistics.median(values) for kind, values in ratios.items()},
        **{
            f"together {kind} over stock, quartiles": statistics.quantiles(values, n=4)
            for kind, values in ratios.items()
        },
    }


def edit(server: Any, rounds: int, size: int) -> dict[str, Any]:
    """Return the time of adding 12 to 4, 25, 50, divided by the time of running 12 alone."""
    ratios = []
    for number in range(rounds + 1):
        seed = next(_seed)
        seconds(server, ours(size, seed, "4, 25, 50"))
        edited, alone = ours(size, seed, "4, 12, 25, 50"), ours(size, next(_seed), "12")
        took = [seconds(server, prompt) for prompt in ((edited, alone) if number % 2 else (alone, edited))]
        added, only = took if number % 2 else took[::-1]
        ratios += [added / only] if number else []
    return {
        "pixels": size,
        "pairs": rounds,
        "+12 over 12 alone, median": statistics.median(ratios),
        "quartiles": statistics.quantiles(ratios, n=4),
    }


def wire(server: Any, rounds: int, size: int) -> dict[str, Any]:
    """Return what one wire costs: over stock nodes, and for one more count after the unchanged prompt ran once more."""
    listed = ", ".join(map(str, COUNTS))
    over_stock, added = [], []
    for number in range(rounds + 1):
        pair = [wired(size, next(_seed), listed, 7), stock(size, next(_seed))]
        took = [seconds(server, prompt) for prompt in (pair if number % 2 else pair[::-1])]
        mine, theirs = took if number % 2 else took[::-1]
        over_stock.append(mine / theirs)
        seed = next(_seed)
        for _ in range(2):
            seconds(server, wired(size, seed, listed, 7))
        edited = seconds(server, wired(size, seed, f"{listed}, 12", 7))
        added.append(edited / seconds(server, wired(size, next(_seed), "12", 7)))
    return {
        "pixels": size,
        "pairs": rounds,
        "4, 25, 50 over three stock samplers, median": statistics.median(over_stock[1:]),
        "quartiles": statistics.quantiles(over_stock[1:], n=4),
        "+12 over 12 alone, median": statistics.median(added[1:]),
        "+12, quartiles": statistics.quantiles(added[1:], n=4),
    }


def auto() -> dict[str, Any]:
    """Return how the verdicts of the search compare with those of the whole ladder, for 32 seeds of 8 prompts."""
    from sweetspot.comparison.contenders import Contender
    from sweetspot.comparison.rounds import Question, compare
    from sweetspot.comparison.runs import Sampling
    from sweetspot.comparison.verdict.search import LADDER
    from sweetspot.nodes.comparing.engine import ComfyEngine, Subject
    from sweetspot.nodes.comparing.live_runs import LiveRuns
    from sweetspot.nodes.comparing.progress import ComparisonProgress

    demo = Demo()
    negative = demo.condition("")
    conditions = [demo.condition(prompt) for prompt in prompts()]

    def run(positive: Any, sampling: Sampling, question: Question) -> Any:
        subject = Subject((demo.model,), (positive,), negative, demo.empty, demo.vae)
        engine = ComfyEngine(subject, ComparisonProgress(demo.model, LiveRuns(None)), 1 << 30)
        return compare(engine, [Contender(sampling)], question).first

    def rung(series: Any) -> int:
        return LADDER.index(series.sweet_spot.steps) if series.sweet_spot.steps else len(LADDER)

    figures: dict[str, Any] = {}
    for sampler in ("euler", "dpmpp_2m", "heun"):
        away, calls, ladder_calls, rungs = Counter[int](), [], [], Counter[int]()
        for seed in range(SEEDS):
            sampling = Sampling(seed, 3.0, sampler, "simple")
            positive = conditions[seed % len(conditions)]
            whole = run(positive, sampling, Question(LADDER))
            searched = run(positive, sampling, Question((), auto=True))
            # No sweet spot counts as the last rung, because the search never runs more than 32 steps.
            away[abs(min(rung(searched), len(LADDER) - 1) - min(rung(whole), len(LADDER) - 1))] += 1
            rungs[whole.sweet_spot.steps or 0] += 1
            calls.append(sum(judged.run.model_calls for judged in searched.runs))
            ladder_calls.append(sum(judged.run.model_calls for judged in whole.runs))
        figures[sampler] = {
            "verdicts by rungs apart": dict(sorted(away.items())),
            "model calls, mean": statistics.mean(calls),
            "model calls, most": max(calls),
            "of the ladder": ladder_calls[0],
            "the ladder's verdicts (0 is none)": dict(sorted(rungs.items())),
        }
    return figures


def memory() -> dict[str, Any]:
    """Return the memory that 64 step counts at 1024 by 1024 take, without a model: runs, report, grid, outputs."""
    import numpy as np
    from sweetspot.comparison.pictures.chart import draw_curve
    from sweetspot.comparison.pictures.grid import grid_levels, to_floats_once
    from sweetspot.comparison.report import make_report
    from sweetspot.comparison.runs import Run, Series, Settings
    from sweetspot.comparison.verdict.judge import judge

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rng = np.random.default_rng(0)
    clean = rng.integers(0, 250, (1, 1024, 1024, 3), dtype=np.uint8)
    runs = [Run(n, n, n / 10, clean + np.uint8(64 // n)) for n in range(1, 65)]
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    report = make_report([judge(Series(Settings("comfyui", "x", "x", "euler", "simple", 1.0, 0), runs))])
    took = time.perf_counter() - start
    levels, curve = grid_levels(report), draw_curve(report)
    without = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Like the outputs of nodes/comparing/answer.py, which are made only if a node takes them.
    grid = to_floats_once(levels)
    images = np.empty((64, 1024, 1024, 3), dtype=np.float32)
    for place, run in enumerate(runs):
        images[place] = run.images[0]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "runs alone, MB": (held - before) // 1024,
        "peak with report and grid, MB": (without - before) // 1024,
        "peak if nodes take images and grid, MB": (peak - before) // 1024,
        "seconds to measure one image": took / 64,
        "grid": list(grid.shape),
        "curve": list(curve.shape),
    }


if __name__ == "__main__":
    main()
