"""Verdicts on closed forms with plateaus, by the truth: a coarse run ends in another mode, and stays there.

`benchmarks/truth.py --closed-forms` judges more of them, and the demo model.
"""

import random

import pytest
from closed_forms import ClosedForm
from sweetspot.comparison.contenders import Contender
from sweetspot.comparison.rounds import Question, compare
from sweetspot.comparison.runs import Sampling
from sweetspot.comparison.verdict.judgement import Judgement
from truth import SAMPLERS, SCHEDULERS, Case, Kept, is_right

# A model whose 12 and 24 steps of euler show the same wrong picture.
STAYS_WRONG = 42


def asked(question: Question) -> Judgement:
    engine = ClosedForm(STAYS_WRONG, modes=8)
    return compare(engine, [Contender(Sampling(42, 1.0, "euler", "simple"))], question).first


def test_a_plateau_is_found_by_the_check_and_only_by_it():
    unchecked, checked = (asked(Question((6, 12, 24), check=check)) for check in (False, True))
    assert unchecked.sweet_spot.steps is not None
    assert checked.sweet_spot.answer == "not yet"
    assert (checked.better.sampler, checked.better.steps) == ("dpmpp_2m", 12)


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    chance, found = random.Random(15), []
    for number in range(16):
        engine = Kept(ClosedForm(chance.randrange(2**32), chance.choice((1, 8))), None, "")
        sampler, scheduler = chance.choice(SAMPLERS), chance.choice(SCHEDULERS)
        case = Case(engine, Sampling(number, 1.0, sampler, scheduler, chance.choice((1.0, 0.6))), "")
        found += [case.asked(way, check=True) | {"way": way} for way in ("ladder", "auto") if case.decided]
    return found


@pytest.mark.fuzz
def test_verdicts_are_within_a_rung_of_the_truth(rows: list[dict]):
    for way, share in (("ladder", 0.97), ("auto", 0.93)):
        of_way = [row for row in rows if row["way"] == way]
        assert sum(map(is_right, of_way)) >= share * len(of_way) > 12


@pytest.mark.fuzz
def test_high_confidence_is_useful_and_not_wrong(rows: list[dict]):
    high = [row for row in rows if row["sure"] == "high"]
    assert all(map(is_right, high))
    assert len(high) >= 0.6 * len(rows)
