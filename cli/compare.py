"""`sweetspot compare`: compares step counts of a diffusers model, or of a workflow on a ComfyUI server."""

import argparse
import json
from pathlib import Path
from typing import Any

from .compared import Compared
from .demo import SERVER, need, need_standalone
from .talk import Progress, progress

DONE, DONE_IN_PART = 0, 4
_START = "compare"


def run_compare(chosen: argparse.Namespace) -> int:
    """Compare, write the files into `--out`, print the verdict, and return the exit code.

    Raises:
        ValueError: names the option, what is allowed and what came.
        OSError: if `--out` can't be written.
    """
    _check(chosen)
    _try_writing(chosen.out)
    with progress(quiet=chosen.quiet) as show:
        compared = _compared(chosen, show)
    if compared is None:
        return DONE
    save(compared.report, chosen.out)
    if chosen.json:
        left_out = {str(steps): why for steps, why in compared.left_out.items()}
        print(json.dumps({**compared.report.to_dict(), "left_out": left_out, "out": str(chosen.out)}))
    else:
        print(_told(compared, chosen.out))
    return DONE_IN_PART if compared.left_out else DONE


def _compared(chosen: argparse.Namespace, show: Progress) -> Compared | None:
    if chosen.server:
        need(SERVER, "a ComfyUI server", "server")
        from .compare_server import compare_on_server

        return compare_on_server(chosen, show)
    need_standalone()
    from .compare_model import compare_model

    return compare_model(chosen, show)


def save(report: Any, out: Path) -> None:
    """Write report.json, report.md, report.html, grid.png, and each image with its settings into `images`.

    The images of an earlier comparison in the same folder are removed.

    Raises:
        OSError: if a file can't be written.
    """
    from ..comparison.files import IMAGES, save_comparison
    from ..comparison.markdown import to_markdown
    from ..comparison.pictures.grid import draw_grid
    from ..comparison.pictures.metadata import write_png
    from ..comparison.pictures.page import draw_page

    (out / "images").mkdir(parents=True, exist_ok=True)
    names = save_comparison(out / "images", _START, report, {}, (IMAGES,))
    for earlier in (out / "images").glob(f"{_START}_*_steps_*.png"):
        if earlier.name not in names:
            earlier.unlink()
    write_png(out / "grid.png", draw_grid(report), {})
    texts = {
        "report.json": json.dumps(report.to_dict(), indent=2) + "\n",
        "report.md": to_markdown(report),
        "report.html": draw_page(report),
    }
    for name, text in texts.items():
        (out / name).write_text(text, "utf-8")


def _check(chosen: argparse.Namespace) -> None:
    if bool(chosen.server) == (chosen.model is not None):
        raise ValueError(
            "compare: expected a MODEL, or --server and --workflow; got " + ("both" if chosen.model else "none")
        )
    _refuse_options_of_the_other(chosen)
    if chosen.server and chosen.workflow is None:
        raise ValueError("--workflow: expected a workflow's file beside --server, got none")
    if chosen.seeds < 1:
        raise ValueError(f"--seeds: expected at least 1, got {chosen.seeds}")
    if not 0 < chosen.threshold < 100:
        raise ValueError(f"--threshold: expected a percentage above 0 and below 100, got {chosen.threshold:g}")


def _refuse_options_of_the_other(chosen: argparse.Namespace) -> None:
    """Refuse options that mean nothing here, instead of ignoring them."""
    other, here = (chosen.for_models, "--server") if chosen.server else (chosen.for_servers, "a MODEL")
    for name, usual in other.items():
        if getattr(chosen, name) != usual:
            option = name.replace("_", "-")
            hint = "; use --set" if chosen.server else ""
            raise ValueError(f"--{option}: expected none with {here}, got {getattr(chosen, name)}{hint}")


def _try_writing(out: Path) -> None:
    """Refuse a folder that can't be written before any image is made."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        trial = out / ".sweetspot"
        trial.write_bytes(b"")
        trial.unlink()
    except OSError as error:
        raise ValueError(f"--out: expected a folder that can be written, got {out} ({error.strerror})") from error


def _time(seconds: float | None) -> str:
    return "time unknown" if seconds is None else f"{seconds:10.2f} s"


def _told(compared: Compared, out: Path) -> str:
    from ..comparison.markdown import summary

    lines = [
        f"{run['steps']:>5} steps  {_time(run['seconds'])}  similarity {100 * run['similarity']:5.1f} %"
        for run in compared.report.to_dict()["runs"]
    ]
    left_out = [f"Left out: {why}" for why in compared.left_out.values()]
    files = f"In {out}: report.html, report.md, report.json, grid.png and images"
    return "\n".join([*lines, summary(compared.report, compared.counts_by_word), *left_out, files])
