"""Verdicts against the truth, where it is known at every step count: closed forms of the sampling ODE.

200 random cases of solver, schedule, kind of noise, visible difference and data. An image is a vector of parts of many
deviations around its mean; the likeness of two falls with a power of their distance, as that of pictures does.
"""

import random
from itertools import pairwise

import pytest
import torch
from sweetspot.comparison.measures.visibility import EXPONENT
from sweetspot.comparison.verdict.convergence import choose_triple, estimate_convergence, reference_similarity
from sweetspot.comparison.verdict.sweet_spot import VISIBLE, find_sweet_spot
from sweetspot.samplers.lockstep import sample_lockstep
from torch import Tensor

LADDER = [4, 6, 8, 12, 16, 24, 32, 50]
CASES = 200


class Case:
    """One random case: data, noise, schedule, solver, and how much difference is visible."""

    def __init__(self, number: int) -> None:
        chance = random.Random(number)
        self.flow = chance.random() < 0.5
        self.solver = chance.choice(["euler", "heun", "dpmpp_2m", "res_multistep"])
        self.barely_visible = 10 ** chance.uniform(-3.5, -1)
        self.rho = chance.choice([1.0, 3.0, 7.0])
        generator = torch.Generator().manual_seed(number)
        spread = 10 ** torch.empty(256, dtype=torch.float64).uniform_(-1.5, 0.3, generator=generator)
        self.spread = spread * chance.uniform(0.5, 1.5)
        self.mean = torch.randn(256, generator=generator, dtype=torch.float64) * chance.uniform(0, 2)
        self.start, self.end = (1.0, 0.01) if self.flow else (14.6, 0.03)
        self.x = torch.randn(256, generator=generator, dtype=torch.float64) * self.start

    def denoise(self, x: Tensor, sigma: Tensor) -> Tensor:
        sigma = sigma.view(-1, 1)
        keep = 1 - sigma if self.flow else torch.ones_like(sigma)
        variance = keep**2 * self.spread**2 + sigma**2
        return self.mean + keep * self.spread**2 / variance * (x - keep * self.mean)

    def schedule(self, steps: int) -> Tensor:
        ramp = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
        first, last = self.start ** (1 / self.rho), self.end ** (1 / self.rho)
        return (first + ramp * (last - first)) ** self.rho

    def truth(self) -> Tensor:
        """Return where the ODE ends, exactly."""
        keep = (0.0, 1 - self.end) if self.flow else (1.0, 1.0)
        first, last = (
            (k**2 * self.spread**2 + sigma**2).sqrt() for k, sigma in zip(keep, (self.start, self.end), strict=True)
        )
        return keep[1] * self.mean + last / first * (self.x - keep[0] * self.mean)

    def likeness(self, one: Tensor, other: Tensor) -> float:
        """Return the similarity, on a scale where this case's own threshold is the one that verdicts go by."""
        away = float((one - other).square().mean() / (2 * other.var()))
        return 1 - (away / self.barely_visible) ** (EXPONENT / 2) * (1 - VISIBLE)


def judge(case: Case) -> tuple[int, str, int]:
    """Return the rung that is named, how surely, and the true one; no sweet spot is the last rung."""
    schedules = [case.schedule(count) for count in LADDER]
    ends = dict(zip(LADDER, sample_lockstep(case.denoise, case.x, schedules, case.solver), strict=True))
    reference, truth = ends[LADDER[-1]], case.truth()
    similarity = {n: case.likeness(ends[n], reference) for n in LADDER}
    triple = choose_triple(LADDER)
    coarse, fine = (float((ends[a] - ends[b]).norm()) for a, b in pairwise(triple))
    left = reference_similarity(estimate_convergence(triple, coarse, fine), fine, similarity[triple[1]])
    verdict = find_sweet_spot(LADDER, list(similarity.values()), case.solver, left)
    true = len(LADDER) - 1
    while true > 0 and case.likeness(ends[LADDER[true - 1]], truth) >= VISIBLE:
        true -= 1
    named = LADDER.index(verdict.steps) if verdict.steps else len(LADDER) - 1
    return named, verdict.confidence, true


@pytest.fixture(scope="module")
def judged() -> list[tuple[int, str, int]]:
    return [judge(Case(number)) for number in range(CASES)]


def test_the_sweet_spot_is_the_true_one_to_within_a_rung(judged: list[tuple[int, str, int]]):
    near = sum(abs(named - true) <= 1 for named, _, true in judged)
    assert near / CASES >= 0.95
    # The cases are no easy ones: every rung is the true one of some.
    assert {true for _, _, true in judged} >= set(range(1, len(LADDER)))
    # Nothing confirms them: see test_plateaus.py.
    assert not [sure for _, sure, _ in judged if sure == "high"]
