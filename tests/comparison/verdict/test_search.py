"""The search against running the whole ladder, on closed forms."""

import random
from itertools import pairwise

import pytest
from sweetspot.comparison.verdict.convergence import choose_triple, estimate_convergence, reference_similarity
from sweetspot.comparison.verdict.search import LADDER, START, Move, next_move, trained_counts
from sweetspot.comparison.verdict.second_opinion import Check
from sweetspot.comparison.verdict.sweet_spot import SweetSpot, find_sweet_spot
from sweetspot.samplers.lockstep import sample_lockstep

from .test_verdicts import CASES, Case


class Ladder:
    """The runs of a case, as a search sees them."""

    def __init__(self, case: Case) -> None:
        self.case = case
        schedules = [case.schedule(count) for count in LADDER]
        self.ends = dict(zip(LADDER, sample_lockstep(case.denoise, case.x, schedules, case.solver), strict=True))

    def judge(self, counts: list[int]) -> tuple[list[float], float | None, SweetSpot]:
        similarity = [self.case.likeness(self.ends[count], self.ends[counts[-1]]) for count in counts]
        left = None
        triple = choose_triple(counts)
        if triple is not None:
            coarse, fine = (float((self.ends[a] - self.ends[b]).norm()) for a, b in pairwise(triple))
            alike = similarity[counts.index(triple[1])]
            left = reference_similarity(estimate_convergence(triple, coarse, fine), fine, alike)
        verdict = find_sweet_spot(counts, similarity, self.case.solver, left)
        return similarity, left, verdict

    def search(self) -> tuple[SweetSpot, list[int]]:
        counts, similarity, left, verdict = [], [], None, SweetSpot(None, "")
        while more := next_move(counts, similarity, left, None).counts:
            counts = sorted([*counts, *more])
            similarity, left, verdict = self.judge(counts)
        return verdict, counts


def rung(verdict: SweetSpot) -> int:
    return LADDER.index(verdict.steps) if verdict.steps else len(LADDER) - 1


def test_the_verdict_is_that_of_the_whole_ladder_to_within_a_rung_for_half_of_its_calls():
    near = 0
    for number in range(CASES):
        ladder = Ladder(Case(number))
        found, counts = ladder.search()
        assert sum(counts) <= sum(LADDER) / 2
        near += abs(rung(found) - rung(ladder.judge(list(LADDER))[2])) <= 1
    assert near / CASES >= 0.95


def test_it_begins_with_doublings_and_runs_only_what_is_missing():
    assert next_move([], [], None, None).counts == START
    assert next_move([12, 50], [0.9, 1.0], None, None).counts == (6, 24)


@pytest.mark.parametrize(
    ("similarity", "left", "more"),
    [
        ([0.97, 0.99, 1.0], 0.999, (16,)),  # an image can be right at 12 steps and wrong at 16
        ([0.85, 0.99, 1.0], 0.999, (16,)),
        ([0.60, 0.85, 1.0], 0.990, (16,)),
        ([0.60, 0.80, 1.0], 0.850, (32,)),  # 24 have not converged
        ([0.60, 0.80, 1.0], None, (32,)),
        ([0.85, 0.99, 1.0], None, (16,)),
    ],
)
def test_each_round_chooses_by_what_the_runs_show(similarity, left, more):
    assert next_move([6, 12, 24], similarity, left, None) == Move(more)


def checked(similarity: float, settled: bool | None = None) -> Check:
    """Return what a check showed about the largest count."""
    agrees = similarity >= 0.895
    return Check("dpmpp_2m", "simple", 3.0, 12, 12, 1.2, similarity, agrees, agrees, similarity < 0.85, settled, agrees)


@pytest.mark.parametrize(
    ("steps", "similarity", "check", "move"),
    [
        ([24], [1.0], checked(0.95), Move((16,))),
        ([16, 24], [0.93, 1.0], checked(0.95), Move((12,))),
        ([12, 16, 24], [0.85, 0.93, 1.0], checked(0.95), Move()),
        # Only the reference looks like the check.
        ([16, 24], [0.85, 1.0], checked(0.95), Move(longer_check=True)),
        ([16, 24], [0.85, 1.0], checked(0.95, settled=True), Move()),
        # Another picture than the check: more steps, then a longer check, then the last resort.
        ([24], [1.0], checked(0.60), Move((32,))),
        ([16, 24], [0.85, 1.0], checked(0.60, settled=False), Move((32,))),
        ([24, 32], [0.9, 1.0], checked(0.60), Move(longer_check=True)),
        ([24, 32], [0.9, 1.0], checked(0.60, settled=True), Move((50,))),
        ([24, 32], [0.9, 1.0], checked(0.60, settled=False), Move()),
        ([24, 32], [0.9, 1.0], checked(0.87, settled=False), Move((50,))),
        ([24, 32, 50], [0.9, 0.9, 1.0], checked(0.60, settled=True), Move()),
        ([24, 32], [0.85, 1.0], checked(0.95, settled=True), Move()),
    ],
)
def test_with_a_check_it_goes_down_from_a_count_that_looks_like_it(steps, similarity, check, move):
    assert next_move(steps, similarity, None, check) == move


def test_it_ends_whatever_the_runs_show():
    chance = random.Random(0)
    for number in range(500):
        counts, longer = list[int](), 0
        check = checked(chance.choice([0.6, 0.87, 0.95])) if number % 2 else None
        while True:
            similarity = [chance.uniform(0.8, 1) for _ in counts[1:]] + [1.0] * bool(counts)
            move = next_move(counts, similarity, chance.choice([None, 0.9, 1.0]), check)
            if move == Move():
                break
            assert not set(move.counts) & set(counts)
            counts = sorted([*counts, *move.counts])
            if move.longer_check:
                check, longer = checked(chance.choice([0.6, 0.87, 0.95]), chance.random() < 0.5), longer + 1
        assert longer <= 1
        assert sum(counts) <= (sum(LADDER) if check else sum(LADDER) / 2)


@pytest.mark.parametrize(
    ("trained", "counts"), [((4, 4), [4, 8]), ((1, 4), [1, 2, 4, 8]), ((4, 8), [4, 8, 16]), ((3, 9), [3, 6, 9, 18])]
)
def test_distilled_models_run_what_they_were_trained_for_and_one_beyond(trained, counts):
    assert trained_counts(trained) == counts
