"""Finished runs make room for others when the machine is short of memory."""

from types import SimpleNamespace

import comfy.cli_args
import comfy.model_management
import numpy as np
import pytest
from sweetspot.comparison.runs import Run
from sweetspot.nodes.comparing.kept_runs import KEPT, keep

RUN = 1_000_000


def run(steps: int) -> Run:
    return Run(steps, steps, 1.0, np.zeros((1, 1000, 1000, 1), np.uint8))


@pytest.fixture(autouse=True)
def empty():
    KEPT.limit(100 * RUN)
    yield
    KEPT.limit(0)


def kept(monkeypatch: pytest.MonkeyPatch, available: float, cache_ram: object) -> list[int]:
    """Return which of four runs are kept after the last of them, if so many bytes are free then."""
    monkeypatch.setattr(comfy.cli_args.args, "cache_ram", cache_ram, raising=False)
    memory = SimpleNamespace(available=64e9)
    monkeypatch.setattr(comfy.model_management, "get_total_memory", lambda _device: 64e9)
    monkeypatch.setattr(comfy.model_management, "get_free_memory", lambda _device: memory.available)
    for steps in (1, 2, 3):
        keep("a", run(steps))
    memory.available = available
    keep("a", run(4))
    return [steps for steps in (1, 2, 3, 4) if KEPT.get("a", steps)]


@pytest.mark.parametrize("cache_ram", [0, [], [6.4, 20.0], 6.4])
def test_all_are_kept_while_enough_memory_is_free(monkeypatch: pytest.MonkeyPatch, cache_ram: object):
    assert kept(monkeypatch, 6.5e9, cache_ram) == [1, 2, 3, 4]


@pytest.mark.parametrize(("cache_ram", "headroom"), [(0, 6.4e9), ([], 6.4e9), ([3.0], 3e9), (3.0, 3e9)])
def test_the_oldest_go_until_there_is(monkeypatch: pytest.MonkeyPatch, cache_ram: object, headroom: float):
    assert kept(monkeypatch, headroom - 1.5 * RUN, cache_ram) == [3, 4]


def test_all_go_if_that_is_not_enough(monkeypatch: pytest.MonkeyPatch):
    assert kept(monkeypatch, 1e9, []) == []
