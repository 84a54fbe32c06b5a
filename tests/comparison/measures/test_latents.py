"""The similarity of latents: closed forms."""

import pytest
import torch
from sweetspot.comparison.measures.latents import latent_similarity


@pytest.fixture
def latent() -> torch.Tensor:
    latent = torch.randn(4, 32, 48, generator=torch.Generator().manual_seed(1))
    return latent / latent.std(dim=(1, 2), correction=0, keepdim=True)


def test_equal_latents_are_alike(latent: torch.Tensor):
    assert latent_similarity(latent, latent) == 1


def test_a_shift_of_a_tenth_of_the_deviation_costs_a_tenth(latent: torch.Tensor):
    assert latent_similarity(latent + 0.1, latent) == pytest.approx(0.9, abs=1e-5)


def test_the_unit_of_a_channel_does_not_matter(latent: torch.Tensor):
    scale = torch.tensor([0.01, 1.0, 7.0, 100.0])[:, None, None]
    assert latent_similarity((latent + 0.1) * scale, latent * scale) == pytest.approx(0.9, abs=1e-4)


def test_one_place_decides_and_grain_does_not(latent: torch.Tensor):
    spot = latent.clone()
    spot[:, 6:8, 10:12] += 0.5
    assert latent_similarity(spot, latent) == pytest.approx(0.5, abs=1e-5)
    grain = latent.clone()
    grain[..., ::2] += 0.5
    grain[..., 1::2] -= 0.5
    assert latent_similarity(grain, latent) == pytest.approx(1, abs=1e-5)


def test_a_video_is_as_different_as_its_most_different_frame(latent: torch.Tensor):
    video = latent[:, None].repeat(1, 5, 1, 1)
    other = video.clone()
    other[:, 3] += 0.2
    assert latent_similarity(other, video) == pytest.approx(0.8, abs=1e-4)


@pytest.mark.parametrize("shape", [(8, 250), (2, 1, 1), (3, 7, 5)])
def test_sound_and_odd_sizes_work(shape: tuple[int, ...]):
    one = torch.randn(shape, generator=torch.Generator().manual_seed(2))
    assert latent_similarity(one, one) == 1
    assert 0 <= latent_similarity(-one, one) <= 1


def test_an_empty_latent_is_not_divided_by_zero():
    empty = torch.zeros(4, 8, 8)
    assert latent_similarity(empty, empty) == 1
    assert latent_similarity(empty + 1, empty) == 0
