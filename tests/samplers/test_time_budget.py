import pytest
from sweetspot.samplers.time_budget import PaceCheck, StepTimes, fit_steps, run_within


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
    assert fit_steps(10, 1, 25).note == "time budget: 25 steps of 1 s each do not fit in 10 s; ran 10 instead."
    assert "ran 4, the fewest sensible for this model, about 4 s" in fit_steps(1, 1, 25, 4).note


def test_times_are_remembered_and_the_oldest_forgotten():
    times = StepTimes()
    assert times.recall("a") is None
    for number in range(65):
        times.remember(number, number / 10)
    assert times.recall(0) is None
    assert times.recall(64) == 6.4


class Device:
    """A run on a made-up clock: the first step warms up, each other takes the same."""

    def __init__(self, step: float, warm_up: float = 0.0) -> None:
        self.step, self.warm_up, self.now = step, warm_up, 100.0
        self.asked: list[tuple[int, float]] = []

    def attempt(self, steps: int, limit: float) -> tuple[str, float]:
        self.asked.append((steps, limit))
        started, pace = self.now, PaceCheck(limit, [1.0] * steps, lambda: self.now)
        self.now += self.warm_up
        self.warm_up = 0.0
        for _ in range(steps):
            self.now += self.step
            pace.stepped()
        return f"{steps} steps", self.now - started


def test_what_fits_runs_once():
    device = Device(0.1)
    assert run_within(10, 40, 1, None, device.attempt) == ("40 steps", ("", ""))
    assert device.asked == [(40, 10)]


def test_a_run_that_will_not_fit_is_given_up_and_one_that_does_is_run():
    device = Device(0.5, warm_up=1.0)
    result, (note, over) = run_within(10, 40, 1, None, device.attempt)
    # Two measured steps took 2 s, and 16 of 0.5 s fit into what is left.
    assert (result, over) == ("16 steps", "")
    assert all(fact in note for fact in ("40 steps", "0.5 s", "10 s", "16"))
    assert device.now - 100 == pytest.approx(10)


def test_a_remembered_time_is_used_at_once_and_checked_more_gently():
    device = Device(0.5)
    assert run_within(10, 40, 1, 0.5, device.attempt)[0] == "20 steps"
    assert device.asked == [(20, pytest.approx(11))]


def test_a_remembered_time_that_is_too_small_is_corrected():
    device = Device(1.0)
    result, (note, _) = run_within(10, 40, 1, 0.5, device.attempt)
    assert device.asked == [(20, pytest.approx(11)), (8, 0.0)]
    assert (result, "8" in note) == ("8 steps", True)


def test_the_least_runs_whatever_it_takes_and_says_so():
    device = Device(5.0)
    result, (note, over) = run_within(10, 40, 4, 5.0, device.attempt)
    assert (result, device.asked) == ("4 steps", [(4, 0.0)])
    assert "4" in note
    assert all(fact in over for fact in ("20 s", "10 s"))


def test_steps_without_guidance_count_half():
    device_time = iter([0.0, 1.0, 2.0])
    pace = PaceCheck(11.5, [1.0, 1.0, *[0.5] * 18], lambda: next(device_time))
    pace.stepped()
    # 2 s are gone, and 18 steps of half a second are to come.
    pace.stepped()
    assert pace.step_seconds == pytest.approx(11 / 20)
    assert not pace.measures


def test_without_a_limit_nothing_is_measured():
    pace = PaceCheck(0.0, [1.0] * 9)
    pace.stepped()
    assert (pace.measures, pace.first_step, pace.step_seconds) == (False, None, None)
