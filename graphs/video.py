"""Tells whether an output's images are the frames of a video."""

import re

from .above import Above

_FRAMES = re.compile(r"(num|video|max)_frames|frames|frame_count|frames_number|video_length")


def is_video(above: Above) -> bool:
    """Return whether a node above says how many frames there are, so that the images are no batch of single ones."""
    return any(
        (_FRAMES.fullmatch(name) or (name == "length" and "width" in above.inputs(node_id)))
        and _is_more_than_one(above.values.value(value))
        for node_id in above.nodes
        for name, value in above.inputs(node_id).items()
    )


def _is_more_than_one(value: object) -> bool:
    # An undecided length may be any.
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and value > 1)
