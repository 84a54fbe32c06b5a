"""FLIP against the numbers of its authors' own program (flip-evaluator 1.7, LDR, its default distance)."""

import numpy as np
import pytest
import torch
from sweetspot.comparison.measures.filters import tile_means
from sweetspot.comparison.measures.flip import flip_map, seen
from torch import Tensor

# Every 12th row and 13th column of the map, then its mean. Made by `flip_evaluator.evaluate(reference, image, "LDR",
# applyMagma=False)` on the pairs below.
GOLDEN = {
    0: (
        (
            "0.316962 0.358587 0.422361 0.283807 0.371966 0.299544 0.436102 0.281345 0.173340 0.254685 "
            "0.361136 0.375019 0.275911 0.278115 0.168493 0.468672 0.218676 0.255489 0.198759 0.081978"
        ),
        0.242878,
    ),
    1: (
        (
            "0.526609 0.545541 0.641364 0.531135 0.554070 0.514895 0.481062 0.372721 0.392910 0.488146 "
            "0.618204 0.310836 0.543688 0.484873 0.255728 0.685535 0.502245 0.221143 0.462693 0.273273"
        ),
        0.436457,
    ),
    2: (
        (
            "0.000000 0.000248 0.001324 0.000000 0.000000 0.000000 0.779819 0.733206 0.000000 0.000000 "
            "0.000000 0.016726 0.020192 0.000000 0.000000 0.000000 0.000000 0.000000 0.000000 0.000000"
        ),
        0.060011,
    ),
}


def pair(number: int) -> tuple[Tensor, Tensor]:
    """Return a reference and an image, 48 by 64: waves with more waves on them, or with a coloured box."""
    y, x = np.mgrid[:48, :64].astype(np.float64)
    waves = [np.sin(x / (5 + number) + channel) * np.cos(y / (9 - number) + 2 * channel) for channel in range(3)]
    reference = np.stack([0.5 + 0.4 * wave for wave in waves], -1)
    ripple = np.sin((x * y)[..., None] / (50 + 10 * number) + np.arange(3))
    image = np.clip(reference + 0.1 * (number + 1) * ripple, 0, 1)
    if number == 2:
        image = reference.copy()
        image[10:20, 12:26] = [0.9, 0.1, 0.2]
    return tuple(torch.from_numpy(array).float().permute(2, 0, 1) for array in (reference, image))


@pytest.mark.parametrize("number", GOLDEN)
def test_the_map_is_that_of_its_authors(number: int):
    values, mean = GOLDEN[number]
    reference, image = pair(number)
    found = flip_map(seen(image), seen(reference))
    expected = torch.tensor([float(value) for value in values.split()])
    assert torch.allclose(found[::12, ::13].flatten(), expected, atol=5e-6)
    assert float(found.mean()) == pytest.approx(mean, abs=2e-6)


def test_equal_images_differ_nowhere_and_the_order_does_not_matter():
    reference, image = (seen(each) for each in pair(0))
    assert float(flip_map(reference, reference).max()) == 0
    assert torch.equal(flip_map(image, reference), flip_map(reference, image))


def test_black_and_white_differ_as_much_as_anything_can():
    black, white = (seen(torch.full((3, 32, 32), value)) for value in (0.0, 1.0))
    assert 0.9 < float(flip_map(black, white).mean()) <= 1


@pytest.mark.parametrize("shape", [(16, 16), (33, 50), (5, 200), (1, 1)])
def test_the_worst_tile_is_the_one_that_differs(shape: tuple[int, int]):
    values = torch.zeros(shape)
    assert float(tile_means(values, 16).max()) == 0
    values[: shape[0] // 2 + 1, : min(16, shape[1])] = 1
    assert 0.4 < float(tile_means(values, 16).max()) <= 1
