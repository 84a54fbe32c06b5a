"""The estimate against what really remains, in closed form: Gaussian parts, whose predictions are known exactly."""

import math

import pytest
import torch
from sweetspot.samplers.settling import SettleJudge, remaining_change

# Deviations of an image's parts: one alone, coarse with fine, many scales.
IMAGES = {"one": (1.0,), "fine": (1.0, 0.02), "finer": (1.0, 0.004), "many": (1.5, 0.7, 0.2, 0.05, 0.01)}


def prediction(end: torch.Tensor, deviation: torch.Tensor, sigma: float) -> torch.Tensor:
    """Return D at sigma for a part of this deviation that the ODE carries to `end`; its mean is 0."""
    return end * deviation / (deviation**2 + sigma**2).sqrt()


def image(deviations: tuple[float, ...], seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    spread = torch.tensor(deviations, dtype=torch.float64).repeat_interleave(4000)
    return torch.randn(len(spread), generator=generator, dtype=torch.float64) * spread, spread


def truth(end: torch.Tensor, now: torch.Tensor) -> float:
    return float((end - now).square().mean().sqrt() / now.std())


@pytest.mark.parametrize("kind", IMAGES)
@pytest.mark.parametrize("ratio", [1.05, 1.3, 2.0, 5.0])
@pytest.mark.parametrize("seed", range(3))
def test_never_less_than_what_remains(kind: str, ratio: float, seed: int):
    end, spread = image(IMAGES[kind], seed)
    for power in range(-20, 8):
        sigma = 2.0 ** (power / 2)
        now, before = prediction(end, spread, sigma), prediction(end, spread, sigma * ratio)
        estimate = float(remaining_change(now[None], before[None], sigma, sigma * ratio))
        assert estimate >= truth(end, now) * 0.97, (sigma, estimate, truth(end, now))


def test_falls_to_nothing_with_the_noise():
    end, spread = image(IMAGES["one"], 0)
    found = [
        float(remaining_change(prediction(end, spread, s)[None], prediction(end, spread, 1.2 * s)[None], s, 1.2 * s))
        for s in (1.0, 0.3, 0.1, 0.03, 0.01)
    ]
    assert found == sorted(found, reverse=True)
    assert found[-1] < 0.005


def test_a_small_change_alone_certifies_nothing():
    """Detail of deviation 0.3 among a flat image, far below the noise: one step moves it by less than 1 %."""
    end, spread = image((1.0, 0.3), 1)
    sigma, before = 6.0, 6.3
    now, then = prediction(end, spread, sigma), prediction(end, spread, before)
    now[:4000], then[:4000] = end[:4000], end[:4000]
    assert float((now - then).norm() / now.norm()) < 0.01
    assert float(remaining_change(now[None], then[None], sigma, before)) > truth(end, now)


def test_the_worst_sample_of_a_batch_decides():
    end, spread = image(IMAGES["one"], 2)
    now, before = prediction(end, spread, 0.2), prediction(end, spread, 0.3)
    calm = torch.stack([now, end])
    moving = torch.stack([before, end])
    alone = float(remaining_change(now[None], before[None], 0.2, 0.3))
    assert float(remaining_change(calm, moving, 0.2, 0.3)) == pytest.approx(alone)


@pytest.mark.parametrize(("sigma", "before"), [(0.5, math.inf), (0.5, 0.5), (0.5, 0.4), (0.0, 0.1)])
def test_nothing_is_claimed_where_nothing_can_be(sigma: float, before: float):
    clean = torch.ones(1, 4)
    assert math.isinf(float(remaining_change(clean, clean, sigma, before)))


def test_the_judge_needs_two_steps_and_turns_levels():
    def flow(t: float) -> float:
        return t / (1 - t) if t < 1 else math.inf

    end, spread = image(IMAGES["one"], 3)
    judge, plain = SettleJudge(0.05, flow), SettleJudge(0.05)
    levels = (1.0, 0.5, 0.2, 0.05, 0.02)
    predicted = [prediction(end, spread, min(flow(t), 1e6))[None] for t in levels]
    answers = [judge.settled(clean, t) for clean, t in zip(predicted, levels, strict=True)]
    told = [plain.settled(clean, flow(t)) for clean, t in zip(predicted, levels, strict=True)]
    assert answers == told
    assert answers[:2] == [False, False]
    assert answers[-1] is True
    assert judge.estimate <= 0.05
