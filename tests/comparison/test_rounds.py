"""A whole comparison on an engine of arithmetic: rounds, search, seeds, contenders and judging, without a server."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from sweetspot.comparison.contenders import Contender
from sweetspot.comparison.rounds import Question, check_contenders, compare
from sweetspot.comparison.runs import LARGEST_SEED, Run, Sampling, Task
from sweetspot.comparison.verdict.search import LADDER

EULER = Sampling(7, 3.0, "euler", "simple")


class Cancelled(Exception):
    """The fake engine's own way to end."""


class FakeEngine:
    """Images that come nearer to an end with every doubling, by the sampler's order: end + error / N^order."""

    name = "fake"
    device = "cpu"

    def __init__(self, error: float = 3.0, cancel_after: int | None = None) -> None:
        self.error, self.cancel_after = error, cancel_after
        self.orders = {"euler": 1.0, "dpmpp_2m": 2.0, "euler_ancestral": 0.0}
        self.ran: list[Task] = []
        self.checks = 0
        self.starts: dict[int, float] = {}

    @property
    def notes(self) -> list[str]:
        return ["a note"]

    def check(self, sampling: Sampling) -> None:
        if sampling.sampler_name not in self.orders:
            raise ValueError(f"sampler_name: expected one of {', '.join(self.orders)}; got {sampling.sampler_name!r}")

    def run(self, tasks: Sequence[Task]) -> list[Run]:
        self.ran += tasks
        return [self._run(task) for task in tasks]

    def _run(self, task: Task) -> Run:
        end = np.random.default_rng(task.sampling.seed).random((1, 24, 24, 3)) * 0.5 + 0.25
        error = np.random.default_rng(0).normal(size=end.shape)
        away = self.error / task.steps ** self.orders[task.sampling.sampler_name]
        return Run(task.steps, task.steps, task.steps / 10, end + away * error)

    def schedule(self, sampling: Sampling, steps: int) -> list[float]:
        return list(sampling.sigmas) or [self.starts.get(steps, 1.0), 0.0]

    def exact_schedule(self, _sampling: Sampling, plan: dict[int, tuple[float, ...]], steps: int) -> tuple[float, ...]:
        return plan.get(steps, ())

    def check_cancelled(self) -> None:
        self.checks += 1
        if self.cancel_after is not None and self.checks > self.cancel_after:
            raise Cancelled


def counts_of(engine: FakeEngine) -> list[int]:
    return [task.steps for task in engine.ran]


def test_a_list_runs_once_in_rising_order_and_is_judged():
    engine = FakeEngine(error=0.3)
    report = compare(engine, [Contender(EULER, variant="flux_dev", source="a file")], Question([50, 4, 25]))
    assert counts_of(engine) == [4, 25, 50]
    data = report.to_dict()
    assert (data["engine"], data["model"]) == ("fake", {"variant": "flux_dev", "source": "a file"})
    assert data["notes"] == ["a note"]
    assert data["sweet_spot"]["steps"] == 25


def test_auto_searches_within_half_of_the_ladders_calls():
    engine = FakeEngine(error=0.5)
    report = compare(engine, [Contender(EULER)], Question([], auto=True))
    assert sum(counts_of(engine)) <= sum(LADDER) / 2
    assert len(set(counts_of(engine))) == len(counts_of(engine)) > 3
    assert report.first.sweet_spot.steps in LADDER


def test_auto_stops_at_once_where_no_step_count_would_help():
    engine = FakeEngine()
    compare(engine, [Contender(replace(EULER, sampler_name="euler_ancestral"))], Question([], auto=True))
    assert counts_of(engine) == [6, 12, 24]
    distilled = FakeEngine()
    compare(distilled, [Contender(EULER, trained_steps=(2, 8))], Question([], auto=True))
    assert counts_of(distilled) == [2, 4, 8, 16]


def test_each_seed_runs_every_count_and_past_the_largest_comes_0():
    engine = FakeEngine()
    last = replace(EULER, seed=LARGEST_SEED)
    report = compare(engine, [Contender(last)], Question([4, 8], seeds=3))
    assert [task.sampling.seed for task in engine.ran] == [LARGEST_SEED, LARGEST_SEED, 0, 0, 1, 1]
    assert len(report.first.own) == 3
    assert report.to_dict()["images"] == 3


