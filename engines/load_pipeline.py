"""Loads a pipeline from a diffusers folder, or from one model file and a folder with its configuration."""

import importlib.util
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from .conventions import convention_of

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
OFFLOADS = ("none", "model", "sequential")
_INDEX = "model_index.json"
_DENOISERS = ("transformer", "unet")
_WEIGHTS = (".safetensors", ".bin", ".ckpt", ".pt", ".pth")


class MissingLibraryError(ImportError):
    """A library of the extra `diffusers` is missing; the message says what to install."""


def load_pipeline(
    model: Path, config: Path | None = None, device: str = "", dtype: str = "", offload: str = "none"
) -> Any:
    """Return a pipeline of diffusers. Nothing is downloaded, and no code from the folder is run.

    Args:
        model: a folder with `model_index.json`, or a safetensors file.
        config: for a file, a folder of the same kind of model; everything but the denoiser comes from there.
        device: `cpu`, `cuda` or `cuda:1`; empty for a GPU if there is one.
        dtype: one of `DTYPES`; empty for bfloat16 on a GPU and float32 on the CPU.
        offload: `none`; `model`, which moves whole parts to the GPU when they run; `sequential`, layer by layer.

    Raises:
        ValueError: names what, what is allowed and what came.
        MissingLibraryError: if a library is missing.
    """
    folder = _folder_of(model, config)
    name = class_in(folder)
    convention_of(name)
    device = device_of(device)
    dtype = dtype or ("float32" if device == "cpu" else "bfloat16")
    for what, allowed, came in (("dtype", DTYPES, dtype), ("offload", OFFLOADS, offload)):
        if came not in allowed:
            raise ValueError(f"{what}: expected one of {', '.join(allowed)}, got {came!r}")
    if offload != "none" and device == "cpu":
        raise ValueError(f"offload: expected none on the CPU, got {offload!r}")
    _check_parts(folder, without=_denoiser(folder)[0] if model.is_file() else "")
    _need("transformers", *(["accelerate"] if offload != "none" else []))
    diffusers: Any = import_module("diffusers")
    options = {"dtype": DTYPES[dtype], "local_files_only": True}
    try:
        parts = {}
        if model.is_file():
            part, kind = _denoiser(folder)
            parts[part] = getattr(diffusers, kind).from_single_file(
                str(model), config=str(folder), subfolder=part, **options
            )
        pipeline = diffusers.DiffusionPipeline.from_pretrained(str(folder), use_safetensors=True, **parts, **options)
    except Exception as error:
        # diffusers and transformers raise errors of many kinds for files that don't fit.
        raise ValueError(f"model: expected a complete {name}, got {model}, which can't be loaded: {error}") from error
    return _placed(pipeline, device, offload)


def device_of(device: str) -> str:
    """Return the device that a name stands for; empty for a GPU if there is one.

    Raises:
        ValueError: if there is no such device.
    """
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if device != "cpu" and device.partition(":")[0] != "cuda":
        raise ValueError(f"device: expected cpu or cuda, got {device!r}")
    if device != "cpu" and not torch.cuda.is_available():
        raise ValueError(f"device: expected cpu, because torch finds no GPU here; got {device!r}")
    return device


def class_in(folder: Path) -> str:
    """Return the name of the pipeline class in a diffusers folder.

    Raises:
        ValueError: if it has no readable `model_index.json` with one.
    """
    file = folder / _INDEX
    try:
        name = _read(file).get("_class_name")
    except OSError:
        raise ValueError(f"model: expected a diffusers folder with {_INDEX}, got {folder}, which has none") from None
    if isinstance(name, str):
        return name
    raise ValueError(f"model: expected the pipeline's class as _class_name in {file}, got {name!r}")


def _denoiser(folder: Path) -> tuple[str, str]:
    """Return the name of the part that denoises, and its class."""
    index = _read(folder / _INDEX)
    part = next((part for part in _DENOISERS if isinstance(index.get(part), list)), None)
    if part is None:
        raise ValueError(f"config: expected a pipeline with one of {', '.join(_DENOISERS)}, got {sorted(index)}")
    return part, index[part][1]


def _folder_of(model: Path, config: Path | None) -> Path:
    if not model.exists():
        raise ValueError(f"model: expected a diffusers folder or a safetensors file, got {model}, which doesn't exist")
    if model.is_dir():
        if config is not None:
            raise ValueError(f"config: expected none, because {model} is a folder; got {config}")
        return model
    if model.suffix != ".safetensors":
        raise ValueError(f"model: expected a diffusers folder or a .safetensors file, got {model.name}")
    if config is None:
        raise ValueError(
            f"config: expected a diffusers folder of the same kind of model, because {model.name} is one file; got none"
        )
    if not config.is_dir():
        raise ValueError(f"config: expected a diffusers folder, got {config}, which isn't a folder")
    return config


def _check_parts(folder: Path, without: str) -> None:
    """Refuse a folder that lacks a part, before anything large is read; the weights of one may come from elsewhere."""
    for part, entry in _read(folder / _INDEX).items():
        library = entry[0] if isinstance(entry, list) and entry else None
        if library not in ("diffusers", "transformers"):
            continue
        if not (folder / part).is_dir():
            raise ValueError(f"model: expected the folder {part} in {folder}, as its {_INDEX} says, got none")
        has_weights = any(inside.suffix in _WEIGHTS for inside in (folder / part).iterdir())
        needs_weights = (folder / part / "config.json").is_file() and part != without
        if needs_weights and not has_weights:
            raise ValueError(f"model: expected weights (.safetensors) in {folder / part}, got none")


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"model: expected JSON in {file}: {error}") from None
    if isinstance(content, dict):
        return content
    raise ValueError(f"model: expected a JSON object in {file}, got {type(content).__name__}")


def _need(*libraries: str) -> None:
    missing = [name for name in libraries if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingLibraryError(f"this model needs {', '.join(missing)}: pip install 'sweetspot[diffusers]'")


def _placed(pipeline: Any, device: str, offload: str) -> Any:
    if getattr(pipeline, "safety_checker", None) is not None:
        # It replaces images by black ones, which would be compared as if the model had made them.
        pipeline.safety_checker = None
    try:
        if offload == "model":
            pipeline.enable_model_cpu_offload(device=device)
        elif offload == "sequential":
            pipeline.enable_sequential_cpu_offload(device=device)
        else:
            pipeline.to(device)
    except torch.cuda.OutOfMemoryError as error:
        raise ValueError("offload: expected model or sequential, because the model doesn't fit into the GPU") from error
    return pipeline
