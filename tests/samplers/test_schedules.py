import pytest
import torch
from sweetspot.samplers.schedules import flow_table, simple


def test_shift_one_spaces_levels_evenly():
    table = flow_table()
    assert torch.equal(table, torch.arange(1, 1001, dtype=torch.float32) / 1000)


def test_shift_three_moves_the_middle_to_three_quarters():
    # sigma(1/2) = 3/2 / (1 + 2/2) = 3/4
    assert flow_table(3.0)[499].item() == pytest.approx(0.75, abs=1e-6)


def test_four_simple_steps_start_at_the_trailing_timesteps():
    sigmas = simple(flow_table(), 4)
    assert [round(float(sigma) * 1000) - 1 for sigma in sigmas[:-1]] == [999, 749, 499, 249]
    assert sigmas[-1] == 0


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 25, 50, 100, 999, 1000])
def test_simple_falls_from_one_to_zero_in_as_many_steps(steps: int):
    sigmas = simple(flow_table(), steps)
    assert sigmas.shape == (steps + 1,)
    assert sigmas[0] == 1
    assert sigmas[-1] == 0
    assert bool((sigmas.diff() < 0).all())


@pytest.mark.parametrize("steps", [0, -3, 10001])
def test_step_counts_outside_the_range_are_named(steps: int):
    with pytest.raises(ValueError, match=f"steps: expected 1 to 10000, got {steps}"):
        simple(flow_table(), steps)


@pytest.mark.parametrize("shift", [0.0, -1.0, float("nan")])
def test_a_shift_that_is_not_positive_is_named(shift: float):
    with pytest.raises(ValueError, match="shift: expected a number above 0"):
        flow_table(shift)
