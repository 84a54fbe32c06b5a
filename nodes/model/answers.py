"""Answers the browser's question about a model before any run: which one it is, and which settings suit it.

Only headers are read, and only of files that are in ComfyUI's own model lists.
"""

from dataclasses import dataclass, replace
from typing import Any

from ...demo import files as demo_files
from ...graphs.values import Graph
from ...graphs.walk import Walk
from ...presets.catalogue import find_variant
from ...presets.comparable import counts_to_compare
from ...presets.plan import StepPlan
from ...presets.qualities import Quality
from ...presets.recognition.evidence import Evidence
from ...presets.recognition.finding import UNKNOWN, Recognition
from ...presets.recognition.headers import HeaderError
from ...presets.sources.local_model import evidence_of
from ...presets.splits import split_step
from ...presets.verdicts import Verdict, judge_list
from ...presets.zones import COMMON_ZONES, zones_of
from ...words import Message, Messages, spoken
from .model_files import check_name, find_model, listed_path
from .plan_on_model import known_names
from .recognise_here import problem_with_presets, recognise_all_here

_DEMO_NODE = "SweetSpotDemoModel"
_SHOWN = ("steps", "cfg", "sampler_name", "scheduler", "guidance", "resolution", "clip_skip", "sources")


@dataclass(frozen=True)
class Asked:
    """The settings that a comparison has now.

    Attributes:
        counts: its step counts; empty if only a run can show them.
        cfg: its cfg; None if it is not known.
    """

    counts: tuple[int, ...] = ()
    cfg: float | None = None


def answer_for(
    graph: Graph,
    node: str,
    input_name: str,
    choice: str,
    min_confidence: str,
    *,
    with_files: bool = True,
    asked: Asked | None = None,
) -> dict[str, Any]:
    """Return what a node's model is, how certain that is, its plan for each quality, and the zones of the steps band.

    `counts` are step counts to compare; empty if the model is not recognised. `wrong` says what is wrong with the
    settings in `asked`, and `mend` names these; both are empty if nothing is.

    Args:
        graph: the part of the prompt graph upstream of the node, in API form.
        node: the node's id.
        input_name: the input that receives the model.
        choice: the catalogue id that the user chose; empty if none.
        min_confidence: the lowest accepted confidence.
        with_files: whether to read headers; if not, only names are used.
        asked: the settings of a comparison; None if there are none.

    Raises:
        NameRefusedError: a model's name is not in ComfyUI's lists.
    """
    evidence, problems = evidence_in_graph(Walk(graph), node, input_name, with_files=with_files)
    recognitions = recognise_all_here(evidence.chosen(choice), min_confidence)
    problems += [problem] if (problem := problem_with_presets()) else []
    finding = recognitions["balanced"].finding
    name = finding.variant.name if finding.variant else ""
    is_known = finding.confidence != UNKNOWN and not finding.required
    plans: dict[Quality, StepPlan] = {quality: recognition.plan for quality, recognition in recognitions.items()}
    zones = zones_of(name or "this model", plans) if is_known else COMMON_ZONES
    wrong = _wrong(recognitions, asked) if asked and is_known else {}
    return {
        "variant": recognitions["balanced"].plan.variant,
        "name": name,
        "confidence": finding.confidence,
        "required": finding.required,
        "signals": [spoken(signal) for signal in finding.signals],
        "contradictions": [spoken(text) for text in (*finding.contradictions, *problems)],
        "alternatives": [find_variant(variant).name for variant in finding.alternatives],
        "note": finding.variant.note if finding.variant else "",
        "files": list(evidence.files),
        "qualities": {quality: _plan(plan) for quality, plan in plans.items()},
        "zones": [vars(zone) | {"text": spoken(zone.text)} for zone in zones],
        "counts": counts_to_compare(plans["balanced"]) if is_known else [],
        "wrong": spoken(Messages(*(verdict.text for verdict in wrong.values()))) if wrong else "",
        "mend": list(wrong),
    }


def evidence_in_graph(
    walk: Walk, node: str, input_name: str = "model", *, with_files: bool
) -> tuple[Evidence, list[str]]:
    """Return the evidence from the graph and the headers of its files, and which headers could not be read.

    Raises:
        NameRefusedError: a model's name is not in ComfyUI's lists.
    """
    upstream = walk.upstream(node, input_name)
    named = Evidence.from_graph(upstream)
    for lora in named.loras:
        check_name(lora.name)
    if not named.files and _DEMO_NODE in upstream.kinds:
        return replace(evidence_of(demo_files.TRANSFORMER, demo_files.TRANSFORMER.name), loras=named.loras), []
    paths = [find_model(name) for name in named.files] if with_files else []
    if len(paths) != 1:
        return named, []
    try:
        in_file = evidence_of(paths[0], named.files[0], beside=listed_path(named.files[0]))
    except (HeaderError, OSError) as error:
        # The system's own message contains the full path, which must not be revealed.
        why = (error.strerror or "it is no regular file") if isinstance(error, OSError) else error
        return named, [Message("against.header", "its header could not be read: {why}", {"why": str(why)})]
    return replace(in_file, files=named.files, loras=named.loras, doubts=named.doubts), []


def _wrong(recognitions: dict[Quality, Recognition], asked: Asked) -> dict[str, Verdict]:
    return judge_list(recognitions["balanced"], recognitions["draft"].plan.steps, asked.counts, asked.cfg)


def _plan(plan: StepPlan) -> dict[str, Any]:
    plan, replaced = known_names(plan)
    shown = {name: getattr(plan, name) for name in _SHOWN}
    return shown | {
        "split_step": split_step(plan),
        "warnings": [spoken(text) for text in (*plan.warnings, *replaced)],
    }
