"""Noise levels as ratios of noise to image, in closed form."""

import math

import comfy.model_sampling
import pytest
from sweetspot.nodes.model.noise_levels import from_noise_ratio, to_noise_ratio


class Flow(comfy.model_sampling.CONST):
    def __init__(self, noise_scale: float = 1.0) -> None:
        self.noise_scale = noise_scale


class Eps(comfy.model_sampling.EPS):
    pass


def test_an_epsilon_models_level_is_the_ratio_itself():
    assert to_noise_ratio(Eps())(14.6) == from_noise_ratio(Eps(), 14.6) == 14.6


@pytest.mark.parametrize("scale", [1.0, 2.5])
@pytest.mark.parametrize("level", [0.02, 0.5, 0.97])
def test_a_flow_models_level_is_a_share_of_the_mixture(scale: float, level: float):
    ratio = to_noise_ratio(Flow(scale))(level)
    assert ratio == pytest.approx(scale * level / (1 - level))
    assert from_noise_ratio(Flow(scale), ratio) == pytest.approx(level)


def test_pure_noise_has_an_infinite_ratio():
    assert to_noise_ratio(Flow())(1.0) == math.inf


def test_image_to_image_models_have_no_such_ratio():
    class ImageToImage(comfy.model_sampling.IMG_TO_IMG):
        pass

    assert to_noise_ratio(ImageToImage()) is None
