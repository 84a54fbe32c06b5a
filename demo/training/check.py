"""Checks whether a picture shows what its prompt says, by colour and shape and without a learned model.

Each pixel gets a colour name from its hue, saturation and value. The largest patch of an item's colour is compared with
ideal shapes in its bounding box, and the patch's centre is the item's position. Sizes and textures are not judged.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .scenes import Scene

Labels = NDArray[np.str_]
Mask = NDArray[np.bool_]

HUES = {"red": 0, "yellow": 50, "green": 135, "cyan": 186, "blue": 226, "purple": 283}
COLOURFUL = 0.3
BLACK_BELOW, WHITE_ABOVE = 0.31, 0.58
BORDER = 6
SMALLEST_AREA = 120
LEAST_OVERLAP = 0.7
LEAST_DISTANCE = 8.0
_TEMPLATE = 48


@dataclass(frozen=True)
class Verdict:
    """The result of the check.

    Attributes:
        ground: whether the ground has the right colour.
        items: for each item, whether it is there with its colour and shape.
        relation: whether the items' positions match the scene's relation; True if it has none.
    """

    ground: bool
    items: tuple[bool, ...]
    relation: bool

    @property
    def agrees(self) -> bool:
        """Whether everything matches."""
        return self.ground and all(self.items) and self.relation


def check_picture(picture: NDArray[np.uint8], scene: Scene) -> Verdict:
    """Compare a picture, RGB of shape (height, width, 3), with the scene that its prompt describes."""
    labels = name_colours(picture)
    patches = [_largest_patch(labels == item.colour) for item in scene.items]
    return Verdict(
        ground=_most_common(_border(labels)) == scene.ground,
        items=tuple(
            patch is not None and name_shape(patch) == item.shape
            for patch, item in zip(patches, scene.items, strict=True)
        ),
        relation=_stand_as_told(patches, scene),
    )


def name_colours(picture: NDArray[np.uint8]) -> Labels:
    """Return the colour name of every pixel, shape (height, width)."""
    rgb = picture.astype(np.float64) / 255
    value, low = rgb.max(axis=-1), rgb.min(axis=-1)
    spread = value - low
    hue = _hue(rgb, value, spread)
    names = np.array(list(HUES))
    distance = np.abs((hue[..., None] - np.array(list(HUES.values())) + 180) % 360 - 180)
    labels = names[distance.argmin(axis=-1)]
    grey = np.where(value < BLACK_BELOW, "black", np.where(value > WHITE_ABOVE, "white", "gray"))
    colourful = (spread > COLOURFUL * np.maximum(value, 1e-9)) & (value > 0.15)
    return np.where(colourful, labels, grey)


def name_shape(patch: Mask) -> str | None:
    """Return the name of the ideal shape that overlaps the patch best; None if none overlaps well enough."""
    rows, columns = np.flatnonzero(patch.any(axis=1)), np.flatnonzero(patch.any(axis=0))
    box = patch[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if not 0.6 < box.shape[0] / box.shape[1] < 1 / 0.6:
        return None
    places = [np.linspace(0, side - 1, _TEMPLATE).round().astype(int) for side in box.shape]
    scaled = box[np.ix_(*places)]
    overlap, name = max((_overlap(scaled, template), name) for name, template in _templates())
    return name if overlap >= LEAST_OVERLAP else None


def _hue(rgb: NDArray[np.float64], value: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.float64]:
    red, green, blue = np.moveaxis(rgb, -1, 0)
    safe = np.where(spread == 0, 1, spread)
    sector = np.select(
        [value == red, value == green],
        [((green - blue) / safe) % 6, (blue - red) / safe + 2],
        default=(red - green) / safe + 4,
    )
    return 60 * sector


def _border(labels: Labels) -> Labels:
    inner = np.zeros(labels.shape, dtype=bool)
    inner[BORDER:-BORDER, BORDER:-BORDER] = True
    return labels[~inner]


def _most_common(labels: Labels) -> str:
    names, counts = np.unique(labels, return_counts=True)
    return str(names[counts.argmax()])


def _largest_patch(mask: Mask) -> Mask | None:
    numbered = np.zeros(mask.shape, dtype=np.int32)
    ndimage.label(ndimage.binary_opening(mask), output=numbered)
    areas = np.bincount(numbered.ravel())[1:]
    if areas.size == 0 or areas.max() < SMALLEST_AREA:
        return None
    return np.asarray(ndimage.binary_fill_holes(numbered == 1 + areas.argmax()), dtype=bool)


def _stand_as_told(patches: list[Mask | None], scene: Scene) -> bool:
    if scene.relation is None:
        return True
    centres = [_centre(patch) for patch in patches if patch is not None]
    if len(centres) != 2:
        return False
    (x, y), (other_x, other_y) = centres
    towards = {"left": other_x - x, "right": x - other_x, "above": other_y - y, "below": y - other_y}
    return towards[scene.relation] >= LEAST_DISTANCE


def _centre(patch: Mask) -> tuple[float, float]:
    rows, columns = np.nonzero(patch)
    return float(columns.mean()), float(rows.mean())


def _overlap(patch: Mask, template: Mask) -> float:
    return float((patch & template).sum() / (patch | template).sum())


def _templates() -> list[tuple[str, Mask]]:
    u, v = np.meshgrid(*[(np.arange(_TEMPLATE) + 0.5) / _TEMPLATE * 2 - 1] * 2)
    triangle = np.abs(u) <= (v + 1) / 2
    named = [
        ("circle", np.hypot(u, v) <= 1),
        ("square", np.ones_like(triangle)),
        ("cross", np.minimum(np.abs(u), np.abs(v)) <= 0.38),
    ]
    return named + [("triangle", np.rot90(triangle, turns)) for turns in range(4)]
