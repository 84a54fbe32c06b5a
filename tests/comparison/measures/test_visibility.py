"""What counts as a visible change, on photographs and in closed form."""

from itertools import pairwise

import numpy as np
import pytest
from sweetspot.comparison.measures.measured import Prepared
from sweetspot.comparison.measures.visibility import EXPONENT, FLIPPED_IN_PLACE, SIDE_BY_SIDE

from .alterations import alterations, photo

PHOTOS = ("astronaut", "coffee", "chelsea")


@pytest.fixture(scope="module")
def judged() -> list[tuple[str, str, float]]:
    """Name, label and similarity of every alteration of every photograph."""
    found = []
    for name in PHOTOS:
        for what, label, reference, image in alterations(photo(name)):
            found.append((f"{name}: {what}", label, Prepared(image).similarity(Prepared(reference))))
    return found


@pytest.mark.fuzz
def test_what_is_visible_side_by_side_is_found_and_what_is_not_is_not(judged: list[tuple[str, str, float]]):
    seen = [(name, label) for name, label, similarity in judged if similarity < SIDE_BY_SIDE.below]
    labels = [label for _, label, _ in judged]
    assert sum(label == "V" for _, label in seen) >= 0.95 * labels.count("V")
    assert sum(label == "I" for _, label in seen) <= 0.05 * labels.count("I")


def test_similarity_falls_with_a_power_of_the_share_of_a_change():
    """The viewer's blind test shows blends of an image and its reference, and must know how similar they are."""
    clean = photo("astronaut")[100:228, 200:328]
    blurred = np.stack([np.roll(clean, shift, axis=1) for shift in (-1, 0, 1)]).mean(axis=0)
    reference, whole = Prepared(clean), Prepared(blurred)
    similarity = whole.similarity(reference)
    assert similarity > 0.7
    for share in (0.2, 0.5, 0.8):
        wanted = 1 - share * (1 - similarity)
        blend = clean + share ** (1 / EXPONENT) * (blurred - clean)
        assert Prepared(blend).similarity(reference) == pytest.approx(wanted, abs=0.01)


@pytest.mark.fuzz
def test_what_shows_when_flipped_in_place_is_found(judged: list[tuple[str, str, float]]):
    seen = [label for _, label, similarity in judged if similarity < FLIPPED_IN_PLACE.below]
    labels = [label for _, label, _ in judged]
    assert seen.count("F") + seen.count("V") >= 0.9 * (labels.count("F") + labels.count("V"))
    assert seen.count("I") <= 0.5 * labels.count("I")


@pytest.mark.fuzz
@pytest.mark.parametrize("size", [32, 64])
def test_a_recoloured_object_is_seen(judged: list[tuple[str, str, float]], size: int):
    recoloured = [similarity for name, _, similarity in judged if name.endswith(f"object of {size} recoloured")]
    assert len(recoloured) == len(PHOTOS)
    assert max(recoloured) < SIDE_BY_SIDE.below


def test_half_of_a_difference_is_less_by_the_known_power():
    reference = photo("astronaut")[:256, :256]
    image = np.roll(reference, 1, axis=0)
    prepared = Prepared(reference)
    away = [1 - Prepared(reference + (image - reference) * share).similarity(prepared) for share in (0.5, 0.25, 0.125)]
    slopes = [np.log2(before / after) for before, after in pairwise(away)]
    assert slopes == pytest.approx([EXPONENT] * 2, abs=0.12)


def test_equal_images_are_wholly_similar_and_sizes_must_match():
    image = np.random.default_rng(0).random((40, 30, 3))
    assert Prepared(image).similarity(Prepared(image)) == 1
    with pytest.raises(ValueError, match=r"like the reference's \(40, 31\), got \(40, 30\)"):
        Prepared(image).similarity(Prepared(np.zeros((40, 31, 3))))


@pytest.mark.parametrize("channels", [1, 4])
def test_grey_images_and_images_with_alpha_are_looked_at_too(channels: int):
    image = np.random.default_rng(0).random((32, 32, channels))
    assert Prepared(image).similarity(Prepared(np.zeros((32, 32, channels)))) < 0.9
