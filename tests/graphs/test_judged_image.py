"""Which image of a workflow is judged."""

from typing import Any

import pytest
from sweetspot.graphs.judged_image import Judged, find_judged
from sweetspot.graphs.steps import Refused

Graph = dict[str, dict[str, Any]]


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def sampled(name: str, steps: int = 20) -> Graph:
    """Return a sampler and its decoded image."""
    return {
        name: node(
            "KSampler", model=["m", 0], latent_image=["l", 0], positive=["p", 0], steps=steps, seed=1, denoise=1.0
        ),
        f"{name} image": node("VAEDecode", samples=[name, 0], vae=["v", 0]),
    }


def judged(graph: Graph, **options: Any) -> tuple[str, str]:
    found = find_judged(graph, **options)
    assert isinstance(found, Judged), found
    return found.node, found.output[0]


SAVE = node("SaveImage", images=["a image", 0], filename_prefix="x")


def test_the_saved_image_is_judged():
    assert judged(sampled("a") | {"save": SAVE}) == ("save", "a image")


def test_a_preview_is_judged_only_if_nothing_is_saved():
    preview = {"preview": node("PreviewImage", images=["a image", 0])}
    assert judged(sampled("a") | preview) == ("preview", "a image")
    upscaled = {
        "up": node("ImageScale", image=["a image", 0]),
        "save": node("SaveImage", images=["up", 0], filename_prefix="x"),
    }
    assert judged(sampled("a") | preview | upscaled) == ("save", "up")


def test_what_is_saved_twice_is_one_image():
    again = node("Image Save", images=["a image", 0], filename_prefix="y")
    assert judged(sampled("a") | {"save": SAVE, "again": again}) == ("save", "a image")


def test_images_that_no_sampler_makes_do_not_count():
    loaded = {"load": node("LoadImage", image="x.png"), "other": node("PreviewImage", images=["load", 0])}
    assert judged(sampled("a") | loaded | {"save": SAVE}) == ("save", "a image")


@pytest.mark.parametrize("kind", ["CreateVideo", "VHS_VideoCombine", "SaveAnimatedWEBP"])
def test_the_images_of_a_video_are_judged(kind: str):
    film = node(kind, images=["a image", 0], filename_prefix="v", fps=8)
    assert judged(sampled("a") | {"film": film}) == ("", "a image")


def test_several_images_are_refused_with_the_list_until_one_is_chosen():
    graph = sampled("a") | sampled("b") | {"save": SAVE}
    graph |= {"other": node("SaveImage", images=["b image", 0], filename_prefix="y")}
    refused = find_judged(graph)
    assert isinstance(refused, Refused)
    assert refused.why == "several"
    assert "save (SaveImage" in refused.message
    assert "other (SaveImage" in refused.message
    assert judged(graph, shown_by="other") == ("other", "b image")
    # The other image doesn't depend on this sampler.
    assert judged(graph, sampler="b") == ("other", "b image")


@pytest.mark.parametrize(
    ("graph", "options", "why"),
    [
        (sampled("a"), {}, "none"),
        (sampled("a") | {"save": SAVE}, {"shown_by": "nowhere"}, "unknown"),
        (sampled("a") | {"save": SAVE}, {"sampler": "nowhere"}, "unknown"),
        ({"load": node("LoadImage", image="x.png"), "save": node("SaveImage", images=["load", 0])}, {}, "none"),
        (sampled("a") | {"c": node("SweetSpotCompareWorkflow", images=["a image", 0])}, {}, "none"),
    ],
)
def test_what_can_not_be_judged_is_refused(graph: Graph, options: dict[str, str], why: str):
    refused = find_judged(graph, **options)
    assert isinstance(refused, Refused)
    assert refused.why == why


def test_types_of_a_server_are_better_than_names():
    odd = sampled("a") | {"save": node("OddSaver", pic=["a image", 0], filename_prefix="x")}
    assert isinstance(find_judged(odd), Refused)
    assert judged(odd, images_of=lambda _kind, _inputs: ["pic"]) == ("save", "a image")
