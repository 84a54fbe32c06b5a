"""`sweetspot calibrate`: finds the best schedule of a workflow's model, or of the demo model, and saves it if asked."""

import json
import logging
import tempfile
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..graphs.calibrating import CLASS, NODE, calibrating, nodes_above, sampler_to_calibrate
from ..graphs.reading import read_workflow
from ..graphs.values import Graph
from ..graphs.walk import Walk
from ..presets.sources.user import save_preset
from .comfyui import PACK, ComfyUIError, Server, find_comfyui, install_comfyui, prepare, running
from .demo import get_image, get_json, need_standalone, run_workflow

TEMPLATE = PACK / "example_workflows" / "api" / "calibrate_steps.json"
# A calibration of a large model takes an hour or two.
MOST_SECONDS = 86_400

log = logging.getLogger("sweetspot.cli")


def run_calibrate(
    workflow: Path | None,
    prompts: Sequence[str],
    changes: Mapping[str, Any],
    *,
    engine: str = "auto",
    server: str = "",
    node: str = "",
) -> tuple[dict[str, Any], bytes]:
    """Return the report of a calibration, and the picture of before, after and finished as PNG.

    Args:
        workflow: a workflow exported for the API, whose sampler is calibrated; None for the demo model.
        prompts: the prompts; empty for those of the demo's template.
        changes: values of Calibrate Steps.
        engine: `comfyui`, `diffusers`, or `auto`, which uses ComfyUI if there is one. diffusers runs the demo model.
        server: address of a running ComfyUI with this pack; empty to start one for the demo model.
        node: the sampler's id in the workflow; empty if there is only one.

    Raises:
        ComfyUIError: ComfyUI is needed and there is none, or the workflow fails in it.
        MissingExtraError: diffusers is needed and not installed.
        ValueError: the workflow has no such sampler, or a value is not allowed.
    """
    if workflow is not None and not server:
        raise ValueError("--server: expected the address of the ComfyUI that has the workflow's models, got none")
    graph = _graph(workflow, prompts, changes, node)
    if server:
        return _run(_server_at(server), graph)
    folder = None if engine == "diffusers" else find_comfyui() or install_comfyui()
    if folder is None and engine == "comfyui":
        raise ComfyUIError("no ComfyUI found and none can be installed: set COMFYUI_PATH to ComfyUI's folder")
    if folder is None:
        need_standalone()
        from .standalone import calibrate_workflow

        log.info("Calibrating the demo model on diffusers ...")
        return calibrate_workflow(graph)
    with tempfile.TemporaryDirectory(prefix="sweetspot-") as base, running(prepare(folder), Path(base)) as started:
        return _run(started, graph)


def model_of(workflow: Path, node: str) -> tuple[str, list[str]]:
    """Return the file that the model of a workflow's sampler comes from, and its LoRAs, for a preset.

    Raises:
        ValueError: the sampler's model does not come from one file.
    """
    graph = read_workflow(workflow.read_text("utf-8"))
    upstream = Walk(graph).upstream(sampler_to_calibrate(graph, node))
    if len(upstream.files) != 1:
        came = ", ".join(upstream.files) or "none"
        raise ValueError(f"--save: expected a model that comes from one file, got {came}")
    return upstream.files[0], [lora.name for lora in upstream.loras]


def save(report: Mapping[str, Any], model: str, loras: Sequence[str], file: Path) -> None:
    """Save what was found as a model's preset."""
    chosen = report["chosen"]
    settings = {
        "steps": report["steps"],
        "cfg": report["cfg"],
        "sampler_name": chosen["sampler"],
        "scheduler": chosen["scheduler"],
        "shift": chosen["shift"],
        "scheduler_options": chosen["scheduler_options"],
    }
    given = {name: value for name, value in settings.items() if value not in (None, {})}
    source = f"calibrated on {time.strftime('%Y-%m-%d')}, {report['cases']} images"
    save_preset(file, model, given, "balanced", loras, source)


def _graph(workflow: Path | None, prompts: Sequence[str], changes: Mapping[str, Any], node: str) -> Graph:
    if workflow is not None:
        if not prompts:
            raise ValueError("--prompts: expected a file with one prompt on each line, got none")
        return calibrating(read_workflow(workflow.read_text("utf-8")), prompts, changes, node)
    graph: Graph = json.loads(TEMPLATE.read_text("utf-8"))
    calibrate = next(each for each in graph.values() if each["class_type"] == CLASS)
    calibrate["inputs"] |= {**changes, **({"texts": "\n".join(prompts)} if prompts else {})}
    return {NODE: calibrate} | {name: graph[name] for name in nodes_above(graph, calibrate)}


def _server_at(address: str) -> Server:
    """Return a running ComfyUI, which is not ours to stop."""
    parts = urllib.parse.urlsplit(address if "//" in address else f"//{address}")
    if not parts.hostname or parts.scheme not in ("", "http"):
        raise ValueError(f"--server: expected an address such as http://127.0.0.1:8188, got {address!r}")
    return Server(parts.hostname, parts.port or 8188, Path(), Path())


def _run(server: Server, graph: Graph) -> tuple[dict[str, Any], bytes]:
    with tempfile.TemporaryDirectory(prefix="sweetspot-") as folder:
        file = Path(folder) / "calibrate.json"
        file.write_text(json.dumps(graph), "utf-8")
        log.info("Calibrating in ComfyUI at %s ...", server.url)
        prompt_id = run_workflow(server, file, MOST_SECONDS)
    outputs = get_json(server, f"/history/{prompt_id}")[prompt_id]["outputs"]
    shown = outputs[NODE]
    report = json.loads(shown["report"][0])
    return report | {"text": shown["text"][0]}, get_image(server, shown["images"][0])
