"""The `sweetspot` command line."""

import argparse
import io
import json
import logging
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

from ..presets.control_characters import escaped
from ..presets.qualities import PREFERENCES, QUALITIES
from .comfyui import ComfyUIError
from .demo import MissingExtraError, run_demo

COULD_NOT_READ = 1
# On this exit code, `make demo` installs the extra `standalone` and tries again.
NEEDS_STANDALONE = 3
INTERRUPTED = 130
_AGAIN = " What is finished is kept: the same command goes on from there."
_LINE = "\n"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    chosen = _parser().parse_args(arguments)
    # The demo's output is its progress; the other commands print only their answer to standard output.
    stream = sys.stdout if chosen.command == "demo" else sys.stderr
    # If a terminal cannot show a file's name, print it escaped instead of failing.
    for output in (sys.stdout, sys.stderr):
        if isinstance(output, io.TextIOWrapper):
            output.reconfigure(errors="backslashreplace")
    logging.basicConfig(level=logging.WARNING if chosen.quiet else logging.INFO, format="%(message)s", stream=stream)
    try:
        status = chosen.run(chosen)
        sys.stdout.flush()
    except BrokenPipeError:
        # Who reads the output has seen enough, as `head` has. What is left must not be written when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MissingExtraError as error:
        _complain(str(error))
        return NEEDS_STANDALONE
    except KeyboardInterrupt:
        _complain(f"interrupted.{_AGAIN if chosen.command == 'compare' else ''}")
        return INTERRUPTED
    except (ComfyUIError, ValueError, OSError) as error:
        _complain(str(error))
        return COULD_NOT_READ
    except Exception as error:
        if chosen.debug:
            raise
        _complain(f"{type(error).__name__}: {error}. This should not happen; with --debug you see where it does")
        return COULD_NOT_READ
    else:
        return status


def _demo(chosen: argparse.Namespace) -> int:
    changes = {name: getattr(chosen, name) for name in ("steps", "seeds", "also")}
    run_demo(chosen.out, chosen.engine, {name: value for name, value in changes.items() if value is not None})
    return 0


def _calibrate(chosen: argparse.Namespace) -> int:
    from .calibrate import model_of, run_calibrate, save
    from .user_presets import presets_file

    if chosen.save and chosen.workflow is None:
        raise ValueError("--save: expected a WORKFLOW, whose model the preset is for, got none")
    # What can't be saved is refused before the calibration, which may take an hour.
    model, loras = model_of(chosen.workflow, chosen.node) if chosen.save else ("", [])
    file = presets_file(chosen.presets) if chosen.save else None
    for name in ("steps", "seeds"):
        value = getattr(chosen, name)
        if value is not None and value < 1:
            raise ValueError(f"--{name}: expected at least 1, got {value}")
    lines = chosen.prompts.read_text("utf-8").splitlines() if chosen.prompts else []
    prompts = [line.strip() for line in lines if line.strip()]
    names = ("steps", "solvers", "seeds", "budget", "other_steps")
    changes = {name: getattr(chosen, name) for name in names if getattr(chosen, name) is not None}
    chosen.out.mkdir(parents=True, exist_ok=True)
    report, picture = run_calibrate(
        chosen.workflow, prompts, changes, engine=chosen.engine, server=chosen.server, node=chosen.node
    )
    (chosen.out / "report.json").write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    (chosen.out / "before_after_finished.png").write_bytes(picture)
    print(f"{report['text']}\nIn {chosen.out}: report.json and before_after_finished.png")
    if file is not None:
        save(report, model, loras, file)
        print(f"Saved for {escaped(model)}. Model Step Preset uses it from now on.\nIn {escaped(str(file))}")
    return 0


def _compare(chosen: argparse.Namespace) -> int:
    from .compare import run_compare

    return run_compare(chosen)


def _steps(chosen: argparse.Namespace) -> int:
    from .image_steps import run_steps

    return run_steps(chosen.images, as_json=chosen.json)


def _doctor(chosen: argparse.Namespace) -> int:
    from .doctor import run_doctor

    return run_doctor(chosen.server, chosen.out, chosen.presets, as_json=chosen.json)


