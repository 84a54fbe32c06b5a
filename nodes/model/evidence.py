"""What a MODEL socket's value and the prompt graph tell of the model. ComfyUI's private attributes are read guarded."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ...graphs.walk import Lora, branches
from ...presets.recognition.evidence import Evidence
from ...presets.recognition.graph_evidence import evidence_of
from ...presets.recognition.headers import read_header

T = TypeVar("T")

log = logging.getLogger("sweetspot.nodes.model.evidence")


def gather_evidence(model: Any, prompt: Any = None, node_id: Any = None, choice: str = "") -> Evidence:
    """Return all that is known of a ModelPatcher's model; what cannot be read is missing, nothing is raised.

    Args:
        model: the ModelPatcher.
        prompt: the prompt graph in API form, None where it is not known.
        node_id: the node whose input `model` leads to the model.
        choice: the catalogue's id that the user chose.
    """
    config: Any = _guarded(lambda: model.model.model_config, None)
    path = _guarded(lambda: Path(model.cached_patcher_init[1][0]), None)
    from_graph = _guarded(lambda: evidence_of(branches(prompt or {}, str(node_id))), Evidence())
    return Evidence(
        architecture=type(config).__name__ if config is not None else "",
        unet_config=_guarded(lambda: dict(getattr(config, "unet_config", None) or {}), {}),
        prediction=_guarded(lambda: str(model.model.model_type.name), ""),
        files=from_graph.files or ((path.name,) if path else ()),
        loras=from_graph.loras or _guarded(lambda: _loras_of(model), ()),
        metadata=_guarded(lambda: read_header(path).metadata if path else {}, {}),
        choice=choice,
        doubts=from_graph.doubts,
    )


def file_name(model: Any) -> str:
    """Return the name of the file that a ModelPatcher was loaded from, `not known` where it does not say."""
    return _guarded(lambda: Path(model.cached_patcher_init[1][0]).name, "not known")


def _loras_of(model: Any) -> tuple[Lora, ...]:
    """Return the last LoRA that brought metadata, where the graph does not tell: its own name and its strength."""
    metadata = model.get_attachment("lora_metadata") or {}
    name = metadata.get("ss_output_name") or metadata.get("modelspec.title")
    if not name or not model.patches:
        return ()
    strength = next(iter(model.patches.values()))[-1][0]
    return (Lora(str(name), float(strength)),)


def _guarded(read: Callable[[], T], otherwise: T) -> T:
    # ComfyUI may rename what is private any day; that must never end somebody's run.
    try:
        return read()
    except Exception as error:  # noqa: BLE001
        log.debug("not read: %s: %s", type(error).__name__, error)
        return otherwise
