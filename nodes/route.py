"""The routes that show the browser, before any run, which model a node receives and what its plan holds.

They take part of a prompt graph, read the headers of the files named in it, and write nothing. ComfyUI's own middleware
refuses cross-origin requests to them, as it does for all routes.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web

from ..comparison.step_counts import parse_step_counts, why_not_step_counts
from ..graphs.values import Graph, link_of
from ..presets.catalogue import AUTO, chosen_variant, is_variant
from ..presets.plan import UNKNOWN
from ..presets.recognition.finding import CONFIDENCES
from .background import Background, BusyError
from .compare_inputs import REFUSE, RESAMPLE
from .model.answers import Asked, answer_for
from .model.model_files import NameRefusedError
from .model.plan_behind import plan_behind
from .model.this_server import this_server
from .workflow.stages_here import stages_above

RECOGNISE, PLAN, STAGES = "/sweetspot/recognise", "/sweetspot/plan", "/sweetspot/stages"
MOST_BYTES = 512 * 1024
LONGEST_INPUT = 256
_BACKGROUND = Background()

Answer = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """A request's body, checked.

    Attributes:
        graph: the part of a prompt graph upstream of a node, in API form.
        node: the node's id.
        input: the node's input that the question is about.
        variant: the catalogue id that the user chose, or auto.
        min_confidence: the lowest accepted confidence.
        asked: the settings of a comparison, if the question is about one.
    """

    graph: Graph
    node: str
    input: str
    variant: str = AUTO
    min_confidence: str = UNKNOWN
    asked: Asked | None = None

    def answer(self, *, with_files: bool = True) -> dict[str, Any]:
        """Return what the model is; see `answer_for`."""
        choice = chosen_variant(self.variant)
        return answer_for(
            self.graph,
            self.node,
            self.input,
            choice,
            self.min_confidence,
            with_files=with_files,
            asked=self.asked,
        )


class RequestError(ValueError):
    """A request that is refused.

    Attributes:
        status: the HTTP status of the answer.
        more: what the answer holds besides the message.
    """

    def __init__(self, message: str, status: int = 400, more: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status, self.more = status, more or {}


def add_routes() -> None:
    """Register the routes with ComfyUI's server, once; does nothing if there is no server."""
    server = this_server()
    if server is None or any(route.path == RECOGNISE for route in server.routes):
        return
    server.routes.post(RECOGNISE)(_handler(answer_recognise))
    server.routes.post(PLAN)(_handler(answer_plan))
    server.routes.post(STAGES)(_handler(answer_stages))


def answer_recognise(body: Any) -> Answer:
    """Answer which model reaches a node's input.

    The JSON body holds `graph` and `node`, and optionally `input`, `variant` and `min_confidence`. A comparison adds
    `steps` (its list) and `cfg`. The answer is that of `answer_for`. A refused request gets 4xx and `error`, and 503 if
    too many are waiting. If the name is valid but its file may not be read, `by_name` holds what the name shows.
    """
    question = _checked(body, "model")
    try:
        return question.answer()
    except NameRefusedError as error:
        by_name = {"by_name": question.answer(with_files=False)} if error.harmless else {}
        raise RequestError(str(error), error.status, by_name) from None


def answer_plan(body: Any) -> Answer:
    """Answer which plan reaches a node's input: `plan` holds its settings, or null if only a run can show them.

    The JSON body holds `graph` and `node`, and optionally `input`. A refused request gets 4xx and `error`.
    """
    question = _checked(body, "plan")
    plan = plan_behind(question.graph, question.node, question.input)
    names = ("steps", "cfg", "sampler_name", "scheduler", "guidance")
    return {"plan": plan and {name: asdict(plan)[name] for name in names}}


def answer_stages(body: Any) -> Answer:
    """Answer which samplers stand above a node's images, and which one a comparison would vary.

    The JSON body holds `graph`, `node`, and optionally `input`, `sampler` and `fixed_sigmas`. `stages` holds the
    samplers as texts, and `text` says which one is varied, or why none can be. A refused request gets 4xx and `error`.
    """
    question = _checked(body, "images")
    sampler, fixed_sigmas = body.get("sampler", AUTO), body.get("fixed_sigmas", REFUSE)
    for name, value in (("sampler", sampler), ("fixed_sigmas", fixed_sigmas)):
        if not isinstance(value, str):
            raise RequestError(f"{name}: expected text, got {type(value).__name__}")
    output = link_of(question.graph[question.node]["inputs"].get(question.input))
    if output is None:
        raise RequestError(f"{question.input}: expected a link")
    return stages_above(question.graph, output, sampler, resample=fixed_sigmas == RESAMPLE)


