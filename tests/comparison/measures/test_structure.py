"""Measures against scikit-image and against values known in closed form."""

import math

import numpy as np
import pytest
import torch
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from sweetspot.comparison.measures import structure as measures
from sweetspot.comparison.measures.measured import Measured, Prepared
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure


def of(image: np.ndarray) -> Tensor:
    """Return an image of shape (height, width, channels) as the measures take it, in float64."""
    return torch.from_numpy(image).permute(2, 0, 1)


def ssim(image: np.ndarray, reference: np.ndarray) -> float:
    return measures.ssim(of(image), of(reference))


def psnr(image: np.ndarray, reference: np.ndarray) -> float:
    return measures.psnr(of(image), of(reference))


def structure(image: np.ndarray, reference: np.ndarray) -> measures.Structure:
    return measures.structure(list(measures.scales(of(image))), list(measures.scales(of(reference))))


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    reference = rng.random((64, 48, 3))
    return np.clip(reference + rng.normal(0, 0.1, reference.shape), 0, 1), reference


def test_ssim_is_that_of_scikit_image(pair: tuple[np.ndarray, np.ndarray]):
    expected = structural_similarity(
        *pair, channel_axis=-1, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim(*pair) == pytest.approx(expected, abs=1e-9)


def test_ms_ssim_has_the_contrast_of_torchmetrics():
    rng = np.random.default_rng(0)
    reference = np.repeat(np.repeat(rng.random((32, 24, 3)), 8, axis=0), 8, axis=1)
    image = np.clip(reference + rng.normal(0, 0.1, reference.shape), 0, 1)
    one, other = (torch.from_numpy(array).permute(2, 0, 1)[None] for array in (image, reference))
    expected = 1.0
    for weight in (0.0448, 0.2856, 0.3001, 0.2363):
        _, contrast = structural_similarity_index_measure(one, other, data_range=1.0, return_contrast_sensitivity=True)
        expected *= float(contrast) ** weight
        one, other = (torch.nn.functional.avg_pool2d(batch, 2) for batch in (one, other))
    # torchmetrics has the border in its last scale, the paper and scikit-image do not.
    coarsest = ssim(*(batch[0].permute(1, 2, 0).numpy() for batch in (one, other)))
    assert structure(image, reference).ms_ssim == pytest.approx(expected * coarsest**0.1333, abs=1e-9)


@pytest.mark.parametrize("side", [11, 12, 21, 22, 50, 175, 176, 401])
def test_ms_ssim_takes_images_of_any_size(side: int):
    """Below 176 pixels with fewer scales: at 11 it is the SSIM of the only one."""
    rng = np.random.default_rng(0)
    reference = rng.random((side, side + 3, 3))
    image = np.clip(reference + rng.normal(0, 0.2, reference.shape), 0, 1)
    assert structure(reference, reference).ms_ssim == pytest.approx(1.0)
    assert 0 < structure(image, reference).ms_ssim < 1
    if side < 22:
        assert structure(image, reference).ms_ssim == pytest.approx(ssim(image, reference))


def test_opposed_structure_is_no_likeness():
    reference = np.random.default_rng(0).random((64, 64, 3))
    assert structure(1 - reference, reference).ms_ssim == 0


def test_single_precision_and_levels_give_the_same_to_a_thousandth(pair: tuple[np.ndarray, np.ndarray]):
    """Images are measured in float32; the expected values are those of scikit-image, in float64."""
    image, reference = (np.round(each * 255).astype(np.uint8) for each in pair)
    expected = structural_similarity(
        image,
        reference,
        channel_axis=-1,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    measured: Measured = Prepared(image).measured(Prepared(reference))
    assert measured.ssim == pytest.approx(expected, abs=1e-5)
    assert measured.psnr == pytest.approx(peak_signal_noise_ratio(reference, image, data_range=255), abs=1e-3)
    assert measured.delta_e == pytest.approx(deltaE_ciede2000(rgb2lab(image), rgb2lab(reference)).mean(), abs=1e-3)


def test_psnr_is_that_of_scikit_image(pair: tuple[np.ndarray, np.ndarray]):
    image, reference = pair
    assert psnr(image, reference) == pytest.approx(peak_signal_noise_ratio(reference, image, data_range=1.0))


def test_equal_images(pair: tuple[np.ndarray, np.ndarray]):
    image, _ = pair
    assert ssim(image, image) == pytest.approx(1.0)
    assert psnr(image, image) == math.inf


def test_a_constant_offset_of_a_tenth_is_twenty_decibels():
    assert psnr(np.full((16, 16, 3), 0.6), np.full((16, 16, 3), 0.5)) == pytest.approx(20.0)


def test_ssim_of_flat_images_is_the_luminance_term():
    x, y, c1 = 0.6, 0.5, 0.01**2
    expected = (2 * x * y + c1) / (x**2 + y**2 + c1)
    assert ssim(np.full((16, 16, 3), x), np.full((16, 16, 3), y)) == pytest.approx(expected)


@pytest.mark.parametrize("measure", [ssim, psnr])
def test_shapes_that_differ_are_named(measure):
    with pytest.raises(ValueError, match=r"image: expected .* like the reference's \(3, 16, 16\), got \(3, 16, 17\)"):
        measure(np.zeros((16, 17, 3)), np.zeros((16, 16, 3)))


def test_an_image_smaller_than_the_window_is_named():
    with pytest.raises(ValueError, match="11 pixels a side or more, got 8 by 10"):
        ssim(np.zeros((10, 8, 3)), np.zeros((10, 8, 3)))


def test_the_worst_tile_finds_a_local_change_that_the_mean_hides():
    """Facts: an object of 24 pixels altered in 512 by 512 leaves the mean at 0.999."""
    rng = np.random.default_rng(0)
    reference = np.repeat(np.repeat(rng.random((64, 64, 3)), 8, axis=0), 8, axis=1)
    image = reference.copy()
    image[100:124, 200:224] = rng.random((24, 24, 3))
    assert ssim(image, reference) > 0.99
    assert structure(image, reference).worst_tile < 0.6
    assert structure(reference, reference).worst_tile == pytest.approx(1.0)


def test_the_worst_tile_of_a_small_image_is_its_mean(pair: tuple[np.ndarray, np.ndarray]):
    image, reference = (one[:40, :40] for one in pair)
    assert structure(image, reference).worst_tile == pytest.approx(ssim(image, reference))
