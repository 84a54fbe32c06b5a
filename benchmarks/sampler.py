"""Measures what the Step-Aware Sampler costs and saves.

`.venv/bin/python benchmarks/sampler.py overhead|window|settle`

It runs inside the ComfyUI that is found, in one process without a server, on the demo model. Pairs of times in one run
are compared. `window` and `settle` use 64 pictures: 8 held-out prompts with 8 seeds each.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PROMPTS, SEEDS, STEPS = 8, 8, 25
TOLERANCES = (0.05, 0.1, 0.2)
TILE = 32
NONE = "no guidance at all"
SETTLING = (
    "euler",
    "heun",
    "dpm_2",
    "lms",
    "dpmpp_2m",
    "ipndm",
    "deis",
    "res_multistep",
    "gradient_estimation",
    "uni_pc",
)


def main() -> None:
    """Start this script again with ComfyUI's Python, and measure there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figure", choices=("overhead", "window", "settle"))
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=12, help="number of pairs for `overhead`")
    arguments = parser.parse_args()
    if arguments.inside is None:
        raise SystemExit(run_inside(Path(__file__)))
    load(arguments.inside)
    figures = {"overhead": lambda: overhead(arguments.rounds), "window": window, "settle": settle}
    import torch

    # ComfyUI runs every prompt in inference mode.
    with torch.inference_mode():
        result = figures[arguments.figure]()
    sys.stdout.write(json.dumps(result, indent=2) + "\n")


def run_inside(script: Path) -> int:
    """Run a script of benchmarks/ again with ComfyUI's Python."""
    from sweetspot.cli.comfyui import find_comfyui, prepare

    folder = find_comfyui()
    if folder is None:
        raise SystemExit("no ComfyUI found: set COMFYUI_PATH")
    python = prepare(folder).python
    command = [str(python), str(script.resolve()), *sys.argv[1:], "--inside", str(folder)]
    return subprocess.call(command, cwd=folder)


