import pytest
import torch
from sweetspot.samplers.kept_steps import KeptSteps, parse_kept_steps, resolve_kept_steps


@pytest.mark.parametrize(
    ("text", "steps"), [("4, 8, -1", (4, 8, -1)), ("", ()), ("  3;2 -2 ", (3, 2, -2)), ("10000", (10000,))]
)
def test_lists_are_read(text: str, steps: tuple[int, ...]):
    assert parse_kept_steps(text) == steps


@pytest.mark.parametrize("text", ["0", "4, 4", "x", "1.5", "10001", "-", "٤", "+1", ",".join(map(str, range(1, 66)))])
def test_a_mistake_is_named(text: str):
    with pytest.raises(ValueError, match="keep_steps: expected up to 64 whole numbers"):
        parse_kept_steps(text)


def test_negative_numbers_count_from_the_end():
    assert resolve_kept_steps((4, 8, -1, -9), 12) == (4, 8, 12)
    with pytest.raises(ValueError, match=r"expected steps from 1 to 12 or -12 to -1 of this run; got 13"):
        resolve_kept_steps((13,), 12)
    with pytest.raises(ValueError, match="got -13"):
        resolve_kept_steps((-13,), 12)


def test_only_the_asked_steps_are_kept_as_they_were():
    kept = KeptSteps((2, -1))
    kept.start(3)
    clean = torch.zeros(1)
    for step in range(3):
        clean.fill_(step)
        kept.stepped(step, clean)
    kept.finish(3, clean)
    assert kept.numbers == [2, 3]
    assert [float(latent) for latent in kept.latents] == [1, 2]
    assert kept.missing == ()


def test_a_step_asked_for_twice_in_two_ways_is_kept_once():
    kept = KeptSteps((3, -1))
    kept.start(3)
    kept.stepped(2, torch.ones(1))
    kept.finish(3, torch.ones(1))
    assert kept.numbers == [3]


def test_a_run_that_ended_early_keeps_its_last_step_and_tells_what_is_missing():
    kept = KeptSteps((1, 5, -1, -2))
    kept.start(7)
    kept.stepped(0, torch.tensor(1.0))
    kept.finish(3, torch.tensor(3.0))
    assert kept.numbers == [1, 3]
    assert kept.missing == (5, 6)


def test_a_step_outside_the_run_is_refused_before_it_or_found_missing_after_it():
    kept = KeptSteps((9,))
    with pytest.raises(ValueError, match="got 9"):
        kept.start(4)
    kept.start(4, strict=False)
    kept.finish(4, torch.ones(1))
    assert kept.missing == (9,)
