"""`sweetspot`: the pack from a shell."""

import argparse
import logging
import sys
from pathlib import Path

from .comfyui import ComfyUIError
from .demo import MissingExtraError, run_demo
from .develop import NEEDS_STANDALONE


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(prog="sweetspot", description="How many inference steps are enough?")
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="compare step counts of the demo model, in ComfyUI if there is one")
    demo.add_argument("--out", type=Path, default=Path("out/demo"), help="where grid.png and report.json go")
    demo.add_argument(
        "--engine",
        choices=("auto", "comfyui", "diffusers"),
        default="auto",
        help="what runs it; auto takes ComfyUI where one is found or can be installed",
    )
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    try:
        run_demo(chosen.out, chosen.engine)
    except MissingExtraError as error:
        print(f"sweetspot: {error}", file=sys.stderr)
        return NEEDS_STANDALONE
    except ComfyUIError as error:
        print(f"sweetspot: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