def _inspect(chosen: argparse.Namespace) -> int:
    from .inspect_models import Inputs, inspect, to_json, to_text
    from .user_presets import known_presets, templates

    if not chosen.paths and not chosen.names and not chosen.loras:
        raise ValueError("inspect: expected a PATH, a --name or a --lora, got none")
    names = chosen.names or ([""] if chosen.loras and not chosen.paths else [])
    saved = known_presets(chosen.presets)
    if saved is not None and saved.problem:
        _complain(f"your presets: {saved.problem}")
    answers = inspect(Inputs(chosen.paths, names, chosen.loras, chosen.architecture), templates(), saved)
    print(to_json(answers) if chosen.json else to_text(answers))
    return COULD_NOT_READ if any(answer.failed for answer in answers) else 0


def _save(chosen: argparse.Namespace) -> int:
    from ..presets.sources.user import key_of, save_preset
    from .user_presets import presets_file, read_settings

    settings = _settings_given(chosen)
    model = chosen.name
    if chosen.source:
        imported, named = read_settings(chosen.source)
        settings, model = imported | settings, model or named
    if not model:
        raise ValueError("save: expected the model's file name: pass --name, or --from with a file that contains it")
    file = presets_file(chosen.presets)
    saved = save_preset(file, model, settings, chosen.quality, chosen.loras)
    key = key_of(model, chosen.loras)
    settings_text = json.dumps(saved.presets[key][chosen.quality])
    print(f"Saved for {escaped(key)}, {chosen.quality}: {settings_text}\nIn {escaped(str(file))}")
    if saved.problem:
        _complain(f"your presets: {saved.problem}")
    return 0


def _stamp(chosen: argparse.Namespace) -> int:
    from ..presets.sources.stamp import write_stamp
    from .stamp import stamp

    options = _settings_given(chosen)
    if chosen.remove:
        if chosen.plan or options:
            raise ValueError("--remove: expected no settings beside it, got some")
        write_stamp(chosen.model, None)
        print(f"{escaped(chosen.model.name)} holds no plan now.")
        return 0
    if not chosen.plan and not options:
        raise ValueError("stamp: expected --plan or settings such as --steps, got none")
    written = stamp(chosen.model, chosen.plan, options, chosen.quality)
    for quality, fields in written.items():
        shown = ", ".join(f"{name} {value}" for name, value in fields.items())
        print(f"{escaped(chosen.model.name)}: {quality}: {shown}")
    return 0


def _settings_given(chosen: argparse.Namespace) -> dict[str, Any]:
    options = {name: getattr(chosen, name) for name in ("steps", "cfg", "sampler", "scheduler")}
    return {name: value for name, value in options.items() if value is not None}


def _prefer(chosen: argparse.Namespace) -> int:
    from ..presets.sources.user import save_preference
    from .user_presets import presets_file

    file = presets_file(chosen.presets)
    saved = save_preference(file, chosen.prefer)
    print(f"From now on, balanced uses the {saved.prefer}'s numbers where available.\nIn {escaped(str(file))}")
    return 0


