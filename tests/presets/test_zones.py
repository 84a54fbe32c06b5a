"""The zones of the steps band: without gaps, as the usual advice has them, and moved for the model at hand."""

from itertools import pairwise

import pytest
from sweetspot.presets.plan import SAFE_DEFAULT
from sweetspot.presets.zones import COMMON_ZONES, MOST_SHOWN, Zone, zones_of


def plans(draft: int, balanced: int, best: int, trained: tuple[int, int] | None = None) -> dict:
    counts = {"draft": draft, "balanced": balanced, "best": best}
    fields = {"distilled": trained is not None, "trained_steps": trained}
    return {quality: SAFE_DEFAULT.overlaid({"steps": steps, **fields}, "a test") for quality, steps in counts.items()}


def zone_at(steps: int, zones: tuple[Zone, ...]) -> Zone:
    return next(zone for zone in zones if zone.first <= steps <= zone.last)


@pytest.mark.parametrize(
    ("steps", "name"), [(1, "few"), (10, "few"), (19, "few"), (20, "good"), (30, "good"), (31, "more"), (40, "many")]
)
def test_without_a_model_the_usual_advice_holds(steps: int, name: str):
    assert zone_at(steps, COMMON_ZONES).name == name


def test_a_model_that_wants_25_has_the_usual_zones():
    ordinary = zones_of("A model", plans(12, 25, 25))
    for steps in (5, 20, 30, 35, 40, 60):
        assert zone_at(steps, ordinary).name == zone_at(steps, COMMON_ZONES).name


def test_a_model_that_wants_50_makes_25_a_preview():
    zones = zones_of("A model", plans(20, 50, 50))
    assert (zone_at(25, zones).name, zone_at(50, zones).name) == ("few", "good")
    assert "40 to 60" in zone_at(25, zones).text


def test_a_distilled_model_is_right_within_its_trained_steps_only():
    zones = zones_of("Turbo", plans(1, 1, 4, (1, 4)))
    assert {zone_at(steps, zones).name for steps in (1, 2, 4)} == {"good"}
    assert zone_at(8, zones).name == "many"
    assert "Turbo" in zone_at(8, zones).text


@pytest.mark.parametrize(
    "zones",
    [
        COMMON_ZONES,
        zones_of("m", plans(12, 25, 25)),
        zones_of("m", plans(1, 4, 8, (4, 8))),
        zones_of("m", plans(1, 1, 1, (1, 1))),
        zones_of("m", plans(50, 200, 400)),
    ],
)
def test_zones_follow_each_other_without_a_gap(zones: tuple[Zone, ...]):
    assert zones[0].first == 1
    assert zones[-1].last >= MOST_SHOWN
    assert all(after.first == before.last + 1 for before, after in pairwise(zones))
