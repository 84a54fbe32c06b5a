import pytest
import torch
from sweetspot.samplers.noise_levels import flow_levels
from sweetspot.samplers.schedules import beta_levels, beta_quantile, simple


def test_shift_one_spaces_levels_evenly():
    table = flow_levels().table
    assert torch.equal(table, torch.arange(1, 1001, dtype=torch.float32) / 1000)


def test_shift_three_moves_the_middle_to_three_quarters():
    # sigma(1/2) = 3/2 / (1 + 2/2) = 3/4
    assert flow_levels(3.0).table[499].item() == pytest.approx(0.75, abs=1e-6)


def test_four_simple_steps_start_at_the_trailing_timesteps():
    sigmas = simple(flow_levels().table, 4)
    assert [round(float(sigma) * 1000) - 1 for sigma in sigmas[:-1]] == [999, 749, 499, 249]
    assert sigmas[-1] == 0


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 25, 50, 100, 999, 1000])
def test_simple_falls_from_one_to_zero_in_as_many_steps(steps: int):
    sigmas = simple(flow_levels().table, steps)
    assert sigmas.shape == (steps + 1,)
    assert sigmas[0] == 1
    assert sigmas[-1] == 0
    assert bool((sigmas.diff() < 0).all())


@pytest.mark.parametrize("steps", [0, -3, 10001])
def test_step_counts_outside_the_range_are_named(steps: int):
    with pytest.raises(ValueError, match=f"steps: expected 1 to 10000, got {steps}"):
        simple(flow_levels().table, steps)


@pytest.mark.parametrize("shift", [0.0, -1.0, float("nan")])
def test_a_shift_that_is_not_positive_is_named(shift: float):
    with pytest.raises(ValueError, match="shift: expected a number above 0"):
        flow_levels(shift)


@pytest.mark.parametrize(("alpha", "beta"), [(0.6, 0.6), (0.9, 0.4), (2.0, 5.0), (1.0, 1.0), (0.2, 3.0)])
def test_beta_quantiles_are_scipys(alpha: float, beta: float):
    stats = pytest.importorskip("scipy.stats")
    for share in (1e-6, 0.01, 0.3, 0.5, 0.77, 0.999, 1.0):
        assert beta_quantile(share, alpha, beta) == pytest.approx(stats.beta.ppf(share, alpha, beta), abs=1e-12)


def test_beta_levels_are_comfyuis():
    """Four steps of its scheduler on a flow-matching model without a shift, from ComfyUI 0.33."""
    levels = beta_levels(flow_levels().table.tolist(), 4)
    assert levels == pytest.approx([1.0, 0.824, 0.5, 0.176, 0.0], abs=2e-3)
    # Few trained levels: one that comes twice is left out.
    assert beta_levels([0.25, 0.5, 0.75, 1.0], 50) == (1.0, 0.75, 0.5, 0.25, 0.0)
    # Smaller second numbers put more steps at high noise.
    assert beta_levels(flow_levels().table.tolist(), 4, 0.6, 0.3)[2] > 0.6
