import pytest
from sweetspot.samplers.time_budget import StepTimes, fit_steps


@pytest.mark.parametrize(
    ("budget", "seconds", "asked", "least", "spent", "steps"),
    [
        (10, 1, 25, 1, 0, 10),
        (10, 0.1, 25, 1, 0, 25),
        (10, 1, 25, 4, 3.5, 6),
        # The least wins over the budget, and over nothing that was asked.
        (1, 1, 25, 4, 0, 4),
        (1, 1, 2, 4, 0, 2),
        (1, 5, 25, 1, 9, 1),
        (2.5, 0.1, 25, 1, 0, 25),
    ],
)
def test_the_largest_count_that_fits(budget, seconds, asked, least, spent, steps):
    assert fit_steps(budget, seconds, asked, least, spent).steps == steps


def test_says_what_was_chosen_and_why():
    assert fit_steps(10, 0.1, 25).note == ""
    assert fit_steps(10, 1, 25).note == "time budget: 25 steps of 1 s do not fit in 10 s; 10 run."
    assert "4 is the least that is sensible, about 4 s" in fit_steps(1, 1, 25, 4).note


def test_times_are_remembered_and_the_oldest_forgotten():
    times = StepTimes()
    assert times.recall("a") is None
    for number in range(65):
        times.remember(number, number / 10)
    assert times.recall(0) is None
    assert times.recall(64) == 6.4