def _complain(message: str) -> None:
    print(f"sweetspot: {escaped(message, keep=_LINE)}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sweetspot",
        description="How many inference steps are enough?",
        epilog="Exit codes: 0 done, 1 could not, 2 wrong options, 3 extra missing, 4 done in part, 130 interrupted.",
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--quiet", action="store_true", help="show no progress, only answers and errors")
    common.add_argument("--debug", action="store_true", help="show where an unexpected error happens")
    commands = parser.add_subparsers(dest="command", required=True)
    add = partial(commands.add_parser, parents=[common])
    _add_demo(add("demo", help="compare step counts on the demo model, in ComfyUI if available"))
    _add_compare(add("compare", help="compare step counts of a diffusers model, or of a workflow on a server"))
    _add_calibrate(add("calibrate", help="find the schedule with which a model needs the fewest steps"))
    _add_inspect(add("inspect", help="show what a model or a workflow's models are, and their settings"))
    _add_save(add("save", help="save settings for a model file; Model Step Preset then uses them"))
    _add_stamp(add("stamp", help="write settings into a model file, so that they travel with it"))
    _add_steps(add("steps", help="show which settings made an image"))
    _add_doctor(add("doctor", help="show what is installed and what is missing, and how to get it"))
    prefer = add("prefer", help="choose whose numbers balanced uses from now on")
    prefer.add_argument("prefer", choices=PREFERENCES)
    _add_presets_option(prefer)
    prefer.set_defaults(run=_prefer)
    return parser


def _add_demo(demo: argparse.ArgumentParser) -> None:
    demo.add_argument("--out", type=Path, default=Path("out/demo"), help="folder for grid.png and report.json")
    demo.add_argument(
        "--engine",
        choices=("auto", "comfyui", "diffusers"),
        default="auto",
        help="what runs it; auto uses ComfyUI if one is found or can be installed",
    )
    demo.add_argument("--steps", help="step counts to run, e.g. 8,16,32, or auto")
    demo.add_argument("--seeds", type=int, help="how many seeds")
    demo.add_argument("--also", help="other samplers to compare, e.g. dpmpp_2m/simple")
    demo.set_defaults(run=_demo)


def _add_compare(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "model", nargs="?", type=Path, metavar="MODEL", help="a diffusers folder, a safetensors file, or demo"
    )
    command.add_argument("--steps", default="4,25,50", help="step counts, e.g. 8,16,32 or 4..32:4, or auto")
    command.add_argument("--seeds", type=int, default=1, help="how many seeds")
    command.add_argument(
        "--threshold", type=float, default=89.5, help="similarity in %% below which one sees a difference"
    )
    command.add_argument("--no-check", action="store_true", help="don't check the largest count with another solver")
    command.add_argument("--out", type=Path, default=Path("out/compare"), help="folder for the report and the images")
    command.add_argument("--json", action="store_true", help="print the report as JSON")
    _add_model_options(command.add_argument_group("a model on diffusers"))
    _add_server_options(command.add_argument_group("a workflow on a ComfyUI server"))
    command.set_defaults(run=_compare)


def _add_model_options(group: Any) -> None:
    group.add_argument("--prompt", default="", help="what to show")
    group.add_argument("--negative", default="", help="what to steer away from")
    group.add_argument("--seed", type=int, default=0, help="the first seed")
    group.add_argument("--size", default="", metavar="WxH", help="width and height in pixels, e.g. 1024x768")
    group.add_argument("--length", type=int, default=1, help="frames of a video")
    group.add_argument("--frames", default="first, middle, last", help="which frames of a video to compare")
    group.add_argument("--sampler", default="", help="default: the recommended one")
    group.add_argument("--scheduler", default="", help="default: the recommended one")
    group.add_argument("--cfg", type=float, help="default: the recommended one")
    group.add_argument("--guidance", type=float, help="distilled guidance; default: the recommended one")
    group.add_argument("--shift", type=float, help="linear shift; default: the one in the model's scheduler")
    group.add_argument("--also", default="", help="other samplers to compare, e.g. dpmpp_2m/simple")
    group.add_argument("--config", type=Path, metavar="FOLDER", help="diffusers folder that belongs to a single file")
    group.add_argument("--device", default="", help="cpu or cuda; default: a GPU if there is one")
    group.add_argument("--dtype", default="", help="float32, bfloat16 or float16; default: bfloat16 on a GPU")
    group.add_argument(
        "--offload", default="none", help="none, model or sequential: what moves to the GPU when it runs"
    )


def _add_server_options(group: Any) -> None:
    group.add_argument("--server", default="", metavar="URL", help="address of a running ComfyUI")
    group.add_argument("--workflow", type=Path, metavar="FILE", help="a saved workflow, or an image that holds one")
    group.add_argument(
        "--node", action="append", default=[], metavar="ID[.INPUT]", help="the sampler, or the inputs, to vary"
    )
    group.add_argument("--output", default="", metavar="ID", help="the node whose image is compared")
    group.add_argument(
        "--set", action="append", default=[], metavar="NODE.INPUT=VALUE", help="another value in the workflow"
    )
    group.add_argument("--resample", action="store_true", help="resample a fixed list of noise levels")
    group.add_argument("--allow-spend", action="store_true", help="also run paid partner nodes, for each step count")
    group.add_argument("--dry-run", action="store_true", help="only show what would be changed")


def _add_calibrate(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "workflow",
        nargs="?",
        type=Path,
        metavar="WORKFLOW",
        help="a workflow exported for the API, whose sampler is calibrated; without one, the demo model is",
    )
    command.add_argument("--server", default="", help="address of the ComfyUI, with this pack, that runs WORKFLOW")
    command.add_argument("--node", default="", metavar="ID", help="the sampler, if WORKFLOW has several")
    command.add_argument("--prompts", type=Path, metavar="FILE", help="a text file with one prompt on each line")
    command.add_argument("--steps", type=int, default=8, help="the step count that should be enough; default: 8")
    command.add_argument(
        "--solvers", choices=("dpmpp_2m", "res_multistep", "euler", "all"), help="which samplers to try"
    )
    command.add_argument("--seeds", type=int, help="how many seeds for each prompt")
    command.add_argument("--budget", type=int, help="the most model calls of the search; default: 600 for each solver")
    command.add_argument(
        "--other-steps", metavar="LIST", help="more step counts for the report, e.g. 4,12..24:4, beside what was found"
    )
    command.add_argument(
        "--engine", choices=("auto", "comfyui", "diffusers"), default="auto", help="what runs the demo model"
    )
    command.add_argument(
        "--out", type=Path, default=Path("out/calibrate"), help="folder for report.json and before_after_finished.png"
    )
    command.add_argument("--save", action="store_true", help="save what was found as the preset of WORKFLOW's model")
    _add_presets_option(command)
    command.set_defaults(run=_calibrate)


def _add_steps(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "images", nargs="+", type=Path, metavar="IMAGE", help="images from ComfyUI, A1111 or this tool"
    )
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=_steps)


