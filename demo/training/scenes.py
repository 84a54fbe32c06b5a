"""The demo model's data: one or two coloured shapes in a relation, on a coloured, sometimes textured ground.

Everything is drawn from signed distances d (pixels, negative inside) with coverage clip(1/2 - d, 0, 1), so that
edges are anti-aliased and a scene takes about a millisecond. The mirror image of a scene is a scene again, with left
and right swapped. Without a triangle, which always points up, this holds for all eight symmetries of the square.
"""

from dataclasses import dataclass, field, replace
from itertools import product
from typing import NamedTuple

import numpy as np

from ..vocabulary import COLOURS, GROUND_COLOURS, RELATIONS, SHAPES, SIZES, TEXTURES

SIZE = 128

RGB = {
    "red": (214, 40, 40),
    "yellow": (240, 208, 40),
    "green": (40, 160, 70),
    "cyan": (50, 200, 215),
    "blue": (40, 80, 215),
    "purple": (150, 50, 190),
    "white": (242, 242, 242),
    "black": (24, 24, 24),
    "gray": (128, 128, 128),
}
RADIUS = {"small": 17.0, "large": 26.0}
# Shapes lie on the latent's grid of 8 pixels, so that they have few forms there and a small model can learn them.
GRID = 8
OFFSET = 32.0

# How much a texture's second tone and the shading change a colour: enough to see, but little enough to keep the hue.
TEXTURE_CONTRAST = 0.3
DARK_CONTRAST = 0.2
SHADING = 0.12
_OPPOSITE = {"left": "right", "right": "left", "above": "below", "below": "above"}
_TRANSPOSED = {"left": "above", "above": "left", "right": "below", "below": "right"}
OUTLINE_WIDTH, OUTLINE_TONE = 2.0, 0.45


@dataclass(frozen=True)
class Item:
    """One shape, its position (`centre`: x, y in pixels) and its size (`radius` in pixels)."""

    shape: str
    colour: str
    size: str
    centre: tuple[float, float]
    radius: float
    texture: str = "plain"
    name_size: bool = True


@dataclass(frozen=True)
class Scene:
    """One picture: items (the first stands in `relation` to the second), ground, and the seed of its textures."""

    items: tuple[Item, ...]
    ground: str
    ground_texture: str = "plain"
    relation: str | None = None
    detail_seed: int = field(default=0, compare=False)

    @property
    def caption(self) -> str:
        """The prompt that describes this scene, in the demo model's words."""
        texture = "" if self.ground_texture == "plain" else f"{self.ground_texture} "
        middle = {None: "and", "left": "left of", "right": "right of"}.get(self.relation, self.relation)
        return f" {middle} ".join(_describe(item) for item in self.items) + f" on {texture}{self.ground}"


def sample_scene(rng: np.random.Generator) -> Scene:
    """Draw one scene; colours of items and ground always differ."""
    count = 1 if rng.random() < 0.15 else 2
    ground = str(rng.choice(GROUND_COLOURS))
    colours = rng.choice([c for c in COLOURS if c != ground], size=count, replace=False)
    relation = str(rng.choice(RELATIONS)) if count == 2 else None
    ground_texture = str(rng.choice(TEXTURES, p=(0.64, 0.12, 0.12, 0.12)))
    items = tuple(
        _sample_item(rng, str(colour), centre, may_be_striped=ground_texture == "plain")
        for colour, centre in zip(colours, _sample_centres(rng, relation), strict=True)
    )
    scene = Scene(items, ground, ground_texture, relation, int(rng.integers(2**31)))
    return replace(scene, relation=None) if count == 2 and rng.random() < 0.1 else scene


def swap(scene: Scene) -> Scene:
    """Return the same scene described from its other item's side."""
    return replace(scene, items=scene.items[::-1], relation=_OPPOSITE.get(scene.relation or ""))


class Symmetry(NamedTuple):
    """One of the eight symmetries of the square: mirror first, then transpose."""

    horizontally: bool
    vertically: bool
    transpose: bool


_SYMMETRIES = tuple(Symmetry(*flips) for flips in product((False, True), repeat=3))


def symmetries(scene: Scene) -> tuple[Symmetry, ...]:
    """Return the symmetries that turn the scene's picture into one that could also have been drawn."""
    if any(item.shape == "triangle" for item in scene.items):
        return tuple(symmetry for symmetry in _SYMMETRIES if not (symmetry.vertically or symmetry.transpose))
    return _SYMMETRIES


def mirror(scene: Scene, symmetry: Symmetry) -> Scene:
    """Return `scene` with the relation that its mirrored picture shows. Positions stay: use it for captions only."""
    relation = scene.relation
    across = symmetry.horizontally if relation in ("left", "right") else symmetry.vertically
    if across and relation is not None:
        relation = _OPPOSITE[relation]
    if symmetry.transpose and relation is not None:
        relation = _TRANSPOSED[relation]
    return replace(scene, relation=relation)


