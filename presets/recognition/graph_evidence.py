"""From the ways up a graph to one evidence record: what all ways agree on, and what they do not."""

from ...graphs.walk import MOST_BRANCHES, Branch
from .evidence import Evidence


def evidence_of(ways: list[Branch]) -> Evidence:
    """Return the files and LoRAs behind a MODEL.

    Where a switch is open there are several ways: their files are all there, of the LoRAs those that all have, and
    `doubts` says what differs.
    """
    if not ways:
        return Evidence()
    files = tuple(dict.fromkeys(file for way in ways for file in way.files))
    shared = tuple(lora for lora in ways[0].loras if all(lora in way.loras for way in ways))
    some = dict.fromkeys(lora.name for way in ways for lora in way.loras if lora not in shared)
    doubts = (f"an open switch decides whether LoRA {', '.join(some)} is on",) if some else ()
    if len(ways) >= MOST_BRANCHES:
        shared, doubts = (), (f"the graph has more than {MOST_BRANCHES - 1} ways up to a model",)
    return Evidence(files=files, loras=shared, doubts=doubts)
