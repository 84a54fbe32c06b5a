"""The `sweetspot` command line."""

import argparse
import io
import json
import logging
import os
import sys
from typing import Any

from ..presets.control_characters import escaped
from . import options
from .comfyui import ComfyUIError
from .demo import IMAGES, MissingExtraError, need, need_standalone, run_demo

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
        _complain(f"interrupted.{_AGAIN if chosen.command in ('compare', 'sweep') else ''}")
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


def _sweep(chosen: argparse.Namespace) -> int:
    need_standalone()
    if sys.version_info < (3, 11):
        need(("tomli",), "a sweep", "sweep")
    from .sweep import run_sweep

    return run_sweep(chosen)


def _steps(chosen: argparse.Namespace) -> int:
    need(IMAGES, "reading images", "server")
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
    for name, (what, add_options, run) in _COMMANDS.items():
        command = commands.add_parser(name, parents=[common], help=what)
        add_options(command)
        command.set_defaults(run=run)
    return parser


_COMMANDS = {
    "demo": ("compare step counts on the demo model, in ComfyUI if available", options.add_demo, _demo),
    "compare": (
        "compare step counts of a diffusers model, or of a workflow on a server",
        options.add_compare,
        _compare,
    ),
    "sweep": (
        "find recommended steps over models, prompts and seeds, on one machine or many",
        options.add_sweep,
        _sweep,
    ),
    "calibrate": ("find the schedule with which a model needs the fewest steps", options.add_calibrate, _calibrate),
    "inspect": ("show what a model or a workflow's models are, and their settings", options.add_inspect, _inspect),
    "save": ("save settings for a model file; Model Step Preset then uses them", options.add_save, _save),
    "stamp": ("write settings into a model file, so that they travel with it", options.add_stamp, _stamp),
    "steps": ("show which settings made an image", options.add_steps, _steps),
    "doctor": ("show what is installed and what is missing, and how to get it", options.add_doctor, _doctor),
    "prefer": ("choose whose numbers balanced uses from now on", options.add_prefer, _prefer),
}


if __name__ == "__main__":
    sys.exit(main())
