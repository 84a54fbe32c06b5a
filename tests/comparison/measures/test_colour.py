import numpy as np
import pytest
import torch
from skimage.color import deltaE_ciede2000, rgb2lab
from sweetspot.comparison.measures import colour
from sweetspot.comparison.measures.colour import ciede2000, lab_seen, to_lab
from torch import Tensor

# Sharma et al. 2005, table 1: pairs that catch the formula's branches.
PAIRS = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
    ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
    ((50, -0.001, 2.49), (50, 0.0009, -2.49), 4.8045),
    ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


def of(image: np.ndarray) -> Tensor:
    return torch.from_numpy(image).movedim(-1, 0)


def delta_e(image: np.ndarray, reference: np.ndarray) -> float:
    return colour.delta_e(lab_seen(of(image)), lab_seen(of(reference)))


@pytest.mark.parametrize(("one", "other", "published"), PAIRS)
def test_the_published_pairs(one, other, published: float):
    forth = ciede2000(of(np.array(one, float)), of(np.array(other, float)))
    back = ciede2000(of(np.array(other, float)), of(np.array(one, float)))
    assert float(forth) == pytest.approx(published, abs=1e-4)
    assert float(back) == pytest.approx(published, abs=1e-4)


def test_the_same_as_scikit_image():
    rng = np.random.default_rng(0)
    one, other = rng.random((2, 40, 50, 3))
    assert np.abs(to_lab(of(one)).movedim(0, -1).numpy() - rgb2lab(one)).max() < 1e-3
    expected = deltaE_ciede2000(rgb2lab(one), rgb2lab(other)).mean()
    assert delta_e(one, other) == pytest.approx(expected, abs=1e-3)


def test_equal_images_do_not_differ_and_shapes_must_fit():
    image = np.full((4, 4, 3), 0.3)
    assert delta_e(image, image) == 0
    with pytest.raises(ValueError, match="image: expected"):
        delta_e(image, image[:2])


def test_a_tint_that_structure_does_not_show_is_seen():
    """+2 % brightness leaves SSIM at 0.9996; here it is more than half of what an eye just sees."""
    image = np.random.default_rng(1).random((32, 32, 3)) * 0.8
    assert 0.5 < delta_e(np.clip(image + 0.02, 0, 1), image) < 3
