"""Whether any node of the running prompt takes an output, so that a large one is made only if it is needed."""

from typing import Any

from ...graphs.values import link_of
from ..model.this_server import this_server


def is_taken(node_id: str | None, output: int) -> bool:
    """Return whether a node of the running prompt is linked to this output; if that is not known, it is.

    Args:
        node_id: the id of the node that has the output.
        output: the output's number, from 0.
    """
    running = getattr(getattr(this_server(), "prompt_queue", None), "currently_running", {})
    prompts = [item[2] for item in list(running.values()) if node_id in item[2]]
    return not prompts or any(_links_to(prompt, (node_id, output)) for prompt in prompts)


def _links_to(prompt: dict[str, Any], place: tuple[str | None, int]) -> bool:
    values = (value for node in prompt.values() for value in node.get("inputs", {}).values())
    return any(link_of(value) == place for value in values)
