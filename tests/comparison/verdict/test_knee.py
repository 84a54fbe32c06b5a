"""The knee against the published FID curves, and against curves that have none."""

import json
import random
from pathlib import Path

import pytest
from sweetspot.comparison.verdict.knee import find_knee

FACTS = json.loads((Path(__file__).parent / "facts" / "fid_vs_nfe.json").read_text("utf-8"))
CURVES = [(data, solver) for data, curves in FACTS.items() if isinstance(curves, dict) for solver in curves]


@pytest.mark.parametrize(("data", "solver"), CURVES, ids=lambda part: part)
def test_published_curves_have_their_knee_where_most_is_gained(data: str, solver: str):
    """By the knee more than half of all gain is had, and no later call gains as much as those before did on average."""
    calls, curve = FACTS["nfe"], FACTS[data][solver]
    knee = find_knee(calls, curve)
    place = calls.index(knee)
    assert 0 < place < len(calls) - 1
    gain = curve[0] - curve[place]
    assert gain > 0.5 * (curve[0] - curve[-1])
    assert max(before - after for before, after in zip(curve[place:], curve[place + 1 :], strict=False)) < gain / place


def test_a_faster_solver_has_its_knee_no_later():
    knees = {solver: find_knee(FACTS["nfe"], FACTS["cifar10"][solver]) for _, solver in CURVES[:5]}
    assert knees["ipndm4"] <= knees["euler"]


@pytest.mark.parametrize(
    "curve",
    [
        [20.0] * 8,
        [20.0, 20.1, 19.9, 20.05, 20.0, 19.95, 20.1, 20.0],
        [3.0, 4, 5, 6, 7, 8, 9, 10],
        [10.0, 9, 8, 7, 6, 5, 4, 3],
        [10.0, 9.9, 9.7, 9.3, 8.5, 7, 4, 1],
        [0.0] * 8,
    ],
    ids=["flat", "nearly flat", "rising", "straight", "bent outwards", "zero"],
)
def test_what_has_no_knee_gets_none(curve: list[float]):
    assert find_knee(list(range(3, 11)), curve) is None


def test_noise_alone_has_no_knee():
    chance = random.Random(0)
    found = [find_knee(list(range(3, 13)), [chance.gauss(10, 1) for _ in range(10)]) for _ in range(200)]
    assert found.count(None) == 200


@pytest.mark.parametrize("points", [0, 1, 2, 3])
def test_few_points_have_no_knee(points: int):
    assert find_knee(list(range(points)), [10.0 / (n + 1) for n in range(points)]) is None


def test_a_corner_is_found_where_it_is():
    steps = [4, 8, 12, 16, 32, 50]
    assert find_knee(steps, [10.0, 6, 2, 1.9, 1.7, 1.5]) == 12


def test_counts_that_do_not_rise_are_refused():
    with pytest.raises(ValueError, match="rising step counts"):
        find_knee([4, 4, 8], [1.0, 2.0, 3.0])
