"""`sweetspot inspect` for workflows: one record per sampler, with the settings recommended for its model."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..demo.files import TRANSFORMER
from ..graphs.reading import NoWorkflowError
from ..graphs.samplers_in import GraphSampler, samplers_with_models
from ..graphs.values import Graph, link_of
from ..graphs.walk import Lora, Upstream
from ..presets.recognition.evidence import Evidence
from ..presets.recognition.finding import Recognition
from ..presets.recognition.headers import HeaderError
from ..presets.recognition.recognise import Wishes, recognise_all
from ..presets.sources.local_model import evidence_of
from ..presets.trained import off_trained_levels
from ..presets.verdicts import FINE, Settings, Verdict, judge
from .user_presets import IMAGES, installed_model
from .workflow_files import graph_in

ENDINGS = (".json", *IMAGES)
# Nodes of this pack that set a sampler's steps to the recommended ones.
_PRESETS = ("SweetSpotPreset", "SweetSpotPlan")
_SET_BY = ("plan", "steps", "sigmas")
# The demo model has a node of its own, without a file name.
DEMO_NODE = "SweetSpotDemoModel"

Record = dict[str, Any]


def is_workflow_file(file: Path) -> bool:
    """Return whether a file may hold a workflow, by its ending."""
    return file.suffix.lower() in ENDINGS


def records_of(file: Path, loras: tuple[Lora, ...], wishes: Wishes) -> list[Record]:
    """Return a record for each sampler of the workflow in a file.

    Args:
        file: the file.
        loras: LoRAs that are applied to every model, besides its own.
        wishes: what to recommend.

    Raises:
        NoWorkflowError: the file holds no workflow, or one without a sampler; the message names it.
        OSError: it cannot be read.
    """
    graph = graph_in(file)
    found = [(s, replace(above, loras=above.loras + loras)) for s, above in samplers_with_models(graph)]
    if not found:
        groups = any(str(node.get("class_type", "")).startswith(("workflow>", "workflow/")) for node in graph.values())
        hint = "; group nodes are not read, so convert them to subgraphs" if groups else ""
        raise NoWorkflowError(f"{file.name}: expected a workflow with a sampler, got none{hint}")
    return [_record(str(file), graph, sampler, above, wishes) for sampler, above in found]


def reasons_of(records: list[Record]) -> list[str]:
    """Return the reasons of verdicts that are not fine, and the warnings."""
    lines = []
    for record in records:
        texts = [record["why"]] if record["verdict"] != FINE else []
        lines += [f"{_node(record)}: {text}" for text in [*texts, *record["warnings"]]]
    return list(dict.fromkeys(lines))


def _node(record: Record) -> str:
    return f"{record['title'] or record['class']} #{record['node']}"


def rows_of(records: list[Record]) -> Iterator[tuple[str, ...]]:
    """Yield the head and the lines of a table of sampler records."""
    folder = os.path.commonpath([Path(record["input"]).parent for record in records])
    yield ("workflow", "node", "steps", "wants", "cfg", "wants", "model", "verdict")
    for record in records:
        advised = record["recommended"]
        steps = "?" if record["steps"] is None else str(record["steps"])
        cfg = "?" if record["cfg"] is None else f"{record['cfg']:g}"
        model = record["variant"] if record["variant"] != "unknown" else (record["files"] or ["?"])[0]
        wanted = (str(advised["steps"]["balanced"]), f"{advised['cfg']:g}")
        file = os.path.relpath(record["input"], folder)
        yield (file, _node(record), steps, wanted[0], cfg, wanted[1], model, record["verdict"])


def _record(file: str, graph: Graph, sampler: GraphSampler, above: Upstream, wishes: Wishes) -> Record:
    recognitions = recognise_all(evidence_above(above), wishes)
    balanced = recognitions["balanced"]
    steps = {quality: each.plan.steps for quality, each in recognitions.items()}
    verdict = _verdict(graph, sampler, balanced, steps["draft"])
    node = graph[sampler.node]
    meta = node.get("_meta")
    return {
        "input": file,
        "node": sampler.node,
        "class": node["class_type"],
        "title": str(meta.get("title") or "") if isinstance(meta, dict) else "",
        "steps": sampler.steps,
        "cfg": sampler.cfg,
        "guidance": sampler.guidance,
        "sampler": sampler.sampler_name,
        "scheduler": sampler.scheduler,
        "denoise": sampler.denoise,
        "files": list(above.files),
        "loras": [{"name": lora.name, "strength": lora.strength} for lora in above.loras],
        **_recognised(balanced, steps, _missed_levels(sampler, balanced)),
        "verdict": verdict.word,
        "why": verdict.text,
    }


def evidence_above(above: Upstream) -> Evidence:
    """Return what the graph says about a model, and its file if it is in ComfyUI's model folders."""
    evidence = Evidence.from_graph(above)
    if not above.files and DEMO_NODE in above.kinds:
        return replace(evidence, files=(TRANSFORMER.name,))
    file = installed_model(above.files[0]) if len(above.files) == 1 else None
    if file is not None:
        with contextlib.suppress(HeaderError, OSError):
            return replace(evidence_of(file, above.files[0], above.loras), loras=above.loras, doubts=above.doubts)
    return evidence


def _recognised(recognition: Recognition, steps: dict[str, int], missed: str) -> Record:
    plan, finding = recognition.plan, recognition.finding
    names = ("cfg", "guidance", "sampler_name", "scheduler")
    return {
        "variant": plan.variant,
        "family": finding.variant.family.name if finding.variant else "",
        "confidence": finding.confidence,
        "few_step": plan.distilled,
        "recommended": {"steps": steps, **{name: getattr(plan, name) for name in names}},
        "signals": [*finding.signals, *(f"conflicting evidence: {text}" for text in finding.contradictions)],
        "warnings": [*plan.warnings, *([missed] if missed else [])],
    }


def _missed_levels(sampler: GraphSampler, recognition: Recognition) -> str:
    return off_trained_levels(recognition.plan, sampler.steps, sampler.denoise) if sampler.steps else ""


def _verdict(graph: Graph, sampler: GraphSampler, recognition: Recognition, draft: int) -> Verdict:
    links = (link_of(graph[sampler.node]["inputs"].get(name)) for name in _SET_BY)
    if any(link and str(graph.get(link[0], {}).get("class_type")) in _PRESETS for link in links):
        return Verdict(FINE, "Its steps are set by this pack's preset or plan.")
    settings = Settings(sampler.steps, sampler.cfg, sampler.denoise, sampler.run, sampler.refines)
    return judge(recognition, draft, settings)
