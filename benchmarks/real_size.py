"""What the pack costs and saves on models of real size: SDXL, Flux, Qwen-Image and Wan, with random weights, in bf16.

`.venv/bin/python benchmarks/real_size.py`         on a GPU, within ten minutes
`.venv/bin/python benchmarks/real_size.py --quick` the same code on small models, on the CPU, within two minutes

It needs ComfyUI's folder and its packages, no server and no download. One table per model: ratios to what stock nodes
take for the same pictures, seconds, and memory. `--json FILE` writes the figures; `--compare FILE` fails if a ratio is
worse than in that file by more than its tolerance.
"""

import argparse
import gc
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

from sampler import load, run_inside


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="small models on the CPU")
    parser.add_argument("--only", default="", help="only models whose name has this in it")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--compare", type=Path, help="file with the ratios that must not get worse")
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
    if arguments.compare:
        worse = regressions(figures, json.loads(arguments.compare.read_text("utf-8")))
        sys.stdout.write("\n".join(worse) + "\n" if worse else "no ratio got worse\n")
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

    return torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU ({platform.machine()})"


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


def regressions(figures: dict[str, Any], allowed: dict[str, Any]) -> list[str]:
    """Return one line for each ratio that is larger than allowed.

    Args:
        figures: what was measured.
        allowed: by kind of run (`quick` or `gpu`): name of a ratio, largest value; holds for every model.
    """
    most = allowed["quick" if figures["quick"] else "gpu"]
    return [
        f"{model}, {size}: {name} is {value:.3f}, expected at most {most[name]:.3f}"
        for model, sizes in figures["models"].items()
        for size, found in sizes.items()
        for name, value in found["ratios"].items()
        if name in most and value > most[name]
    ]


if __name__ == "__main__":
    main()
