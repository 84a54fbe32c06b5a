import pytest
import torch
from sweetspot.samplers.guidance_window import GuidanceWindow, in_force, similarity

SIGMAS = [1.0, 0.8, 0.6, 0.4, 0.2, 0.0]


def guided_steps(window: GuidanceWindow, sigmas: list[float] = SIGMAS) -> list[int]:
    levels = window.levels(sigmas)
    return [i for i, sigma in enumerate(sigmas[:-1]) if in_force(sigma, levels)]


@pytest.mark.parametrize(
    ("start", "end", "steps"),
    [
        (0, 1, [0, 1, 2, 3, 4]),
        (0, 0.4, [0, 1]),
        (0.2, 0.6, [1, 2]),
        # Step 2 of 5 begins at the share 0.4, so that 0.5 still holds it.
        (0, 0.5, [0, 1, 2]),
        (0.4, 0.4, []),
        (1, 1, []),
    ],
)
def test_shares_choose_whole_steps(start: float, end: float, steps: list[int]):
    assert guided_steps(GuidanceWindow(start, end)) == steps


@pytest.mark.parametrize(("start", "end", "steps"), [(0.6, 0.2, [2, 3]), (5, 0, [0, 1, 2, 3, 4]), (0.1, 0.05, [])])
def test_levels_hold_the_highest_and_not_the_lowest(start: float, end: float, steps: list[int]):
    assert guided_steps(GuidanceWindow(start, end, "sigma")) == steps


def test_half_of_every_step_count_is_half_of_the_steps():
    for count in range(2, 60, 2):
        sigmas = torch.linspace(1, 0, count + 1).tolist()
        assert len(guided_steps(GuidanceWindow(0, 0.5), sigmas)) == count // 2


def test_rounding_of_a_sampler_in_log_sigma_does_not_move_the_window():
    levels = GuidanceWindow(0.2, 0.6).levels(SIGMAS)
    assert in_force(0.8 * (1 + 3e-7), levels)
    assert not in_force(0.4 * (1 + 3e-7), levels)


def test_the_first_step_is_guided_whatever_level_a_sampler_adds_above_it():
    assert in_force(1.2, GuidanceWindow(0, 0.4).levels(SIGMAS))


@pytest.mark.parametrize(
    ("start", "end", "unit"), [(0.5, 0.2, "fraction"), (-0.1, 1, "fraction"), (0, 1.1, "fraction"), (0.2, 0.5, "sigma")]
)
def test_a_window_that_is_none_is_refused(start: float, end: float, unit):
    with pytest.raises(ValueError, match=f"got {start:g} and {end:g}"):
        GuidanceWindow(start, end, unit)


def test_a_rising_schedule_has_no_shares():
    with pytest.raises(ValueError, match=r"guidance window: expected a falling schedule .*, got one that rises"):
        GuidanceWindow(0, 0.5).levels(SIGMAS[::-1])
    assert GuidanceWindow(0.6, 0.2, "sigma").levels(SIGMAS[::-1]) == (0.2, 0.6)


def test_similarity_is_the_cosine_of_the_least_similar_sample():
    conditional = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    unconditional = torch.tensor([[2.0, 0.0], [1.0, 1.0]])
    assert float(similarity(conditional, unconditional)) == pytest.approx(2**-0.5)


def test_at_a_high_level_two_prompts_are_not_alike_though_their_noise_predictions_are():
    """Gaussians around two images, whose predictions are known exactly: D = mean + s^2 / (s^2 + sigma^2) (x - mean)."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, 1, 4096, generator=generator)
    found = []
    for sigma in (14.6, 5.0, 1.0, 0.1):
        x = images[0] + sigma * torch.randn(1, 4096, generator=generator)
        left, right = (mean + 0.25 / (0.25 + sigma**2) * (x - mean) for mean in images)
        found.append(float(similarity(left, right)))
    assert found == sorted(found)
    assert found[0] < 0.2
    assert found[-1] > 0.99
