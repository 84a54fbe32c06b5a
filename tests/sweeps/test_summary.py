"""The sweet spot of a sweep, by curves that are known."""

from typing import Any

import pytest
from sweetspot.sweeps.summary import draw_page, summarise

COUNTS = (4, 8, 16, 32)


def rows(values: dict[str, tuple[float, ...]], error: str = "", contender: str = "euler") -> list[dict[str, Any]]:
    return [
        {
            "model": "m",
            "contender": contender,
            "prompt": prompt,
            "seed": 0,
            "steps": steps,
            "similarity": similarity,
            "seconds": steps / 10,
            "model_calls": steps,
            "error": error,
        }
        for prompt, similarities in values.items()
        for steps, similarity in zip(COUNTS, similarities, strict=True)
    ]


def test_the_smallest_count_from_which_nothing_changes():
    (found,) = summarise(rows({"a": (0.5, 0.92, 0.95, 1.0), "b": (0.6, 0.91, 0.97, 1.0)}), 89.5, 3.6)
    assert (found.sweet_spot, found.interval, found.ladders) == (8, None, 2)
    assert "8 steps are enough (2 images of each count)" in found.text
    point = found.points[1]
    assert point.similarity == pytest.approx(0.915)
    assert (point.pooled, point.seconds, point.model_calls) == (0.91, 0.8, 8)
    # 0.8 seconds at 3.6 an hour, a thousand times.
    assert point.cost == pytest.approx(0.8)


def test_a_count_that_is_better_by_chance_does_not_count():
    (found,) = summarise(rows({"a": (0.95, 0.5, 0.95, 1.0)}), 89.5)
    assert found.sweet_spot == 16
    (none,) = summarise(rows({"a": (0.5, 0.6, 0.7, 1.0)}), 89.5)
    assert none.sweet_spot is None
    assert "not settled within 32 steps" in none.text


def test_the_interval_shows_how_much_prompts_differ():
    easy, hard = (0.5, 0.95, 0.97, 1.0), (0.5, 0.6, 0.97, 1.0)
    mixed = {f"p{n}": easy for n in range(18)} | {"hard": hard, "harder": hard}
    (found,) = summarise(rows(mixed), 89.5)
    # Two of twenty may differ; a sample may have three of them.
    assert (found.sweet_spot, found.interval) == (8, (8, 16))
    assert "90 %: 8 to 16; 20 images of each count" in found.text
    # The seeds of a prompt stay together: with two prompts, a sample has only easy ones, only hard ones, or both.
    by_prompt = [{**row, "prompt": row["prompt"][0], "seed": number} for number, row in enumerate(rows(mixed))]
    seeds = [{**row, "seed": row["seed"] // len(COUNTS)} for row in by_prompt]
    assert summarise(seeds, 89.5)[0].interval == (8, 16)


def test_failed_ladders_do_not_count():
    good, bad = {"a": (0.5, 0.92, 0.95, 1.0)}, {"b": (0.1, 0.1, 0.1, 1.0)}
    (found,) = summarise([*rows(good), *rows(bad, error="out of memory")], 89.5)
    assert (found.sweet_spot, found.ladders, found.failed) == (8, 1, 4)
    half = rows(good) + rows(bad)[:2]
    assert summarise(half, 89.5)[0].ladders == 1
    assert summarise(rows(bad, error="x"), 89.5) == []


def test_the_page_makes_no_request_and_escapes_names():
    found = summarise([*rows({"a": (0.5, 0.92, 0.95, 1.0)}, contender="<b>")], 89.5, 1.0)
    page = draw_page(found, "Sweep <x>")
    assert "<b>" not in page
    assert "Sweep &lt;x&gt;" in page
    assert "default-src 'none'" in page
    assert "http" not in page.replace("http-equiv", "")
    assert '<tr class="spot"><td>8</td>' in page
