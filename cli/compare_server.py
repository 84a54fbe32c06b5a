"""Compares step counts of a workflow on a ComfyUI server."""

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..comparison.contenders import Contender
from ..comparison.rounds import compare
from ..comparison.runs import Sampling
from ..comparison.step_counts import parse_step_counts
from ..engines.comfy_server import ComfyServer, MissingClientError, to_prompt
from ..engines.finished_runs import FinishedRuns
from ..engines.server import ServedWorkflow, ServerEngine
from ..graphs.above import Above
from ..graphs.judged_image import Judged, find_judged
from ..graphs.numbers import Place, whole
from ..graphs.sampling import sampling_of
from ..graphs.seeds import find_seeds
from ..graphs.step_names import partner_nodes
from ..graphs.steps import Found
from ..graphs.values import Graph, link_of, number_of
from ..graphs.walk import Walk
from ..presets.plan import UNKNOWN, StepPlan
from ..presets.recognition.recognise import recognise_all
from .compared import Compared, question_of
from .demo import MissingExtraError
from .inspect_workflows import evidence_above
from .talk import Progress
from .workflow_files import graph_in


def compare_on_server(chosen: argparse.Namespace, show: Progress) -> Compared | None:
    """Compare step counts of `--workflow` on `--server`; with `--dry-run`, only print what would change.

    Args:
        chosen: the command line.
        show: shows progress.

    Raises:
        MissingExtraError: comfy-cli is missing.
        ValueError: names the option or the node, what is allowed and what came.
    """
    steps = parse_step_counts(chosen.steps, "--steps")
    try:
        server = ComfyServer(chosen.server)
    except MissingClientError as error:
        raise MissingExtraError(str(error)) from error
    classes = server.classes()
    graph = _with_values(_graph(chosen, classes), chosen.set, classes)
    _check_classes(graph, classes, server.url)
    _check_spending(graph, classes, allowed=chosen.allow_spend)
    judged = _judged(graph, chosen, classes)
    seeds = find_seeds(graph, judged.output, judged.found)
    if chosen.seeds > 1 and not seeds:
        stage = judged.found.stage
        raise ValueError(f"--seeds: expected 1, because {stage} has no seed that can be changed; got {chosen.seeds}")
    workflow = ServedWorkflow(graph, judged, seeds, chosen.frames)
    plans = _plans(graph, judged.found)
    counts_by_word = {quality: plan.steps for quality, plan in plans.items()} if steps.words else {}
    if counts_by_word and plans["balanced"].variant == UNKNOWN:
        raise ValueError("--steps: expected numbers, because this model isn't recognised; got draft, balanced or best")
    counts = steps.resolved(counts_by_word)
    engine = ServerEngine(
        server, workflow, FinishedRuns(chosen.out / "runs", {"server": server.url}, fresh=chosen.fresh), show
    )
    contender = _contender(workflow, plans["balanced"], chosen)
    engine.check_counts(contender.sampling, counts)
    if chosen.dry_run:
        print(_planned(workflow, counts, auto=steps.auto))
        return None
    question = question_of(
        chosen, counts, auto=steps.auto, possible=lambda count: engine.can_run(contender.sampling, count)
    )
    return Compared(compare(engine, [contender], question), counts_by_word)


def _graph(chosen: argparse.Namespace, classes: Mapping[str, Any]) -> Graph:
    return graph_in(chosen.workflow, lambda content: to_prompt(content, classes))


def _with_values(graph: Graph, given: Sequence[str], classes: Mapping[str, Any]) -> Graph:
    """Return the graph with the values of `--set NODE.INPUT=VALUE`."""
    for text in given:
        place, is_given, value = text.partition("=")
        node_id, _, name = place.rpartition(".")
        if not is_given or not node_id or node_id not in graph:
            raise ValueError(f"--set: expected NODE.INPUT=VALUE with a node of the workflow, got {text[:80]!r}")
        node = graph[node_id]
        kind = str(node["class_type"])
        known = {*node["inputs"], *_inputs_of(classes, kind)}
        if name not in known:
            raise ValueError(f"--set: expected an input of {kind} ({', '.join(sorted(known))}), got {name!r}")
        graph = {**graph, node_id: {**node, "inputs": {**node["inputs"], name: _value(value)}}}
    return graph


