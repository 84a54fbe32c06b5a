"""`sweetspot demo`: runs the compare workflow on the demo model, in a real ComfyUI if possible."""

import importlib.util
import json
import logging
import subprocess
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .comfyui import PACK, ComfyUIError, Server, comfy, find_comfyui, install_comfyui, prepare, running
from .contenders import parse_contenders

WORKFLOW = PACK / "example_workflows" / "api" / "compare_steps.json"
RUN_SECONDS = 600
STANDALONE = ("torch", "diffusers", "safetensors", "numpy", "PIL")
SERVER = ("comfy_cli", "torch", "numpy", "PIL")
IMAGES = ("numpy", "PIL")

log = logging.getLogger("sweetspot.cli")


class MissingExtraError(ImportError):
    """Libraries of the extra `standalone` are missing; the message says what to install."""


def run_demo(out: Path, engine: str, changes: Mapping[str, Any] | None = None) -> None:
    """Write `grid.png` and `report.json` of the compare workflow into `out`.

    Args:
        out: folder to write to; created if missing.
        engine: `comfyui`, `diffusers`, or `auto`, which uses ComfyUI if one is found or can be installed.
        changes: values that replace inputs of the workflow's Multi-Step Compare.

    Raises:
        ComfyUIError: if ComfyUI is required and there is none, or the workflow fails in it.
        MissingExtraError: if diffusers is needed and not installed.
        ValueError: if diffusers can't run what the changes ask for.
    """
    folder = None if engine == "diffusers" else find_comfyui() or install_comfyui()
    if folder is None and engine == "comfyui":
        raise ComfyUIError("no ComfyUI found and none can be installed: set COMFYUI_PATH to ComfyUI's folder")
    workflow = _changed(json.loads(WORKFLOW.read_text("utf-8")), changes or {})
    if folder is None:
        if engine == "auto":
            log.info("No ComfyUI was found and none can be installed: running the same comparison on diffusers.")
        picture, report = _with_diffusers(workflow)
    else:
        installation = prepare(folder)
        with tempfile.TemporaryDirectory(prefix="sweetspot-") as base, running(installation, Path(base)) as server:
            file = Path(base) / WORKFLOW.name
            file.write_text(json.dumps(workflow), "utf-8")
            picture, report = _with_comfyui(server, file)
    out.mkdir(parents=True, exist_ok=True)
    (out / "grid.png").write_bytes(picture)
    (out / "report.json").write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    _show(report, out)


def run_workflow(server: Server, workflow: Path, seconds: int = RUN_SECONDS) -> str:
    """Run a saved workflow, in either form, through `comfy run` and return its prompt id.

    Args:
        server: the ComfyUI that runs it.
        workflow: its file.
        seconds: how long it may take.

    Raises:
        ComfyUIError: if it fails; the message holds comfy-cli's answer.
    """
    command = [*comfy(), "--json", "run", "--workflow", str(workflow), "--wait"]
    command += ["--host", server.host, "--port", str(server.port), "--timeout", str(seconds)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        envelope = json.loads(answer.stdout.strip().splitlines()[-1])
    except (IndexError, json.JSONDecodeError) as error:
        raise ComfyUIError(f"comfy run: expected JSON, got {answer.stdout}{answer.stderr}") from error
    if not envelope.get("ok"):
        raise ComfyUIError(f"comfy run {workflow.name} failed: {json.dumps(envelope.get('error'), indent=2)}")
    return envelope["data"]["prompt_id"]


def get_json(server: Server, path: str) -> Any:
    """Return the server's JSON at this path."""
    with urllib.request.urlopen(server.url + path, timeout=30) as answer:
        return json.load(answer)


def get_image(server: Server, saved: dict[str, str]) -> bytes:
    """Return the bytes of a saved image, given its entry in the node's `ui` output."""
    with urllib.request.urlopen(f"{server.url}/view?{urllib.parse.urlencode(saved)}", timeout=30) as answer:
        return answer.read()


def need_standalone() -> None:
    """Refuse to go on without the libraries of the standalone engine.

    Raises:
        MissingExtraError: some are missing.
    """
    need(STANDALONE, "the standalone engine", "standalone")


def need(libraries: Sequence[str], who: str, extra: str) -> None:
    """Refuse to go on without some libraries.

    Args:
        libraries: the names under which they are imported.
        who: what needs them, for the message.
        extra: the extra that installs them.

    Raises:
        MissingExtraError: some are missing.
    """
    missing = [name for name in libraries if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(f"{who} needs {', '.join(missing)}: pip install 'sweetspot[{extra}]'")


def _changed(workflow: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the workflow with other inputs of its comparison; `also` adds a Contender node for each pair."""
    values = dict(changes)
    pairs = parse_contenders(values.pop("also", ""))
    compare = next(node for node in workflow.values() if node["class_type"] == "SweetSpotCompare")
    compare["inputs"] |= values
    for number, (sampler, scheduler) in enumerate(pairs):
        inputs = {"sampler_name": sampler, "scheduler": scheduler}
        workflow[f"contender{number}"] = {"class_type": "SweetSpotContender", "inputs": inputs}
        compare["inputs"][f"contenders.contender{number}"] = [f"contender{number}", 0]
    return workflow


def _with_comfyui(server: Server, workflow: Path) -> tuple[bytes, dict[str, Any]]:
    log.info("Running %s with comfy run ...", workflow.name)
    prompt_id = run_workflow(server, workflow)
    outputs = get_json(server, f"/history/{prompt_id}")[prompt_id]["outputs"]
    shown = next(node for node in outputs.values() if "report" in node)
    return get_image(server, shown["images"][0]), json.loads(shown["report"][0])


def _with_diffusers(workflow: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    need_standalone()
    from .standalone import compare_workflow

    log.info("Running %s on diffusers ...", WORKFLOW.name)
    return compare_workflow(workflow)


def _show(report: dict[str, Any], out: Path) -> None:
    for series in (report, *report["others"]):
        if report["others"]:
            log.info("%s", series["name"])
        for run in series["runs"]:
            log.info("%4d steps  %6.2f s  similarity %.1f %%", run["steps"], run["seconds"], 100 * run["similarity"])
        log.info("%s", series["headline"]["text"])
    log.info("Made with %s: %s and %s", report["engine"], out / "grid.png", out / "report.json")
