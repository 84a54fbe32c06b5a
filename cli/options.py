"""The options of each command of `sweetspot`."""

import argparse
from pathlib import Path
from typing import Any

from ..presets.qualities import PREFERENCES, QUALITIES


def add_demo(demo: argparse.ArgumentParser) -> None:
    """Add the options of `demo`."""
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


def add_compare(command: argparse.ArgumentParser) -> None:
    """Add the options of `compare`."""
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
    command.add_argument("--frames", default="first, middle, last", help="which frames of a video to compare")
    command.add_argument("--fresh", action="store_true", help="make all images anew, also those that are kept in --out")
    for_models = command.add_argument_group("a model on diffusers")
    for_servers = command.add_argument_group("a workflow on a ComfyUI server")
    _add_model_options(for_models)
    _add_server_options(for_servers)
    command.set_defaults(for_models=_usual(for_models), for_servers=_usual(for_servers))


def _usual(group: Any) -> dict[str, Any]:
    """Return the default of each option of a group."""
    return {action.dest: action.default for action in group._group_actions}  # noqa: SLF001 - argparse has no other way


def _add_model_options(group: Any) -> None:
    group.add_argument("--prompt", default="", help="what to show")
    group.add_argument("--negative", default="", help="what to steer away from")
    group.add_argument("--seed", type=int, default=0, help="the first seed")
    group.add_argument("--size", default="", metavar="WxH", help="width and height in pixels, e.g. 1024x768")
    group.add_argument("--length", type=int, default=1, help="frames of a video")
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


def add_sweep(command: argparse.ArgumentParser) -> None:
    """Add the options of `sweep`."""
    command.add_argument("file", type=Path, metavar="FILE.toml", help="what to run; see docs/scale.md")
    command.add_argument("--out", type=Path, default=Path("out/sweep"), help="folder for rows and summary")
    command.add_argument("--workers", type=int, default=0, help="Ray actors, one model each; 0 runs in this process")
    command.add_argument("--address", default="", help="of a running Ray cluster; default: start one here")
    command.add_argument("--gpus", type=float, help="GPUs for each worker; default: one if there is one here")
    command.add_argument("--shard", default="1/1", metavar="K/N", help="run only the K-th of N parts")
    command.add_argument("--keep-images", action="store_true", help="write the images, named by their keys")
    command.add_argument("--summary", action="store_true", help="run nothing; summarise what is there")
    command.add_argument("--yes", action="store_true", help="run very many images without asking")
    command.add_argument("--save", action="store_true", help="save the sweet spots as your presets")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    _add_presets_option(command)


def add_calibrate(command: argparse.ArgumentParser) -> None:
    """Add the options of `calibrate`."""
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


def add_steps(command: argparse.ArgumentParser) -> None:
    """Add the options of `steps`."""
    command.add_argument(
        "images", nargs="+", type=Path, metavar="IMAGE", help="images from ComfyUI, A1111 or this tool"
    )
    command.add_argument("--json", action="store_true", help="print one JSON object")


def add_doctor(command: argparse.ArgumentParser) -> None:
    """Add the options of `doctor`."""
    command.add_argument(
        "--server", default="http://127.0.0.1:8188", metavar="URL", help="address of a running ComfyUI"
    )
    command.add_argument("--out", type=Path, default=Path("out"), help="a folder that should be writable")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    _add_presets_option(command)


def add_inspect(command: argparse.ArgumentParser) -> None:
    """Add the options of `inspect`."""
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


def add_save(command: argparse.ArgumentParser) -> None:
    """Add the options of `save`."""
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


def add_stamp(command: argparse.ArgumentParser) -> None:
    """Add the options of `stamp`."""
    command.add_argument("model", type=Path, metavar="MODEL", help="a safetensors file; its tensors stay as they are")
    command.add_argument("--plan", default="", help="settings as JSON, or a file with them, as save --from accepts")
    command.add_argument("--remove", action="store_true", help="remove the plan that is in the file")
    _add_settings(command)


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


def add_prefer(command: argparse.ArgumentParser) -> None:
    """Add the options of `prefer`."""
    command.add_argument("prefer", choices=PREFERENCES)
    _add_presets_option(command)
