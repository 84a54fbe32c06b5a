"""The route by which the browser learns, before any run, which model a node is given and what it wants.

It takes a piece of a prompt graph, reads the header of the file that the graph names, and writes nothing. ComfyUI's own
middleware refuses cross-origin requests to it, as to all routes.
"""

import asyncio
import json
import sys
from dataclasses import replace
from typing import Any

from aiohttp import web

from ..demo import files as demo_files
from ..graphs.walk import Branch, Graph, branches
from ..presets.catalogue import find_variant, is_variant
from ..presets.qualities import QUALITIES
from ..presets.recognition.evidence import Evidence
from ..presets.recognition.file_evidence import evidence_of_file
from ..presets.recognition.graph_evidence import evidence_of
from ..presets.recognition.headers import HeaderError, read_header
from ..presets.recognition.recognise import CONFIDENCES, Recognition
from .model.model_files import NameRefusedError, check_name, find_model
from .model.plan_on_model import known_names
from .model.recognise_here import recognise_here

ROUTE = "/sweetspot/recognise"
MOST_BYTES = 512 * 1024
LONGEST_INPUT = 256
AUTO = "auto"
_DEMO_NODE = "SweetSpotDemoModel"


def add_route() -> None:
    """Let ComfyUI's server answer at `ROUTE`, once; does nothing where there is no server."""
    # Looked up and not imported: where ComfyUI is used without its server, it stays without.
    server = getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)
    if server is not None and all(route.path != ROUTE for route in server.routes):
        server.routes.post(ROUTE)(answer_request)


async def answer_request(request: web.Request) -> web.Response:
    """Answer a request whose JSON body holds `graph`, `node` and, if wanted, `input`, `variant` and `evidence`.

    The answer is `answer_for`'s. A request that is refused gets 4xx and `error`; where only the name's file may not be
    looked at, `by_name` holds what the name alone tells.
    """
    try:
        question = await _read(request)
    except RequestError as error:
        return web.json_response({"error": str(error)}, status=error.status)
    try:
        # Disks may be slow; the server goes on meanwhile.
        return web.json_response(await asyncio.to_thread(answer_for, question))
    except NameRefusedError as error:
        told: dict[str, Any] = {"error": str(error)}
        if error.harmless:
            told |= {"by_name": await asyncio.to_thread(answer_for, question, with_files=False)}
        return web.json_response(told, status=error.status)


class RequestError(ValueError):
    """A request that is not in the form that is asked for."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def answer_for(question: dict[str, Any], *, with_files: bool = True) -> dict[str, Any]:
    """Return what a node's model is, how sure that is, and the plans of all qualities.

    Args:
        question: the request's body, checked.
        with_files: whether headers are read; else only names are judged.

    Raises:
        NameRefusedError: a model's name is none that ComfyUI's lists hold.
    """
    ways = branches(question["graph"], question["node"], question["input"])
    evidence, problems = _evidence(ways, with_files=with_files)
    choice = "" if question["variant"] == AUTO else question["variant"]
    evidence = replace(evidence, choice=choice)
    found = {quality: recognise_here(evidence, quality, question["evidence"]) for quality in QUALITIES}
    finding = found["balanced"].finding
    return {
        "variant": found["balanced"].plan.variant,
        "name": finding.variant.name if finding.variant else "",
        "confidence": finding.confidence,
        "signals": list(finding.signals),
        "contradictions": [*finding.contradictions, *problems],
        "alternatives": [find_variant(one).name for one in finding.alternatives],
        "note": finding.variant.note if finding.variant else "",
        "files": list(evidence.files),
        "qualities": {quality: _plan(one) for quality, one in found.items()},
    }


def _plan(found: Recognition) -> dict[str, Any]:
    plan, replaced = known_names(found.plan)
    names = ("steps", "cfg", "sampler_name", "scheduler", "guidance", "distilled", "steps_min", "steps_max", "sources")
    told = {name: getattr(plan, name) for name in names}
    return told | {
        "trained_steps": list(plan.trained_steps) if plan.trained_steps else None,
        "warnings": [*plan.warnings, *([replaced.removeprefix("Warning: ")] if replaced else [])],
    }


def _evidence(ways: list[Branch], *, with_files: bool) -> tuple[Evidence, list[str]]:
    """Return what the graph and the headers of its files tell, and which headers could not be read."""
    told = evidence_of(ways)
    for lora in told.loras:
        check_name(lora.name)
    if not told.files and any(node.get("class_type") == _DEMO_NODE for way in ways for node in way.nodes):
        header = read_header(demo_files.TRANSFORMER)
        return replace(evidence_of_file(demo_files.TRANSFORMER.name, header), loras=told.loras), []
    paths = [find_model(name) for name in told.files] if with_files else []
    if len(paths) != 1:
        return told, []
    try:
        header = read_header(paths[0])
    except (HeaderError, OSError) as error:
        # What the system says of a file names its whole path, which is nobody's business.
        why = error.strerror if isinstance(error, OSError) else error
        return told, [f"its header could not be read: {why}"]
    known = evidence_of_file(told.files[0], header)
    return replace(known, files=told.files, loras=told.loras, doubts=told.doubts), []


async def _read(request: web.Request) -> dict[str, Any]:
    """Return a request's body with its defaults filled in.

    Raises:
        RequestError: names what is expected and what came.
    """
    if request.content_type != "application/json":
        raise RequestError(f"content type: expected application/json, got {request.content_type[:80]}", 415)
    if (request.content_length or 0) > MOST_BYTES:
        raise RequestError(f"body: expected at most {MOST_BYTES} bytes, got {request.content_length}", 413)
    text = await _text(request)
    try:
        body = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise RequestError("body: expected JSON") from None
    if not isinstance(body, dict):
        raise RequestError(f"body: expected an object, got {type(body).__name__}")
    question = {"input": "model", "variant": AUTO, "evidence": CONFIDENCES[0]} | body
    for name in ("node", "input", "variant", "evidence"):
        if not isinstance(question.get(name), str):
            raise RequestError(f"{name}: expected text, got {type(question.get(name)).__name__}")
    if question["variant"] != AUTO and not is_variant(question["variant"]):
        raise RequestError(f"variant: expected auto or one of the catalogue's ids, got {question['variant'][:80]!r}")
    if question["evidence"] not in CONFIDENCES:
        raise RequestError(f"evidence: expected one of {', '.join(CONFIDENCES)}; got {question['evidence'][:80]!r}")
    return question | {"graph": _checked_graph(question.get("graph"), question["node"])}


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


async def _text(request: web.Request) -> bytes:
    # A chunked body has no length to check before it is read.
    text = await request.content.read(MOST_BYTES + 1)
    while len(text) <= MOST_BYTES:
        more = await request.content.read(MOST_BYTES + 1 - len(text))
        if not more:
            return text
        text += more
    raise RequestError(f"body: expected at most {MOST_BYTES} bytes, got more", 413)


def _checked_graph(graph: Any, node: str) -> Graph:
    if not isinstance(graph, dict) or node not in graph:
        raise RequestError("graph: expected a prompt graph that holds `node`")
    for entry in graph.values():
        if not isinstance(entry, dict) or not isinstance(entry.get("inputs"), dict):
            raise RequestError("graph: expected every node to be an object with `inputs`")
        if any(len(name) > LONGEST_INPUT for name in entry["inputs"]):
            raise RequestError(f"graph: expected names of inputs of at most {LONGEST_INPUT} characters")
    return graph
