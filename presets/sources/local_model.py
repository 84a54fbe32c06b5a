"""What a model's file on this machine shows: its header, and the file beside it."""

from dataclasses import replace
from pathlib import Path

from ...graphs.walk import Lora
from ..recognition.evidence import Evidence
from ..recognition.headers import read_header
from ..recognition.model_file import evidence_of_file
from .sidecars import read_sidecar


def evidence_of(file: Path, name: str, loras: tuple[Lora, ...] = (), beside: Path | None = None) -> Evidence:
    """Return the evidence of a file.

    Args:
        file: the file.
        name: what it is called, with the folders that people sorted it into.
        loras: LoRAs that are applied to it.
        beside: the path whose sidecar is read, if `file` is where a link leads.

    Raises:
        HeaderError: its header is broken.
        OSError: it can't be read.
    """
    return replace(evidence_of_file(name, read_header(file), loras), sidecar=read_sidecar(beside or file))
