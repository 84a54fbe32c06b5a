import numpy as np
import pytest
from sweetspot.demo.training.check import check_picture, name_colours
from sweetspot.demo.training.scenes import RGB, Item, Scene, Symmetry, mirror, render, sample_scene, swap, symmetries
from sweetspot.demo.vocabulary import encode

RED_CIRCLE = Item("circle", "red", "large", (34.0, 64.0), 25.0)
BLUE_SQUARE = Item("square", "blue", "small", (94.0, 64.0), 16.0)
SCENE = Scene((RED_CIRCLE, BLUE_SQUARE), "green", relation="left")


def test_the_caption_tells_the_scene():
    assert SCENE.caption == "a large red circle left of a small blue square on green"


def test_told_from_the_other_item_the_relation_turns():
    assert swap(SCENE).caption == "a small blue square right of a large red circle on green"


@pytest.mark.parametrize(
    ("symmetry", "relation"),
    [
        (Symmetry(False, False, False), "left"),
        (Symmetry(True, False, False), "right"),
        (Symmetry(False, True, False), "left"),
        (Symmetry(False, False, True), "above"),
        (Symmetry(True, False, True), "below"),
    ],
)
def test_a_mirrored_picture_agrees_with_the_mirrored_caption(symmetry: Symmetry, relation: str):
    picture = render(SCENE)
    picture = picture[:, ::-1] if symmetry.horizontally else picture
    picture = picture[::-1] if symmetry.vertically else picture
    picture = picture.swapaxes(0, 1) if symmetry.transpose else picture
    told = mirror(SCENE, symmetry)
    assert told.relation == relation
    assert check_picture(picture, told).agrees


def apex_row(picture: np.ndarray) -> float:
    """Return how far the widest row of the patch lies below its middle, in pixels; above 0 points up."""
    widths = (name_colours(picture) == "red").sum(axis=1)
    rows = np.flatnonzero(widths)
    return float(widths.argmax() - (rows[0] + rows[-1]) / 2)


def test_triangles_point_up_in_every_picture_that_training_sees():
    scene = Scene((Item("triangle", "red", "large", (64.0, 64.0), 26.0),), "green")
    assert len(symmetries(scene)) == 2
    for symmetry in symmetries(scene):
        picture = render(scene)
        picture = picture[:, ::-1] if symmetry.horizontally else picture
        assert not symmetry.vertically
        assert not symmetry.transpose
        assert apex_row(picture) > 10
    assert len(symmetries(SCENE)) == 8


def test_every_drawn_scene_can_be_said_and_is_seen_as_told():
    rng = np.random.default_rng(3)
    for _ in range(100):
        scene = sample_scene(rng)
        encode(scene.caption)
        assert check_picture(render(scene), scene).agrees, scene.caption


@pytest.mark.parametrize(
    "other",
    [
        Scene((RED_CIRCLE, BLUE_SQUARE), "yellow", relation="left"),
        Scene((RED_CIRCLE, BLUE_SQUARE), "green", relation="right"),
        Scene((RED_CIRCLE, BLUE_SQUARE), "green", relation="above"),
        Scene((Item("square", "red", "large", (34.0, 64.0), 25.0), BLUE_SQUARE), "green", relation="left"),
        Scene((Item("circle", "purple", "large", (34.0, 64.0), 25.0), BLUE_SQUARE), "green", relation="left"),
    ],
    ids=["ground", "side", "axis", "shape", "colour"],
)
def test_the_check_sees_what_is_wrong(other: Scene):
    assert not check_picture(render(SCENE), other).agrees


@pytest.mark.parametrize(("name", "rgb"), RGB.items())
def test_colours_are_named(name: str, rgb: tuple[int, int, int]):
    assert (name_colours(np.full((4, 4, 3), rgb, dtype=np.uint8)) == name).all()