def _add_doctor(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--server", default="http://127.0.0.1:8188", metavar="URL", help="address of a running ComfyUI"
    )
    command.add_argument("--out", type=Path, default=Path("out"), help="a folder that should be writable")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    _add_presets_option(command)
    command.set_defaults(run=_doctor)


def _add_inspect(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="model files, workflows (JSON or images), or folders of them",
    )
    command.add_argument(
        "--name", dest="names", action="append", default=[], help="a file name alone; the file needn't exist"
    )
    command.add_argument("--lora", dest="loras", action="append", default=[], help="a LoRA applied to every input")
    command.add_argument(
        "--class",
        dest="architecture",
        default="",
        metavar="NAME",
        help="the class in comfy.supported_models that the names are loaded as",
    )
    command.add_argument("--json", action="store_true", help="print a JSON list, paths first, then names")
    _add_presets_option(command)
    command.set_defaults(run=_inspect)


def _add_save(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--name", help="the model's file name; or a class, family or variant, e.g. SDXL, for all such models"
    )
    command.add_argument(
        "--from", dest="source", type=Path, help="an image, or a JSON file from diffusers or with settings"
    )
    command.add_argument(
        "--lora", dest="loras", action="append", default=[], help="an accelerator LoRA used with the model"
    )
    _add_settings(command)
    _add_presets_option(command)
    command.set_defaults(run=_save)


def _add_stamp(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", type=Path, metavar="MODEL", help="a safetensors file; its tensors stay as they are")
    command.add_argument("--plan", default="", help="settings as JSON, or a file with them, as save --from accepts")
    command.add_argument("--remove", action="store_true", help="remove the plan that is in the file")
    _add_settings(command)
    command.set_defaults(run=_stamp)


def _add_settings(command: argparse.ArgumentParser) -> None:
    command.add_argument("--steps", type=int)
    command.add_argument("--cfg", type=float)
    command.add_argument("--sampler")
    command.add_argument("--scheduler")
    command.add_argument(
        "--quality", choices=QUALITIES, default="balanced", help="the quality that the settings are for"
    )


def _add_presets_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--presets", type=Path, help="file with your presets; default: the one in ComfyUI's user folder"
    )


if __name__ == "__main__":
    sys.exit(main())
