"""Finds which image of a workflow is judged: the one that is saved below its sampler, or else the one that is shown."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .steps import Found, Refused, Stage, find_steps
from .values import Graph, Link, link_of

# Inputs that bring images, where no server says so.
_IMAGE_INPUTS = ("images", "image", "frames", "image_pass", "img")
_VIDEO_WORDS = ("video", "animated", "webm", "gif", "webp")
# A comparison shows images of its own.
_COMPARISON = "sweetspotcompare"
_SAVES, _SHOWS, _FILMS = "saved", "shown", "video"

ImageInputs = Callable[[str, dict[str, object]], list[str]]


@dataclass(frozen=True)
class Judged:
    """The image that is judged, and where its step count is set.

    Attributes:
        output: the output with the image.
        node: the node that saves or shows it; empty if it goes into a video.
        found: where its step count is set.
    """

    output: Link
    node: str
    found: Found

    @property
    def is_video(self) -> bool:
        """Whether the images are the frames of a video."""
        return not self.node


def find_judged(
    graph: Graph,
    *,
    sampler: str = "",
    shown_by: str = "",
    resample: bool = False,
    images_of: ImageInputs | None = None,
    is_paid: Callable[[str], bool] | None = None,
) -> Judged | Refused:
    """Return the image to judge: the only one that is saved below a sampler, else the only one that is shown there.

    For a video, it is the images that go into it.

    Args:
        graph: the prompt graph in API form.
        sampler: id or title of the sampler to vary; empty if there is only one.
        shown_by: id of the node whose image is judged; empty if there is only one.
        resample: whether a fixed list of noise levels may be resampled.
        images_of: returns the inputs of a node, given its class and inputs, that bring images; by default, by name.
        is_paid: whether a node class calls a paid service.
    """
    if shown_by and shown_by not in graph:
        return Refused("unknown", f"output: expected a node of the workflow, got {shown_by!r}")
    options = {"is_paid": is_paid} if is_paid else {}
    refused: list[Refused] = []
    kinds: dict[str, dict[Link, Judged]] = {_SAVES: {}, _SHOWS: {}, _FILMS: {}}
    for node_id, kind, output in _ends(graph, images_of or images_by_name):
        if shown_by and node_id != shown_by:
            continue
        found = find_steps(graph, output, sampler or None, resample=resample, **options)
        if isinstance(found, Refused):
            refused.append(found)
        else:
            kinds[kind].setdefault(output, Judged(output, "" if kind == _FILMS else node_id, found))
    # What a graph saves is what it is for; but a video is more than a saved preview of it.
    several = next((found for found in kinds.values() if found), {})
    if not several:
        return _worst(refused)
    if len(several) == 1:
        return next(iter(several.values()))
    listed = ", ".join(_named(graph, judged) for judged in several.values())
    stages = tuple(judged.found.stage for judged in several.values())
    return Refused("several", f"several images can be judged: {listed}. Choose one of these nodes", stages)


def images_by_name(_kind: str, inputs: dict[str, object]) -> list[str]:
    """Return the inputs that bring images, by their names."""
    return [name for name in inputs if name in _IMAGE_INPUTS and link_of(inputs[name])]


def _ends(graph: Graph, images_of: ImageInputs) -> Iterator[tuple[str, str, Link]]:
    """Yield the nodes that save or show images: id, what they do, and the output that they take."""
    used = {link[0] for node in graph.values() for value in node["inputs"].values() if (link := link_of(value))}
    for node_id, node in graph.items():
        kind = _what_it_does(graph, node_id, is_used=node_id in used)
        inputs = images_of(str(node["class_type"]), node["inputs"]) if kind else []
        for name in inputs:
            output = link_of(node["inputs"].get(name))
            if output is not None and kind:
                yield node_id, kind, output
                break


def _what_it_does(graph: Graph, node_id: str, *, is_used: bool) -> str:
    node = graph[node_id]
    kind = str(node["class_type"]).lower()
    if _COMPARISON in kind:
        return ""
    if any(word in kind for word in _VIDEO_WORDS):
        return _FILMS
    if "preview" in kind or "compare" in kind or "display" in kind or "show" in kind:
        return "" if is_used else _SHOWS
    if "filename_prefix" in node["inputs"] or "save" in kind or "output" in kind:
        return _SAVES
    return ""


def _worst(refused: list[Refused]) -> Refused:
    """Return the refusal that helps most: one that asks for a choice, else the first."""
    if not refused:
        return Refused("none", "no node saves or shows an image")
    return next((each for each in refused if each.why not in ("none", "unknown")), refused[0])


def _named(graph: Graph, judged: Judged) -> str:
    node_id = judged.node or judged.output[0]
    stage: Stage = judged.found.stage
    return f"{node_id} ({graph[node_id]['class_type']}, below {stage})"
