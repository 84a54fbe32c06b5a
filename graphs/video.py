"""Tells whether an output's images are the frames of a video, and how fast they play."""

import re

from .above import Above
from .values import number_of

_FRAMES = re.compile(r"(num|video|max)_frames|frames|frame_count|frames_number|video_length")
_RATES = ("fps", "frame_rate")
_USUAL_RATE = 16.0


def is_video(above: Above) -> bool:
    """Return whether a node above says how many frames there are, so that the images are no batch of single ones."""
    return any(
        (_FRAMES.fullmatch(name) or (name == "length" and "width" in above.inputs(node_id)))
        and _is_more_than_one(above.values.value(value))
        for node_id in above.nodes
        for name, value in above.inputs(node_id).items()
    )


def frame_rate_of(above: Above) -> float:
    """Return the frames per second that the graph plays its images with; 16 if it doesn't say."""
    users = [node_id for node_id in above.graph if above.output in above.links(node_id).values()]
    for node_id in [*users, *above.nodes]:
        for name in _RATES:
            rate = number_of(above.values.value(above.inputs(node_id).get(name)))
            if rate is not None and rate > 0:
                return rate
    return _USUAL_RATE


def _is_more_than_one(value: object) -> bool:
    # An undecided length may be any.
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and value > 1)
