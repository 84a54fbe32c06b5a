"""Reads a workflow in any of the forms in which people keep it, as a prompt graph in API form."""

import json
from collections.abc import Callable
from typing import Any

from .values import Graph
from .workflow import to_graph


class NoWorkflowError(ValueError):
    """The text is no workflow; the message says what was expected and what came."""


def read_workflow(text: str, convert: Callable[[dict[str, Any]], Graph] = to_graph) -> Graph:
    """Return the prompt graph of a workflow's JSON: as the browser saves it, as it is sent to the API, or its wrapper.

    Args:
        text: the JSON.
        convert: turns a workflow as the browser saves it into a prompt graph.

    Raises:
        NoWorkflowError: it is none of these.
    """
    try:
        content = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise NoWorkflowError(f"expected a workflow's JSON, but it is not valid JSON ({error})") from None
    for candidate in (content, *_wrapped(content)):
        if _is_saved(candidate):
            return _converted(candidate, convert)
        if _is_prompt(candidate):
            return {str(name): node for name, node in candidate.items() if _is_node(node)}
    shown = sorted(map(str, content))[:5] if isinstance(content, dict) else type(content).__name__
    raise NoWorkflowError(f"expected a workflow as saved or exported (API) by ComfyUI, got {shown}")


def _wrapped(content: Any) -> list[Any]:
    """Return what requests to the API and images keep their graph under, the graph that ran first."""
    return [content[name] for name in ("prompt", "workflow") if name in content] if isinstance(content, dict) else []


def _is_saved(content: Any) -> bool:
    nodes = content.get("nodes") if isinstance(content, dict) else None
    return isinstance(nodes, list) and all(isinstance(node, dict) and "id" in node for node in nodes)


def _is_prompt(content: Any) -> bool:
    return isinstance(content, dict) and any(map(_is_node, content.values()))


def _is_node(node: Any) -> bool:
    return isinstance(node, dict) and "class_type" in node and isinstance(node.get("inputs"), dict)


def _converted(content: dict[str, Any], convert: Callable[[dict[str, Any]], Graph]) -> Graph:
    try:
        return convert(content)
    except ValueError as error:
        raise NoWorkflowError(str(error)) from None
