"""Reads workflows from the files in which people keep them: JSON, and images that hold their workflow."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..comparison.pictures.metadata import read_image_metadata
from ..graphs.reading import NoWorkflowError, read_workflow
from ..graphs.values import Graph
from ..graphs.workflow import to_graph
from ..presets.regular_files import open_regular, read_bytes

LARGEST_WORKFLOW = 64 << 20


def graph_in(file: Path, convert: Callable[[dict[str, Any]], Graph] = to_graph) -> Graph:
    """Return the prompt graph of the workflow in a file.

    Args:
        file: a workflow as JSON, in either form, or an image that holds one.
        convert: turns a workflow as the browser saves it into a prompt graph.

    Raises:
        NoWorkflowError: there is none; the message names the file.
        OSError: it can't be read.
    """
    try:
        if file.suffix.lower() == ".json":
            return read_workflow(_text_of(file), convert)
        return _first_readable(_texts_of(file), convert)
    except NoWorkflowError as error:
        raise NoWorkflowError(f"{file.name}: {error}") from None


def _texts_of(image: Path) -> list[str]:
    try:
        with open_regular(image) as stream:
            entries = read_image_metadata(stream)
    except OSError:
        raise NoWorkflowError("expected an image, but it can't be read as one") from None
    return [entries[name] for name in ("prompt", "workflow") if name in entries]


def _text_of(file: Path) -> str:
    try:
        return read_bytes(file, LARGEST_WORKFLOW).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NoWorkflowError("expected a workflow's JSON as UTF-8 text, got other bytes") from None


def _first_readable(texts: list[str], convert: Callable[[dict[str, Any]], Graph]) -> Graph:
    """Return the graph of the first text that is a workflow: some tools keep the prompt's words under `prompt`."""
    if not texts:
        raise NoWorkflowError("expected an image that ComfyUI saved with its workflow, got one without")
    for text in texts[:-1]:
        try:
            return read_workflow(text, convert)
        except NoWorkflowError:
            continue
    return read_workflow(texts[-1], convert)
