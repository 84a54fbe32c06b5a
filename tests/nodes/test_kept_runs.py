"""Finished runs make room for others when the machine is short of memory."""

import comfy.cli_args
import comfy.model_management
import numpy as np
import pytest
from sweetspot.comparison.runs import Run
from sweetspot.nodes.comparing.kept_runs import KEPT, make_room

RUN = 64 << 20


def run(steps: int) -> Run:
    return Run(steps, steps, 1.0, np.zeros((1, 8192, 8192, 1), np.uint8))


@pytest.fixture(autouse=True)
def empty():
    KEPT.limit(100 * RUN)
    yield
    KEPT.limit(0)


def kept(monkeypatch: pytest.MonkeyPatch, available: float, cache_ram: object) -> list[int]:
    """Return which of four runs are kept when the next comparison begins with so many bytes free."""
    monkeypatch.setattr(comfy.cli_args.args, "cache_ram", cache_ram, raising=False)
    monkeypatch.setattr(comfy.model_management, "get_total_memory", lambda _device: 64 << 30)
    monkeypatch.setattr(comfy.model_management, "get_free_memory", lambda _device: available)
    for steps in (1, 2, 3, 4):
        KEPT.put("a", run(steps))
    make_room()
    return [steps for steps in (1, 2, 3, 4) if KEPT.get("a", steps)]


@pytest.mark.parametrize(("cache_ram", "headroom"), [(0, 6.4), ([], 6.4), ([3.0], 3.0), ([3.0, 20.0], 3.0), (3.0, 3.0)])
def test_the_oldest_go_until_as_much_is_free_as_comfyui_wants(
    monkeypatch: pytest.MonkeyPatch, cache_ram: object, headroom: float
):
    wanted = headroom * (1 << 30)
    assert kept(monkeypatch, wanted + 1, cache_ram) == [1, 2, 3, 4]
    assert kept(monkeypatch, wanted - 0.5 * RUN, cache_ram) == [2, 3, 4]


def test_a_few_stay_because_dropping_them_would_not_help(monkeypatch: pytest.MonkeyPatch):
    assert kept(monkeypatch, 0, []) == [3, 4]
