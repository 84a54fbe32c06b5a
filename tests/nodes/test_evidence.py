"""Evidence of a model from its file: what is remembered is never older than the file."""

import json
import os
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sweetspot.nodes.model.evidence import gather_evidence


def write(file: Path, title: str) -> None:
    header = json.dumps({"__metadata__": {"modelspec.title": title}}).encode()
    file.write_bytes(struct.pack("<Q", len(header)) + header)


def model_from(file: Path) -> Any:
    return SimpleNamespace(cached_patcher_init=(None, (str(file),)))


def title_of(file: Path) -> str:
    return gather_evidence(model_from(file)).metadata["modelspec.title"]


def test_a_changed_file_is_read_again(tmp_path: Path):
    file = tmp_path / "model.safetensors"
    write(file, "one")
    assert title_of(file) == title_of(file) == "one"
    write(file, "two")
    # File systems with coarse times still show the change if it comes later.
    os.utime(file, ns=(1, 1))
    assert title_of(file) == "two"


def test_what_is_remembered_can_not_be_changed_from_outside(tmp_path: Path):
    file = tmp_path / "model.safetensors"
    write(file, "one")
    gather_evidence(model_from(file)).metadata["modelspec.title"] = "other"
    assert title_of(file) == "one"


def test_a_file_that_is_gone_is_no_evidence(tmp_path: Path):
    file = tmp_path / "model.safetensors"
    write(file, "one")
    assert title_of(file) == "one"
    file.unlink()
    assert gather_evidence(model_from(file)).metadata == {}
