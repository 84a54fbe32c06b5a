"""Photographs of scikit-image, altered as step counts alter images, each labelled by who sees it.

I: nobody sees it side by side. F: seen when both images are flipped in place. V: seen side by side. The labels follow
the literature where it has thresholds (a colour difference of about 2.3 is just noticeable), and one person's look
elsewhere.
"""

import io
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage import data
from skimage.color import deltaE_ciede2000, lab2rgb, rgb2lab

Photo = NDArray[np.float32]
Alteration = tuple[str, str, Photo, Photo]


def photo(name: str) -> Photo:
    """Return a photograph of at most 512 by 512 pixels, in [0, 1]."""
    return getattr(data, name)()[:512, :512, :3].astype(np.float32) / 255


def alterations(original: Photo) -> Iterator[Alteration]:
    """Yield name, label, reference and image of each alteration, in 8-bit levels."""
    for name, label, image, reference in (*_of_all(original), *_of_places(original)):
        yield name, label, _in_levels(reference), _in_levels(image)


def _of_all(a: Photo) -> Iterator[Alteration]:
    chance = np.random.default_rng(0)
    noise = chance.standard_normal(a.shape).astype(np.float32)
    yield "noise 1/255", "I", a + noise / 255, a
    for quality, label in ((95, "I"), (80, "F"), (40, "V")):
        yield f"jpeg {quality}", label, _jpeg(a, quality), a
    for radius, label in ((0.3, "I"), (0.5, "F"), (0.7, "F"), (1.0, "V"), (2.0, "V")):
        yield f"blur {radius}", label, _blurred(a, radius), a
    for distance, label in ((0.5, "I"), (1.0, "I"), (2.0, "F"), (3.0, "V"), (5.0, "V")):
        yield f"cast of {distance}", label, _cast(a, distance), a
    for lightness, label in ((1, "I"), (2, "F"), (4, "V")):
        yield f"lightness +{lightness}", label, _shifted(a, (lightness, 0, 0)), a
    yield "contrast +10 %", "V", (a - 0.5) * 1.1 + 0.5, a
    yield "moved by a pixel", "F", np.roll(a, 1, axis=1), a
    for strength, label in ((0.01, "I"), (0.02, "F"), (0.04, "F")):
        one, other = (chance.standard_normal((*a.shape[:2], 1)).astype(np.float32) * strength for _ in range(2))
        yield f"grain of {strength:.0%} redrawn", label, a + other, a + one


def _of_places(a: Photo) -> Iterator[Alteration]:
    place, other = _detailed(a)
    for distance, label in ((1, "F"), (2, "F"), (4, "V")):
        yield f"object moved by {distance}", label, _moved(a, place, distance), a
    for size, label in ((24, "V"), (48, "V"), (96, "V")):
        yield f"object of {size} replaced", label, _replaced(a, place, other, size), a
    yield "object of 32 removed", "V", _removed(a, place, 32), a
    for size, shift in ((64, 8), (32, 16)):
        mask = _disc(a.shape, place, size / 2)
        yield f"object of {size} recoloured", "V", _shifted(a, (0, shift, -shift), mask), a
    line = np.zeros(a.shape[:2], np.float32)
    line[other[0] - 1 : other[0] + 1, other[1] - 30 : other[1] + 30] = 1
    dark = a[other[0] - 8 : other[0] + 8, other[1] - 30 : other[1] + 30].mean() > 0.4
    drawn = ndimage.gaussian_filter(line, 0.6)[..., None]
    yield "line drawn", "V", a * (1 - drawn) + (0.15 if dark else 0.85) * drawn, a


def _in_levels(a: Photo) -> Photo:
    return np.round(np.clip(a, 0, 1) * 255).astype(np.float32) / 255


def _jpeg(a: Photo, quality: int) -> Photo:
    stream = io.BytesIO()
    Image.fromarray((a * 255).astype(np.uint8)).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream), np.float32) / 255


def _blurred(a: Photo, radius: float) -> Photo:
    return ndimage.gaussian_filter(a, (radius, radius, 0))


def _shifted(a: Photo, lab: tuple[float, float, float], mask: Photo | None = None) -> Photo:
    """Return the photograph with its CIELAB values shifted, everywhere or under a mask."""
    weight = np.ones(a.shape[:2]) if mask is None else mask
    return lab2rgb(rgb2lab(a) + np.array(lab) * weight[..., None]).astype(np.float32)


def _cast(a: Photo, distance: float) -> Photo:
    """Return the photograph with a reddish cast of this mean CIEDE2000 difference."""
    low, high = 0.0, 40.0
    for _ in range(12):
        middle = (low + high) / 2
        cast = _in_levels(_shifted(a, (0, 0.7 * middle, 0.7 * middle)))
        much = deltaE_ciede2000(rgb2lab(a), rgb2lab(cast)).mean() >= distance
        low, high = (low, middle) if much else (middle, high)
    return _shifted(a, (0, 0.7 * low, 0.7 * low))


def _disc(shape: tuple[int, ...], centre: tuple[int, int], radius: float, soft: float = 0.3) -> Photo:
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.clip((1 - np.hypot(y - centre[0], x - centre[1]) / radius) / soft, 0, 1).astype(np.float32)


def _detailed(a: Photo) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the two most detailed places that are far from each other and from the border."""
    detail = ndimage.gaussian_filter(ndimage.gaussian_gradient_magnitude(a.mean(-1), 1.5), 16)
    border = 100
    detail[:border] = detail[-border:] = detail[:, :border] = detail[:, -border:] = 0
    first = np.unravel_index(detail.argmax(), detail.shape)
    detail *= _disc(detail.shape, (int(first[0]), int(first[1])), 110, 1e-6) == 0
    second = np.unravel_index(detail.argmax(), detail.shape)
    return (int(first[0]), int(first[1])), (int(second[0]), int(second[1]))


def _moved(a: Photo, place: tuple[int, int], distance: float) -> Photo:
    mask = _disc(a.shape, place, 48, 0.6)
    y, x = np.mgrid[: a.shape[0], : a.shape[1]].astype(np.float32)
    channels = [ndimage.map_coordinates(a[..., c], [y, x - distance * mask], order=3, mode="reflect") for c in range(3)]
    return np.stack(channels, -1)


def _replaced(a: Photo, place: tuple[int, int], other: tuple[int, int], size: int) -> Photo:
    """Return the photograph with another object of the same mean colour in a place."""
    half, image = size // 2, a.copy()
    here, there = (np.s_[y - half : y + half, x - half : x + half] for y, x in (place, other))
    source = a[there][:, ::-1]
    mask = _disc(source.shape, (half, half), half * 1.05)[..., None]
    image[here] = a[here] * (1 - mask) + (source - source.mean((0, 1)) + a[here].mean((0, 1))) * mask
    return image


def _removed(a: Photo, place: tuple[int, int], size: int) -> Photo:
    """Return the photograph with a place filled smoothly from around it."""
    around = (_disc(a.shape, place, size * 0.9, 0.05) - _disc(a.shape, place, size * 0.6, 0.05) > 0.5) + 1e-6
    spread = size / 2
    fill = ndimage.gaussian_filter(a * around[..., None], (spread, spread, 0))
    fill /= ndimage.gaussian_filter(around.astype(np.float32), spread)[..., None]
    mask = _disc(a.shape, place, size / 2 * 1.3, 0.4)[..., None]
    return a * (1 - mask) + fill * mask