def test_each_prompt_runs_with_every_seed_and_the_check_does_too():
    engine = FakeEngine(error=0.3)
    report = compare(engine, [Contender(EULER)], Question([4, 50], seeds=2, prompts=3))
    each = [(task.sampling.prompt, task.sampling.seed - EULER.seed) for task in engine.ran if task.steps == 4]
    assert each == [(prompt, seed) for prompt in range(3) for seed in range(2)]
    checks = [task for task in engine.ran if task.steps not in (4, 50)]
    assert [(task.sampling.prompt, task.sampling.seed - EULER.seed) for task in checks][:6] == (each if checks else [])
    data = report.to_dict()
    assert (data["prompts"], data["seeds"], data["images"]) == (3, 2, 6)


def test_contenders_are_ranked_against_one_end():
    engine = FakeEngine(error=2.0)
    contenders = [Contender(EULER), Contender(replace(EULER, sampler_name="dpmpp_2m"))]
    report = compare(engine, contenders, Question([8, 16, 32, 64]))
    assert report.ranking.end == ("dpmpp_2m, simple, cfg 3", 64)
    assert {run.name for run in report.ranking.nearest} == {"dpmpp_2m, simple, cfg 3"}


def test_a_plans_exact_schedule_is_used_for_its_own_count_only():
    engine = FakeEngine()
    compare(engine, [Contender(EULER, plan={4: (1.0, 0.5, 0.0)})], Question([4, 8]))
    assert [task.sampling.sigmas for task in engine.ran] == [(1.0, 0.5, 0.0), ()]


def test_counts_that_start_elsewhere_are_noted_and_not_extrapolated():
    engine = FakeEngine()
    engine.starts = {8: 0.5}
    report = compare(engine, [Contender(EULER)], Question([8, 16, 32]))
    assert report.first.convergence is None
    assert len(report.notes) == 2


def test_cancelling_ends_it_while_measuring_and_while_ranking():
    contenders = [Contender(EULER), Contender(replace(EULER, sampler_name="dpmpp_2m"))]
    whole = FakeEngine(error=2.0)
    assert compare(whole, contenders, Question([8, 16, 32])).ranking.end
    # Three images are measured for each of two contenders, with two distances; then all six against the end, and the
    # other contender's three against the first one's reference.
    assert whole.checks == 19
    for after in (0, 5, 12):
        with pytest.raises(Cancelled):
            compare(FakeEngine(error=2.0, cancel_after=after), contenders, Question([8, 16, 32]))


def test_what_the_engine_cannot_run_is_refused_before_it_runs():
    engine = FakeEngine()
    unknown = replace(EULER, sampler_name="magic")
    with pytest.raises(ValueError, match=r"^sampler_name: .*got 'magic'"):
        check_contenders(engine, [Contender(unknown)])
    with pytest.raises(ValueError, match=r"^contenders: number 2: sampler_name: .*got 'magic'"):
        check_contenders(engine, [Contender(EULER), Contender(unknown)])
    with pytest.raises(ValueError, match=r"^contenders: expected .*; got euler, simple, cfg 3 "):
        check_contenders(engine, [Contender(EULER), Contender(EULER)])
    check_contenders(engine, [Contender(EULER), Contender(EULER, label="plan_2")])
    assert engine.ran == []


def test_a_report_never_changes():
    report = compare(FakeEngine(), [Contender(EULER)], Question([4, 8]))
    assert report.to_dict() == report.to_dict()
    with pytest.raises(AttributeError):
        report.notes = ()
    with pytest.raises(AttributeError):
        report.first.knee = 4


class Checkable(FakeEngine):
    """An engine with noise levels, so that another solver can run on another schedule."""

    def schedule(self, sampling: Sampling, steps: int) -> list[float]:
        return list(sampling.sigmas) or [1 - step / steps for step in range(steps + 1)]


def test_a_reference_is_checked_once_by_another_solver_from_the_same_seeds():
    engine = Checkable(error=0.3)
    report = compare(engine, [Contender(EULER)], Question([4, 25, 50], seeds=2))
    checks = [task for task in engine.ran if task.sampling.sigmas]
    assert [(task.sampling.sampler_name, task.sampling.seed, task.steps) for task in checks] == [
        ("dpmpp_2m", 7, 12),
        ("dpmpp_2m", 8, 12),
    ]
    assert report.to_dict()["check"] == {
        "sampler": "dpmpp_2m",
        "scheduler": "simple",
        "shift": 3.0,
        "steps": 12,
        "model_calls": 12,
        "seconds": 1.2,
        "cost": None,
        "similarity": round(report.first.check.similarity, 6),
        "agrees": True,
        "clear": True,
        "settled": None,
    }


