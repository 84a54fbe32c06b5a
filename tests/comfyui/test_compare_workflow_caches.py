"""Compare This Workflow with each of ComfyUI's ways to keep results between prompts: only new counts ever run."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sweetspot.cli.comfyui import Installation, running

from .conftest import SUPPORT, Client
from .test_compare_workflow import KSAMPLER, at, bundled, hashes, ran, wire

MODES = [("--cache-none",), ("--cache-lru", "3"), ("--cache-ram", "0.5")]


@pytest.fixture(params=MODES, ids=lambda mode: mode[0], scope="module")
def server(
    request: Any, installation: Installation, version: tuple[int, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    if request.param[0] == "--cache-ram" and version < (0, 9):
        pytest.skip("this ComfyUI has no such mode")
    base: Path = tmp_path_factory.mktemp("caches")
    (base / "custom_nodes").mkdir()
    shutil.copytree(SUPPORT, base / "custom_nodes" / SUPPORT.name)
    with running(installation, base, *request.param) as started:
        yield Client(started)


def test_only_new_counts_run(server: Client):
    ran(server, bundled(1, "12"))
    assert ran(server, bundled(2, "12, 16")) == [12, 16]
    assert ran(server, bundled(2, "12, 16")) == []
    assert ran(server, bundled(2, "12, 16, 20")) == [20]


def test_the_images_are_those_of_separate_prompts(server: Client):
    separate = [
        sum_ for steps in (2, 4, 5) for sum_ in hashes(server, at(KSAMPLER, [("sampler", "steps")], steps), "images")
    ]
    assert hashes(server, {**KSAMPLER, "compare": wire("images")}, "compare") == separate
    assert hashes(server, {**KSAMPLER, "compare": wire("images", "2, 4, 5, 6")}, "compare")[:3] == separate