def _handler(answer: Callable[[Any], Answer]) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the handler of requests whose bodies this function answers, outside the event loop."""

    async def handle(request: web.Request) -> web.Response:
        try:
            text = await _text(request)
            # Reading JSON of this size would already keep the server from answering others.
            return web.json_response(await _BACKGROUND.run(lambda: answer(_parsed(text))))
        except RequestError as error:
            return web.json_response({"error": str(error), **error.more}, status=error.status)
        except BusyError as error:
            return web.json_response({"error": str(error)}, status=503, headers={"Retry-After": "10"})

    return handle


async def _text(request: web.Request) -> bytes:
    """Return a request's body.

    Raises:
        RequestError: it is not JSON by its type, or too large.
    """
    if request.content_type != "application/json":
        raise RequestError(f"content type: expected application/json, got {request.content_type[:80]}", 415)
    if (request.content_length or 0) > MOST_BYTES:
        raise RequestError(f"body: expected at most {MOST_BYTES} bytes, got {request.content_length}", 413)
    # A chunked body doesn't state its length, so it is checked while reading.
    text = await request.content.read(MOST_BYTES + 1)
    while len(text) <= MOST_BYTES:
        more = await request.content.read(MOST_BYTES + 1 - len(text))
        if not more:
            return text
        text += more
    raise RequestError(f"body: expected at most {MOST_BYTES} bytes, got more", 413)


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise RequestError("body: expected JSON") from None


def _checked(body: Any, default_input: str) -> Question:
    """Return the question in a body, with its defaults filled in.

    Raises:
        RequestError: names what was expected and what was given.
    """
    if not isinstance(body, dict):
        raise RequestError(f"body: expected an object, got {type(body).__name__}")
    body = {"input": default_input, "variant": AUTO, "min_confidence": UNKNOWN} | body
    for name in ("node", "input", "variant", "min_confidence"):
        if not isinstance(body.get(name), str):
            raise RequestError(f"{name}: expected text, got {type(body.get(name)).__name__}")
    variant, floor = body["variant"], body["min_confidence"]
    if variant != AUTO and not is_variant(variant):
        raise RequestError(f"variant: expected auto or a catalogue id, got {variant[:80]!r}")
    if floor not in CONFIDENCES:
        raise RequestError(f"min_confidence: expected one of {', '.join(CONFIDENCES)}; got {floor[:80]!r}")
    graph = _checked_graph(body.get("graph"), body["node"])
    return Question(graph, body["node"], body["input"], variant, floor, _asked(body))


def _asked(body: dict[str, Any]) -> Asked | None:
    """Return the settings of a comparison in a body; None if it has none."""
    steps, cfg = body.get("steps"), body.get("cfg")
    if steps is None:
        return None
    if not isinstance(steps, str) or isinstance(cfg, bool) or not isinstance(cfg, int | float | None):
        raise RequestError("steps, cfg: expected a step list as text, and a number or null")
    # A list that makes no sense is an error of its own, and words stand for recommended counts.
    if why_not_step_counts(steps):
        return Asked((), cfg)
    step_list = parse_step_counts(steps)
    return Asked(() if step_list.words or step_list.auto else tuple(step_list.counts), cfg)


def _checked_graph(graph: Any, node: str) -> Graph:
    if not isinstance(graph, dict) or node not in graph:
        raise RequestError("graph: expected a prompt graph that contains `node`")
    for entry in graph.values():
        if not isinstance(entry, dict) or not isinstance(entry.get("inputs"), dict):
            raise RequestError("graph: expected every node to be an object with `inputs`")
        if any(len(name) > LONGEST_INPUT for name in entry["inputs"]):
            raise RequestError(f"graph: expected input names of at most {LONGEST_INPUT} characters")
    return graph


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
