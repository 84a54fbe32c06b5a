"""What packs change for the whole process: functions of ComfyUI and torch that they replace, and global settings."""

import sys
import types
from collections.abc import Iterator, Mapping
from typing import Any

import comfy.cli_args
import torch

_PACKAGES = ("comfy", "comfy_extras", "nodes", "torch.nn")
# ComfyUI itself sets these while it runs; they don't compute anything.
_CALLBACKS = {("comfy.memory_management", "extra_ram_release_callback"), ("comfy.utils", "PROGRESS_BAR_HOOK")}
# Read with getattr, because not every torch has each of them.
_FLAGS = (
    (torch.backends.cuda.matmul, ("allow_tf32", "allow_fp16_accumulation")),
    (torch.backends.cuda.matmul, ("allow_fp16_reduced_precision_reduction", "allow_bf16_reduced_precision_reduction")),
    (torch.backends.cudnn, ("enabled", "allow_tf32", "deterministic", "benchmark")),
)

Place = tuple[str, str]


class CodeInUse:
    """Notices which functions and classes of ComfyUI and torch differ from those that it saw first."""

    def __init__(self) -> None:
        # By module: the module's and its classes' names, each with what stood there first.
        self._first: dict[str, list[tuple[Place, Mapping[str, Any], dict[str, Any]]]] = {}

    def replaced(self) -> list[tuple[Place, str, Any]]:
        """Return what was replaced, with its place and name, and what is there now."""
        self._see_new_modules()
        return [
            (place, name, names.get(name))
            for groups in self._first.values()
            for place, names, first in groups
            for name, value in first.items()
            if names.get(name) is not value
        ]

    def _see_new_modules(self) -> None:
        for name, module in list(sys.modules.items()):
            if name not in self._first and _is_watched(name) and module is not None:
                groups = [((name, ""), vars(module)), *_classes_of(module)]
                self._first[name] = [(place, names, _callables(place, names)) for place, names in groups]


def settings_in_use() -> list[Any]:
    """Return the settings of torch and ComfyUI that change what models compute."""
    flags = [getattr(owner, name, None) for owner, names in _FLAGS for name in names]
    precision = torch.get_float32_matmul_precision(), str(torch.get_default_dtype())
    attention = torch.backends.cuda.flash_sdp_enabled(), torch.backends.cuda.mem_efficient_sdp_enabled()
    exact = torch.are_deterministic_algorithms_enabled()
    return [flags, *precision, *attention, exact, sorted((k, repr(v)) for k, v in vars(comfy.cli_args.args).items())]


def _is_watched(module: str) -> bool:
    return module in _PACKAGES or module.startswith(tuple(f"{package}." for package in _PACKAGES))


def _classes_of(module: types.ModuleType) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    for value in list(vars(module).values()):
        if isinstance(value, type) and value.__module__ == module.__name__:
            yield (module.__name__, value.__qualname__), vars(value)


def _callables(place: Place, names: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in names.items()
        if (callable(value) or hasattr(value, "__get__")) and (place[0], name) not in _CALLBACKS
    }