def _value(text: str) -> Any:
    """Return a value written as JSON; anything else is a text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _check_classes(graph: Graph, classes: Mapping[str, Any], url: str) -> None:
    unknown = {node_id: str(node["class_type"]) for node_id, node in graph.items() if node["class_type"] not in classes}
    if unknown:
        listed = ", ".join(f"{node_id} ({kind})" for node_id, kind in list(unknown.items())[:10])
        raise ValueError(
            f"--workflow: expected nodes that {url} knows, got {listed}; install the packs that they are from"
        )


def _check_spending(graph: Graph, classes: Mapping[str, Any], *, allowed: bool) -> None:
    """Refuse paid nodes, wherever they are: each prompt runs the whole workflow."""
    kinds = {node_id: str(node["class_type"]) for node_id, node in graph.items()}
    paid = [
        f"{node_id} ({kind})"
        for node_id, kind in kinds.items()
        if kind in partner_nodes() or classes.get(kind, {}).get("api_node")
    ]
    if paid and not allowed:
        raise ValueError(
            f"--workflow: expected no paid nodes, because each step count pays for them; got {', '.join(paid[:10])}. "
            "With --allow-spend they run"
        )


def _judged(graph: Graph, chosen: argparse.Namespace, classes: Mapping[str, Any]) -> Judged:
    def images_of(kind: str, inputs: dict[str, object]) -> list[str]:
        types = _inputs_of(classes, kind)
        return [name for name in inputs if types.get(name) == "IMAGE"]

    sampler, places = _varied(graph, chosen.node)
    options = {"sampler": sampler, "shown_by": chosen.output, "resample": chosen.resample, "images_of": images_of}
    found = find_judged(graph, **options, is_paid=lambda _: False)
    if isinstance(found, Judged):
        return _at_places(graph, found, places) if places else found
    option = "--node or --output" if found.why in ("several", "unknown") else "--workflow"
    raise ValueError(f"{option}: {found.message}")


def _at_places(graph: Graph, judged: Judged, places: tuple[Place, ...]) -> Judged:
    """Return the same image with its step count set at the user's own places."""
    held = {whole(number_of(graph[place.node]["inputs"][place.name])) for place in places}
    steps = held.pop() if len(held) == 1 else None
    found = replace(judged.found, steps=steps, places=places, bounds=(), takers=places, note="")
    return replace(judged, found=found)


def _varied(graph: Graph, given: Sequence[str]) -> tuple[str, tuple[Place, ...]]:
    """Return the sampler and the inputs that `--node ID[.INPUT]` names."""
    if not given:
        return "", ()
    places, samplers = [], []
    for text in given:
        node_id, _, name = text.rpartition(".")
        if node_id in graph and text not in graph:
            if number_of(graph[node_id]["inputs"].get(name)) is None:
                kind = graph[node_id]["class_type"]
                raise ValueError(f"--node: expected an input of {node_id} ({kind}) with a number, got {name!r}")
            places.append(Place(node_id, name))
        else:
            samplers.append(text)
    if len(samplers) > 1:
        raise ValueError(f"--node: expected one sampler, or inputs as ID.INPUT; got {', '.join(samplers)}")
    takes_model = [place.node for place in places if "model" in graph[place.node]["inputs"]]
    return next(iter([*samplers, *takes_model]), ""), tuple(places)


def _plans(graph: Graph, found: Found) -> dict[str, StepPlan]:
    walk = Walk(graph)
    guider = link_of(walk.values.inputs_of(found.samplers[0]).get("guider"))
    node = guider[0] if guider else found.samplers[0]
    names = [name for name in walk.values.inputs_of(node) if name.startswith("model")] or ["model"]
    found_here = recognise_all(evidence_above(walk.upstream(node, names[0])))
    return {quality: recognition.plan for quality, recognition in found_here.items()}


def _contender(workflow: ServedWorkflow, plan: StepPlan, chosen: argparse.Namespace) -> Contender:
    settings = sampling_of(Above(workflow.graph, workflow.judged.output), workflow.judged.found)
    sampling = Sampling(
        workflow.first_seed,
        math.nan if settings.cfg is None else settings.cfg,
        settings.sampler_name or "unknown",
        settings.scheduler or "unknown",
        settings.denoise,
    )
    return Contender(sampling, None, plan.trained_steps, variant=plan.variant, source=chosen.workflow.name)


def _planned(workflow: ServedWorkflow, counts: Sequence[int], *, auto: bool) -> str:
    found, graph = workflow.judged.found, workflow.graph

    def named(place: Place) -> str:
        return f"{place.name} of node {place.node} ({graph[place.node]['class_type']})"

    shown = workflow.judged.node
    lines = [
        f"Varies: {found.stage}",
        *(f"Sets: {named(place)}" for place in found.places),
        *(f"Moves with it: {named(bound.place)}" for bound in found.bounds),
        *(f"Seed: {named(place)}" for place in workflow.seeds),
        f"Judges: node {shown} ({graph[shown]['class_type']})"
        if shown
        else f"Judges: images of {workflow.judged.output}",
        f"Steps: {', '.join(map(str, counts))}{' and a search' if auto else ''}",
        *([found.note] if found.note else []),
    ]
    return "\n".join(lines)


def _inputs_of(classes: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the types of a class's inputs."""
    groups = classes.get(kind, {}).get("input", {})
    return {
        name: about[0] if isinstance(about, list) and about else ""
        for group in ("required", "optional")
        for name, about in (groups.get(group) or {}).items()
    }