def test_a_check_is_left_out_where_it_is_not_wanted_or_can_not_run():
    unwanted, unable = Checkable(error=0.3), Checkable(error=0.3)
    unable.orders.pop("dpmpp_2m")
    for engine, question in ((unwanted, Question([4, 25, 50], check=False)), (unable, Question([4, 25, 50]))):
        report = compare(engine, [Contender(EULER)], question)
        assert counts_of(engine) == [4, 25, 50]
        assert report.to_dict()["check"] is None
        assert report.first.sweet_spot.confidence != "high"


class Stubborn(Checkable):
    """An engine whose first solver stays in another picture than the others."""

    def __init__(self, until: int) -> None:
        super().__init__(error=0.3)
        self.until = until

    def _run(self, task: Task) -> Run:
        run = super()._run(task)
        if task.sampling.sampler_name == "euler" and task.steps < self.until:
            return replace(run, images=1 - run.images)
        return run


def test_a_check_that_disagrees_runs_longer_and_shows_that_it_no_longer_changes():
    engine = Stubborn(until=100)
    report = compare(engine, [Contender(EULER)], Question([4, 25, 50]))
    assert counts_of(engine) == [4, 25, 50, 12, 24]
    assert report.first.sweet_spot.answer == "not yet"
    assert report.to_dict()["check"]["settled"] is True
    assert report.to_dict()["better"] == {
        "sampler": "dpmpp_2m",
        "scheduler": "simple",
        "shift": 3.0,
        "steps": 12,
        "model_calls": 12,
    }


@pytest.mark.parametrize(("until", "ran", "found"), [(1, 24, True), (32, 32, True), (50, 50, True), (100, 50, False)])
def test_auto_goes_on_until_a_count_looks_like_the_check(until: int, ran: int, found: bool):
    engine = Stubborn(until)
    report = compare(engine, [Contender(EULER)], Question([], auto=True))
    assert max(counts_of(engine)) == ran
    assert (report.first.sweet_spot.steps is not None) == found


def test_a_check_starts_anew_where_the_reference_starts_at_another_level():
    """Below denoise 1, a scheduler may start at another level for each step count."""

    class Moving(Stubborn):
        def schedule(self, sampling: Sampling, steps: int) -> list[float]:
            start = 0.6 if steps < 32 else 0.5
            return list(sampling.sigmas) or [start * (1 - step / steps) for step in range(steps + 1)]

    engine = Moving(until=32)
    compare(engine, [Contender(EULER)], Question([], auto=True))
    starts = [task.sampling.sigmas[0] for task in engine.ran if task.sampling.sigmas]
    assert starts[:2] == pytest.approx([0.6, 0.5])


def test_a_models_shift_is_read_with_a_sampler_that_keeps_all_levels():
    """ComfyUI drops the last but one level for uni_pc and dpm_2, which would double the shift."""

    class Dropping(Checkable):
        def schedule(self, sampling: Sampling, steps: int) -> list[float]:
            drops = sampling.sampler_name == "dpm_2"
            times = [1 - step / (steps + drops) for step in range(steps + 1 + drops)]
            levels = [5 * time / (1 + 4 * time) for time in times]
            return list(sampling.sigmas) or ([*levels[:-2], levels[-1]] if drops else levels)

    engine = Dropping(error=0.3)
    engine.orders["dpm_2"] = 2.0
    report = compare(engine, [Contender(replace(EULER, sampler_name="dpm_2"))], Question([4, 25, 50]))
    assert report.first.check.shift == pytest.approx(5.0)


def test_a_sweet_spot_just_below_the_reference_is_confirmed_by_a_longer_check():
    engine = Stubborn(until=16)
    report = compare(engine, [Contender(EULER)], Question([8, 16, 24]))
    assert report.first.sweet_spot.steps == 16
    assert counts_of(engine) == [8, 16, 24, 12, 24]
    assert report.first.sweet_spot.confidence == "high"
