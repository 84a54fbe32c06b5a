"""Where the time of a comparison goes that is not the model's: identifying, measuring, drawing, files, texts.

`.venv/bin/python benchmarks/not_the_model.py --side 1024`
`.venv/bin/python benchmarks/not_the_model.py --side 512 --memory`

Multi-Step Compare runs three step counts of the demo model in ComfyUI's own executor, in this process. Each part of the
work around sampling and decoding is timed; the first comparison after the start is not counted. With `--memory`, it
measures instead how much memory this process holds at most during a comparison, sampling included.
"""

import argparse
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sampler import load, run_inside

# What is timed: its name, and the functions that do it, where they are called from.
PARTS = {
    "sampling": ["nodes.comparing.engine.sample_traced"],
    "decoding": ["nodes.comparing.engine.decode"],
    "recognising the model": ["nodes.compare.gather_evidence", "nodes.compare.recognise"],
    "identifying the inputs": ["nodes.comparing.engine._keys_of"],
    "schedules": ["nodes.comparing.engine.schedule_of"],
    "images as 8-bit levels": ["nodes.comparing.engine.to_levels"],
    "measuring": ["comparison.rounds.judge"],
    "drawing": ["nodes.comparing.answer.grid_levels", "nodes.comparing.answer.draw_curve"],
    "files": ["nodes.comparing.answer.viewer_with_files", "nodes.comparing.answer.keep_picture"],
    "texts": ["nodes.comparing.answer.json.dumps", "nodes.comparing.answer.to_markdown"],
}


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--side", type=int, default=1024, help="height and width of the pictures")
    parser.add_argument("--steps", default="2, 3, 4")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="measure memory instead of time; on Linux only")
    arguments = parser.parse_args()
    if arguments.inside is None:
        raise SystemExit(run_inside(Path(__file__)))
    here = sys.path[0]
    load(arguments.inside)
    sys.path.append(here)
    import torch

    with torch.inference_mode():
        if arguments.memory:
            sys.stdout.write("| step counts | most memory beyond that before, MB |\n| --- | --- |\n")
            sys.stdout.writelines(f"| {counts} | {size:.0f} |\n" for counts, size in held(arguments.side).items())
            return
        found = measured(arguments)
    sys.stdout.write("| part | ms |\n| --- | --- |\n")
    for name, seconds in found.items():
        sys.stdout.write(f"| {name} | {1000 * seconds:.0f} |\n")


def held(side: int) -> dict[int, float]:
    """Return, by the number of step counts, the most megabytes that a comparison holds beyond those before it."""
    from executor import Executor

    executor, found = Executor(), {}
    for counts in (1, 1, 4, 16):
        steps = ", ".join(str(number) for number in range(1, counts + 1))
        # From here on, the most memory is that of this comparison.
        Path("/proc/self/clear_refs").write_text("5", "utf-8")
        before = _memory("VmRSS")
        executor.run(prompt(side, steps, counts + 1000 * len(found)))
        found[counts] = _memory("VmHWM") - before
    return found


def _memory(which: str) -> float:
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{which}:")) * 1024 / 1e6


def measured(arguments: argparse.Namespace) -> dict[str, float]:
    """Return the median seconds of each part, and of what is left."""
    from executor import Executor

    executor, rounds = Executor(), []
    for seed in range(arguments.rounds + 1):
        with timed() as seconds:
            total, _ = executor.run(prompt(arguments.side, arguments.steps, seed))
        left = total - sum(seconds.values())
        rounds.append({name: seconds[name] for name in PARTS} | {"everything else, ComfyUI's executor too": left})
        sys.stderr.write(f"round {seed}: {total:.1f} s\n")
    return {name: statistics.median(each[name] for each in rounds[1:]) for name in rounds[0]}


@contextmanager
def timed() -> Iterator[dict[str, float]]:
    """Time the parts; a part inside another one counts only for itself."""
    seconds: dict[str, float] = defaultdict(float)
    inside: list[float] = []

    def wrapped(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*values: Any, **named: Any) -> Any:
            inside.append(0.0)
            start = time.perf_counter()
            try:
                return function(*values, **named)
            finally:
                taken = time.perf_counter() - start
                within = inside.pop()
                seconds[name] += taken - within
                if inside:
                    inside[-1] += taken

        return run

    with ExitStack() as stack:
        for name, places in PARTS.items():
            for place in places:
                owner, attribute = found(place)
                stack.enter_context(patch.object(owner, attribute, wrapped(name, getattr(owner, attribute))))
        yield seconds


def found(place: str) -> tuple[Any, str]:
    """Return the module or class that holds a function, and the function's name there."""
    *path, attribute = f"sweetspot.{place}".split(".")
    for end in range(len(path), 0, -1):
        try:
            owner: Any = import_module(".".join(path[:end]))
        except ModuleNotFoundError:
            continue
        for name in path[end:]:
            owner = getattr(owner, name)
        return owner, attribute
    raise SystemExit(f"no function {place}")


def prompt(side: int, steps: str, seed: int) -> dict[str, Any]:
    """Return a comparison of the demo model."""

    def encoded(text: str) -> dict[str, Any]:
        return {"class_type": "CLIPTextEncode", "inputs": {"text": text, "clip": ["model", 1]}}

    inputs = {
        "model": ["model", 0],
        "positive": ["positive", 0],
        "negative": ["negative", 0],
        "latent_image": ["latent", 0],
        "vae": ["model", 2],
        "options": ["options", 0],
        "seed": seed,
        "steps": steps,
        "cfg": 3.0,
        "sampler_name": "euler",
        "scheduler": "simple",
        "denoise": 1.0,
    }
    latent = {"width": side, "height": side, "batch_size": 1}
    return {
        "model": {"class_type": "SweetSpotDemoModel", "inputs": {}},
        "positive": encoded("a red circle left of a blue square on green"),
        "negative": encoded(""),
        "latent": {"class_type": "EmptyLatentImage", "inputs": latent},
        "options": {"class_type": "SweetSpotCompareOptions", "inputs": {"check": "off", "together": "off"}},
        "compare": {"class_type": "SweetSpotCompare", "inputs": inputs},
    }


if __name__ == "__main__":
    main()
