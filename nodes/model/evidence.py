"""Gathers evidence of what a model is from the MODEL and the prompt graph, including ComfyUI's private attributes."""

import logging
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from ...graphs.walk import Lora, Upstream, Walk
from ...presets.recognition.evidence import Evidence
from ...presets.recognition.headers import read_header
from ...presets.sources.sidecars import read_sidecar
from .model_files import find_model

T = TypeVar("T")

# Files whose headers are remembered.
_REMEMBERED = 256

log = logging.getLogger("sweetspot.nodes.model.evidence")


def gather_evidence(model: Any, prompt: Any = None, node_id: Any = None, choice: str = "") -> Evidence:
    """Return all that is known about a ModelPatcher's model. Whatever cannot be read is left out; nothing is raised.

    Args:
        model: the ModelPatcher.
        prompt: the prompt graph in API form, None if it is not known.
        node_id: the node whose input `model` receives the model.
        choice: the catalogue id that the user chose.
    """
    config: Any = _guarded(lambda: model.model.model_config, None)
    upstream = _guarded(lambda: Walk(prompt or {}).upstream(str(node_id)), Upstream())
    path = source_file(model) or _listed_file(upstream.files)
    return Evidence(
        architecture=type(config).__name__ if config is not None else "",
        unet_config=_guarded(lambda: dict(getattr(config, "unet_config", None) or {}), {}),
        prediction=_guarded(lambda: str(model.model.model_type.name), ""),
        files=upstream.files or ((path.name,) if path else ()),
        loras=upstream.loras or _guarded(lambda: _loras_of(model), ()),
        metadata=_guarded(lambda: _metadata_of(path) if path else {}, {}),
        sidecar=_guarded(lambda: read_sidecar(path) if path else None, None),
        choice=choice,
        doubts=upstream.doubts,
    )


def _metadata_of(path: Path) -> dict[str, str]:
    """Return what a model file's author wrote into its header; it is read again only after the file has changed."""
    about = path.stat()
    return dict(_read_metadata(path, about.st_mtime_ns, about.st_size))


@lru_cache(maxsize=_REMEMBERED)
def _read_metadata(path: Path, _modified: int, _size: int) -> dict[str, str]:
    return read_header(path).metadata


def source_file(model: Any) -> Path | None:
    """Return the file that a ModelPatcher was loaded from, or None if it does not record one.

    `cached_patcher_init` is private to ComfyUI, and only this function reads it.
    """
    return _guarded(lambda: Path(model.cached_patcher_init[1][0]), None)


def _listed_file(names: tuple[str, ...]) -> Path | None:
    """Return the file of the one name in ComfyUI's lists, for loaders that don't record theirs."""
    return _guarded(lambda: find_model(names[0]) if len(names) == 1 else None, None)


def _loras_of(model: Any) -> tuple[Lora, ...]:
    """Return the last LoRA with metadata, its own name and its strength; used if the graph names no LoRA."""
    metadata = model.get_attachment("lora_metadata") or {}
    name = metadata.get("ss_output_name") or metadata.get("modelspec.title")
    if not name or not model.patches:
        return ()
    strength = next(iter(model.patches.values()))[-1][0]
    return (Lora(str(name), float(strength)),)


def _guarded(read: Callable[[], T], otherwise: T) -> T:
    # ComfyUI may rename private attributes at any time. That must never end a run.
    try:
        return read()
    except Exception as error:  # noqa: BLE001
        log.debug("not read: %s: %s", type(error).__name__, error)
        return otherwise
