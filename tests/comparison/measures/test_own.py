"""Statistics of single images against values known in closed form."""

import numpy as np
import pytest
import torch
from sweetspot.comparison.measures import own
from sweetspot.comparison.measures.own import settled_from


def statistics(image: np.ndarray) -> own.Statistics:
    return own.statistics(torch.from_numpy(image.copy()).movedim(-1, 0))


def test_noise_of_a_known_deviation_is_found_on_a_slope():
    """Immerkaer's mask is blind to slopes; grey noise of 5 levels is 5 levels of noise."""
    rng = np.random.default_rng(0)
    slope = np.linspace(0.2, 0.8, 256)[None, :, None] * np.ones((256, 1, 3))
    noisy = slope + rng.normal(0, 5 / 255, (256, 256, 1))
    assert statistics(slope).noise == pytest.approx(0, abs=1e-3)
    assert statistics(noisy).noise == pytest.approx(5, rel=0.03)


def test_contrast_is_the_deviation_of_the_luma():
    halves = np.zeros((32, 32, 3))
    halves[:, 16:] = 1
    assert statistics(halves).contrast == pytest.approx(127.5)
    green = np.zeros((32, 32, 3))
    green[:, 16:, 1] = 1
    assert statistics(green).contrast == pytest.approx(127.5 * 0.587)


def test_the_laplacian_of_a_parabola_is_flat_and_of_a_checkerboard_is_eight():
    x = np.linspace(0, 1, 64)
    parabola = np.broadcast_to((x**2)[None, :, None], (64, 64, 3))
    assert statistics(parabola).sharpness == pytest.approx(0, abs=1e-3)
    checks = np.indices((64, 64)).sum(axis=0)[..., None] % 2 * np.ones(3)
    assert statistics(checks).sharpness == pytest.approx(4 * 255)


@pytest.mark.parametrize("shape", [(2, 8, 3), (8, 8)])
def test_images_of_another_shape_are_named(shape):
    with pytest.raises(ValueError, match="3 by 3 pixels or more, got"):
        statistics(np.zeros(shape))


def drifting(images: int, deviation: float) -> np.ndarray:
    """Return statistics of five counts: the mean falls as 100 + 80 / N, and each image has chance of its own."""
    rng = np.random.default_rng(0)
    counts = np.array([2, 4, 8, 16, 32])
    means = 100 + 80 / counts
    return means[:, None, None] + rng.normal(0, deviation, (5, images, 1))


def test_statistics_settle_where_their_mean_stays_within_a_tenth():
    """The means are 140, 120, 110, 105, 102.5: from 8 on within a tenth of the last."""
    assert settled_from([2, 4, 8, 16, 32], drifting(images=64, deviation=2)) == 8


def test_few_images_show_nothing_where_chance_is_large():
    assert settled_from([2, 4, 8, 16, 32], drifting(images=3, deviation=40)) is None
    assert settled_from([2, 4, 8, 16, 32], drifting(images=1, deviation=0)) is None
