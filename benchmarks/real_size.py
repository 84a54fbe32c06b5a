"""What the pack costs and saves on models of real size: SDXL, Flux, Qwen-Image and Wan, with random weights, in bf16.

`.venv/bin/python benchmarks/real_size.py`         on a GPU, within ten minutes
`.venv/bin/python benchmarks/real_size.py --quick` the same code on small models, on the CPU, within two minutes

It needs ComfyUI's folder and its packages, no server and no download. One table per model: ratios to what stock nodes
take for the same pictures, seconds, and memory.

`make bench` runs it, on the GPU if there is one, and fails if a ratio is worse than in `baseline.json` by more than its
tolerance. `--update` writes the ratios there.
"""

import argparse
import gc
import json
import math
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

from sampler import load, run_inside

BASELINE = Path(__file__).resolve().parent / "baseline.json"


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="small models on the CPU")
    parser.add_argument("--only", default="", help="only models whose name has this in it")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--gate", action="store_true", help="fail if a ratio is worse than in baseline.json")
    parser.add_argument("--update", action="store_true", help="write the ratios into baseline.json")
    arguments = parser.parse_args()
    if arguments.inside is None:
        if not arguments.quick:
            os.environ["SWEETSPOT_DEVICE"] = "cuda"
        raise SystemExit(run_inside(Path(__file__)))
    here = sys.path[0]
    load(arguments.inside)
    sys.path.append(here)
    import torch

    if not arguments.quick and not torch.cuda.is_available():
        raise SystemExit("no GPU: expected one that torch can use, or --quick")
    with torch.inference_mode():
        figures = measured(arguments)
    sys.stdout.write(table(figures))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    if arguments.update:
        update(figures)
    elif arguments.gate:
        worse = regressions(figures, json.loads(BASELINE.read_text("utf-8")))
        sys.stdout.write("".join(f"{line}\n" for line in worse) or "No ratio got worse.\n")
        raise SystemExit(1 if worse else 0)


def measured(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of all models, with what they were measured on."""
    import torch
    from executor import Executor, register
    from real_figures import Bench
    from shapes import REAL, SMALL, build

    executor = Executor()
    dtype = torch.float32 if arguments.quick else torch.bfloat16
    found: dict[str, Any] = {"device": device(), "quick": arguments.quick, "torch": torch.__version__, "models": {}}
    for shape in SMALL if arguments.quick else REAL:
        if arguments.only.lower() not in shape.name.lower():
            continue
        start = time.perf_counter()
        built = build(shape, dtype)
        register(built)
        found["models"][shape.name] = {
            f"{side} x {side}": Bench(executor, built, side, quick=arguments.quick).figures() for side in shape.sides
        }
        sys.stderr.write(f"{shape.name}: {time.perf_counter() - start:.0f} s\n")
        del built
        release()
    return found


def device() -> str:
    """Return what the figures were measured on."""
    import torch
    from executor import on_gpu

    return torch.cuda.get_device_name() if on_gpu() else f"CPU ({platform.machine()})"


def release() -> None:
    """Let go of all models."""
    import comfy.model_management as management  # pyright: ignore[reportMissingImports]

    management.unload_all_models()
    gc.collect()
    management.soft_empty_cache()


def table(figures: dict[str, Any]) -> str:
    """Return the figures as Markdown."""
    lines = [f"On {figures['device']}, torch {figures['torch']}" + (", small models" if figures["quick"] else "") + ":"]
    for model, sizes in figures["models"].items():
        for size, found in sizes.items():
            lines += ["", f"| {model}, {size} | |", "| --- | --- |"]
            for kind in found.values():
                lines += [f"| {name} | {value:.4g} |" for name, value in kind.items()]
    return "\n".join([*lines, ""])


def regressions(figures: dict[str, Any], baseline: dict[str, Any]) -> list[str]:
    """Return one line for each ratio that is worse than before by more than its tolerance; new ones are not judged.

    Args:
        figures: what was measured.
        baseline: `models`, the ratios of earlier by model and size; `tolerances`, the share by which a ratio may be
            larger, by its name, and `default` for the others.
    """
    tolerances, lines = baseline["tolerances"], []
    for model, sizes in figures["models"].items():
        for size, found in sizes.items():
            before = baseline["models"].get(model, {}).get(size, {})
            for name, value in found["ratios"].items():
                if name not in before:
                    sys.stderr.write(f"{model}, {size}: {name} is not in {BASELINE.name} yet; --update writes it\n")
                most = before.get(name, math.inf) * (1 + tolerances.get(name, tolerances["default"]))
                if value > most:
                    lines.append(f"{model}, {size}: {name} is {value:.3f}, expected at most {most:.3f}")
    return lines


def update(figures: dict[str, Any]) -> None:
    """Write the ratios into the baseline; those of other models stay."""
    baseline = json.loads(BASELINE.read_text("utf-8"))
    for model, sizes in figures["models"].items():
        for size, found in sizes.items():
            ratios = {name: round(value, 3) for name, value in found["ratios"].items()}
            baseline["models"].setdefault(model, {})[size] = ratios
    BASELINE.write_text(json.dumps(baseline, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