def render(scene: Scene) -> np.ndarray:
    """Return the scene as uint8 RGB, shape (`SIZE`, `SIZE`, 3)."""
    rng = np.random.default_rng(scene.detail_seed)
    y, x = np.mgrid[0:SIZE, 0:SIZE] + 0.5
    image = _fill(rng, scene.ground, scene.ground_texture, x, y)
    for item in scene.items:
        distance = _distance(item, x, y)
        tone = 1 - (1 - OUTLINE_TONE) * _coverage(-distance - OUTLINE_WIDTH)
        body = _fill(rng, item.colour, item.texture, x, y) * tone[..., None]
        cover = _coverage(distance)[..., None]
        image = image * (1 - cover) + body * cover
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _describe(item: Item) -> str:
    size = f"{item.size} " if item.name_size else ""
    texture = "" if item.texture == "plain" else f"{item.texture} "
    return f"a {size}{texture}{item.colour} {item.shape}"


def _sample_centres(rng: np.random.Generator, relation: str | None) -> list[tuple[float, float]]:
    middle = SIZE / 2
    if relation is None:
        return [(middle + _jitter(rng), middle + _jitter(rng))]
    side = -1 if relation in ("left", "above") else 1
    centres = []
    for direction in (side, -side):
        along = middle + direction * OFFSET
        across = middle + _jitter(rng)
        centres.append((along, across) if relation in ("left", "right") else (across, along))
    return centres


def _jitter(rng: np.random.Generator) -> float:
    return float(GRID * rng.integers(-1, 2))


def _sample_item(rng: np.random.Generator, colour: str, centre: tuple[float, float], *, may_be_striped: bool) -> Item:
    size = str(rng.choice(SIZES))
    striped = may_be_striped and size == "large" and rng.random() < 0.2
    return Item(
        shape=str(rng.choice(SHAPES)),
        colour=colour,
        size=size,
        centre=centre,
        radius=RADIUS[size],
        texture="striped" if striped else "plain",
        name_size=rng.random() < 0.7,
    )


def _coverage(distance: np.ndarray) -> np.ndarray:
    return np.clip(0.5 - distance, 0.0, 1.0)


def _distance(item: Item, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return _DISTANCES[item.shape](x - item.centre[0], y - item.centre[1], item.radius)


def _circle(u: np.ndarray, v: np.ndarray, r: float) -> np.ndarray:
    return np.hypot(u, v) - r


def _square(u: np.ndarray, v: np.ndarray, r: float) -> np.ndarray:
    return np.maximum(np.abs(u), np.abs(v)) - 0.9 * r


def _triangle(u: np.ndarray, v: np.ndarray, r: float) -> np.ndarray:
    # Isosceles, apex up, from v = -r to v = r; the slanted edges have the normal (2, -1)/sqrt(5).
    slanted = (2 * np.abs(u) - v - r) / np.sqrt(5.0)
    return np.maximum(slanted, v - r)


def _cross(u: np.ndarray, v: np.ndarray, r: float) -> np.ndarray:
    arm = 0.38 * r
    upright = np.maximum(np.abs(u) - arm, np.abs(v) - r)
    return np.minimum(upright, np.maximum(np.abs(v) - arm, np.abs(u) - r))


_DISTANCES = {"circle": _circle, "square": _square, "triangle": _triangle, "cross": _cross}


def _fill(rng: np.random.Generator, colour: str, texture: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the colour with its texture and a linear shading, float, shape (H, W, 3)."""
    base = np.array(RGB[colour], dtype=np.float64)
    # Dark colours get a lighter second tone, all others a darker one.
    second = base + DARK_CONTRAST * 255 if base.mean() < 60 else base * (1 - TEXTURE_CONTRAST)
    pattern = _pattern(rng, texture, x, y)[..., None]
    angle = rng.uniform(0, 2 * np.pi)
    shade = ((x - SIZE / 2) * np.cos(angle) + (y - SIZE / 2) * np.sin(angle)) / (SIZE / 2)
    return (base * (1 - pattern) + second * pattern) * (1 + SHADING * shade[..., None])


def _pattern(rng: np.random.Generator, texture: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the share of the second tone at each pixel, in [0, 1]; textures are aligned with the picture."""
    if texture == "striped":
        return _coverage(_wave(x if rng.random() < 0.5 else y, 16.0))
    if texture == "dotted":
        return _coverage(np.hypot(x % 16 - 8, y % 16 - 8) - 4.5)
    if texture == "checkered":
        # Inside a dark cell both waves have the same sign; the closer edge gives the distance.
        p, q = _wave(x, 32.0), _wave(y, 32.0)
        return _coverage(-np.sign(p * q) * np.minimum(np.abs(p), np.abs(q)))
    return np.zeros_like(x)


def _wave(u: np.ndarray, period: float) -> np.ndarray:
    """Return the signed distance along u to the edges of bands of half a period, mirror-symmetric in the picture."""
    return np.abs(u % period - period / 2) - period / 4