def load(folder: Path) -> None:
    """Make ComfyUI and the pack importable."""
    sys.path[0] = str(folder)
    has_gpu = "cuda" in os.environ.get("SWEETSPOT_DEVICE", "")
    sys.argv = ["main.py", *([] if has_gpu else ["--cpu"])]
    import comfy.options  # pyright: ignore[reportMissingImports]

    comfy.options.enable_args_parsing()
    spec = importlib.util.spec_from_file_location(
        "sweetspot", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    if spec is None or spec.loader is None:
        raise SystemExit(f"{ROOT}: expected a package with an __init__.py")
    sys.modules["sweetspot"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["sweetspot"])


class Demo:
    """The demo model."""

    def __init__(self, size: int = 128) -> None:
        """Load the model."""
        import torch
        from sweetspot.nodes.demo_model import SweetSpotDemoModel

        self.model, self.clip, self.vae = SweetSpotDemoModel.execute().args
        self.size = size
        self.empty = {"samples": torch.zeros(1, 16, size // 8, size // 8)}

    def condition(self, prompt: str) -> Any:
        """Return the conditioning of a prompt."""
        return self.clip.encode_from_tokens_scheduled(self.clip.tokenize(prompt))

    def batch(self) -> dict[str, Any]:
        """Return an empty latent with one picture per seed; each gets its own noise."""
        return {"samples": self.empty["samples"].repeat(SEEDS, 1, 1, 1)}

    def pictures(self, samples: Any) -> Any:
        """Return decoded pictures in [0, 1], shape (batch, height, width, 3)."""
        return self.vae.decode(samples).float().cpu().numpy()


def prompts() -> list[str]:
    """Return held-out prompts."""
    from sweetspot.demo.training.evaluate import held_out_scenes

    return [scene.caption for scene in held_out_scenes(PROMPTS)]


def settings(seed: int = 0, sampler_name: str = "euler", cfg: float = 3.0) -> Any:
    """Return a sampler's settings."""
    from sweetspot.nodes.running.stock import KSamplerSettings

    return KSamplerSettings(seed, cfg, sampler_name, "simple", 1.0)


def overhead(rounds: int) -> dict[str, Any]:
    """Return our time divided by stock's at 256 by 256 pixels, and stock's by itself to show the noise."""
    from nodes import common_ksampler  # pyright: ignore[reportMissingImports, reportAttributeAccessIssue]
    from sweetspot.nodes.running.live import LiveTrace
    from sweetspot.nodes.running.stock import sample_watched
    from sweetspot.nodes.running.watched_run import WatchedRun

    demo = Demo(256)
    positive, negative = demo.condition(prompts()[0]), demo.condition("")

    def stock() -> None:
        common_ksampler(demo.model, 1, STEPS, 3.0, "euler", "simple", positive, negative, demo.empty)

    def ours() -> None:
        run = WatchedRun(STEPS, "euler", live=LiveTrace("1"))
        sample_watched(run, demo.model, STEPS, settings(1), positive, negative, demo.empty)
        run.trace()

    for warm in (stock, ours):
        warm()
    with_trace, chance = [], []
    for number in range(rounds):
        # The order alternates, so that neither always runs on the warmer machine.
        pair = [stock, ours, stock] if number % 2 else [ours, stock, stock]
        seconds = dict.fromkeys((stock, ours), 0.0)
        first, second, third = (timed(call) for call in pair)
        seconds[stock], seconds[ours] = (first, second) if number % 2 else (second, first)
        with_trace.append(seconds[ours] / seconds[stock])
        chance.append(third / seconds[stock])
    return {
        "ours over stock, median": statistics.median(with_trace),
        "ours over stock, quartiles": statistics.quantiles(with_trace, n=4),
        "stock over stock, median": statistics.median(chance),
        "stock over stock, quartiles": statistics.quantiles(chance, n=4),
        "pairs": rounds,
        "steps": STEPS,
    }


def timed(call: Callable[[], None]) -> float:
    """Return how many seconds a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def window() -> dict[str, Any]:
    """Return what each recommended guidance window saves, and how similar its pictures are to full guidance."""
    from sweetspot.nodes.guidance_inputs import ALWAYS, chosen_saver
    from sweetspot.nodes.running.stock import sample_watched
    from sweetspot.nodes.running.watched_run import WatchedRun
    from sweetspot.presets.guidance_windows import load_windows

    demo = Demo()
    negative = demo.condition("")
    names = [ALWAYS, *(entry.name for entry in load_windows()), NONE]
    pictures: dict[str, list[Any]] = {name: [] for name in names}
    halves = dict.fromkeys(names, 0)
    seconds = dict.fromkeys(names, 0.0)
    for number, prompt in enumerate(prompts()):
        positive = demo.condition(prompt)
        for name in names:
            saver = (
                chosen_saver("by fractions", 0, 0, demo.model) if name == NONE else chosen_saver(name, 0, 1, demo.model)
            )
            run = WatchedRun(STEPS, "euler")
            model = saver.on_model(demo.model) if saver else demo.model
            latent = sample_watched(run, model, STEPS, settings(number), positive, negative, demo.batch())
            pictures[name] += list(demo.pictures(latent["samples"]))
            halves[name] += run.trace().halves
            seconds[name] += run.trace().seconds
    return {
        name: {
            "halves saved": 1 - halves[name] / halves[ALWAYS],
            "seconds over full guidance": seconds[name] / seconds[ALWAYS],
            **likeness(pictures[name], pictures[ALWAYS]),
        }
        for name in names
    }


def settle() -> dict[str, Any]:
    """Return the steps saved by stopping when settled, and how similar the pictures are to full runs, per sampler."""
    demo = Demo()
    negative = demo.condition("")
    conditions = [demo.condition(prompt) for prompt in prompts()]
    result: dict[str, Any] = {}
    for sampler_name in SETTLING:
        runs = [
            run
            for number, positive in enumerate(conditions)
            for run in _runs(demo, sampler_name, number, positive, negative)
        ]
        result[sampler_name] = {f"tolerance {tolerance:g}": _stopped(demo, runs, tolerance) for tolerance in TOLERANCES}
        result[sampler_name]["estimate at least the truth, share of steps"] = _coverage(runs)
        sys.stderr.write(f"{sampler_name}: {json.dumps(result[sampler_name])}\n")
    return result


def _runs(demo: Demo, sampler_name: str, seed: int, positive: Any, negative: Any) -> Iterator[dict[str, Any]]:
    """Yield each picture of a batch: its predictions and estimates at every step, and its final latent."""
    import torch
    from sweetspot.nodes.model.noise_levels import to_noise_ratio
    from sweetspot.nodes.running.stock import sample_traced, schedule_of
    from sweetspot.samplers.settling import remaining_change

    steps: list[Any] = []
    chosen = settings(seed, sampler_name)
    latent, _ = sample_traced(
        demo.model,
        STEPS,
        chosen,
        positive,
        negative,
        demo.batch(),
        lambda _i, denoised, _x, _n: steps.append(denoised.clone()),
    )
    noise_ratio = to_noise_ratio(demo.model.get_model_object("model_sampling"))
    if noise_ratio is None:
        raise TypeError("the demo model's noise levels have no ratio of noise to image")
    levels = [noise_ratio(level) for level in schedule_of(demo.model, STEPS, chosen).tolist()]
    end = demo.model.model.process_latent_in(latent["samples"])
    for item in range(SEEDS):
        predicted = [step[item : item + 1] for step in steps]
        estimates = [float("inf")] + [
            float(remaining_change(now, before, levels[i + 1], levels[i]))
            for i, (before, now) in enumerate(pairwise(predicted))
        ]
        truths = [float((end[item] - step[0]).square().mean().sqrt() / step.std()) for step in predicted]
        yield {
            "predicted": torch.cat(predicted),
            "estimates": estimates,
            "truths": truths,
            "end": latent["samples"][item],
        }


def _stopped(demo: Demo, runs: list[dict[str, Any]], tolerance: float) -> dict[str, float]:
    import torch

    last = [next((i for i, e in enumerate(run["estimates"]) if e <= tolerance), STEPS - 1) for run in runs]
    given = torch.stack([run["predicted"][i] for run, i in zip(runs, last, strict=True)])
    stopped = [
        run["end"] if i == STEPS - 1 else demo.model.model.process_latent_out(given[n : n + 1])[0]
        for n, (run, i) in enumerate(zip(runs, last, strict=True))
    ]
    pictures = demo.pictures(torch.stack(stopped))
    full = demo.pictures(torch.stack([run["end"] for run in runs]))
    saved = 1 - sum(i + 1 for i in last) / (STEPS * len(runs))
    return {"steps saved": saved, **likeness(list(pictures), list(full))}


def _coverage(runs: list[dict[str, Any]]) -> float:
    pairs = [(e, t) for run in runs for e, t in zip(run["estimates"][1:-1], run["truths"][1:-1], strict=True)]
    return sum(estimate >= truth for estimate, truth in pairs) / len(pairs)


def likeness(pictures: list[Any], references: list[Any]) -> dict[str, float]:
    """Return the mean and lowest SSIM, of whole pictures and of each picture's worst 32-pixel tile."""
    from sweetspot.comparison.measures.pixels import to_pixels
    from sweetspot.comparison.measures.structure import ssim

    whole = [ssim(to_pixels(a), to_pixels(b)) for a, b in zip(pictures, references, strict=True)]
    tiles = [
        min(ssim(to_pixels(a), to_pixels(b)) for a, b in zip(_tiles(p), _tiles(r), strict=True))
        for p, r in zip(pictures, references, strict=True)
    ]
    return {
        "SSIM, mean": statistics.mean(whole),
        "SSIM, least": min(whole),
        "worst tile, mean": statistics.mean(tiles),
        "worst tile, least": min(tiles),
    }


def _tiles(picture: Any) -> Iterator[Any]:
    for top in range(0, picture.shape[0], TILE):
        for left in range(0, picture.shape[1], TILE):
            yield picture[top : top + TILE, left : left + TILE]


if __name__ == "__main__":
    main()
