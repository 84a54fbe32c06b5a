"""`sweetspot compare --server` on a real ComfyUI: any workflow, with nothing changed but step count, seed and names."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sweetspot.cli.demo import get_json
from sweetspot.cli.main import main
from sweetspot.engines.comfy_server import ComfyServer, to_prompt
from sweetspot.graphs.judged_image import Judged, find_judged
from sweetspot.graphs.step_names import partner_nodes
from sweetspot.presets.sources.templates import installed_folders

COUNTS = (4, 8, 16)
UNCHANGED = dict.copy


@pytest.fixture(scope="module")
def workflow(root: Path) -> dict[str, Any]:
    return json.loads((root / "example_workflows" / "api" / "preset_to_ksampler.json").read_text("utf-8"))


def compare(comfyui: Any, file: Path, out: Path, *more: object) -> int:
    return main(
        ["compare", "--server", comfyui.server.url, "--workflow", str(file), "--out", str(out), *map(str, more)]
    )


def written(folder: Path, workflow: dict[str, Any]) -> Path:
    file = folder / "workflow.json"
    file.write_text(json.dumps(workflow), "utf-8")
    return file


def test_the_report_is_that_of_multi_step_compare(comfyui, graph, workflow, tmp_path: Path):
    assert compare(comfyui, written(tmp_path, workflow), tmp_path / "out", "--steps", "4,8,16", "--seeds", 2) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    (sampler,) = (node["inputs"] for node in workflow.values() if node["class_type"] == "KSampler")
    inputs = {name: sampler[name] for name in ("model", "positive", "negative", "latent_image", "seed")}
    (vae,) = (node["inputs"]["vae"] for node in workflow.values() if node["class_type"] == "VAEDecode")
    (preset,) = (name for name, node in workflow.items() if node["class_type"] == "SweetSpotPreset")
    node = graph.compare(**inputs, vae=vae, plan=[preset, 1], steps="4, 8, 16", seeds=2, together="off")
    theirs = json.loads(comfyui.run({**workflow, "compare": node})["compare"]["report"][0])
    assert [run["steps"] for run in report["runs"]] == list(COUNTS)
    for ours, stock in zip(report["runs"], theirs["runs"], strict=True):
        assert ours["similarity"] == pytest.approx(stock["similarity"], abs=1e-3)
        assert ours["model_calls"] in (stock["model_calls"], None)
        assert ours["seconds"] > 0
    assert report["sweet_spot"]["steps"] == theirs["sweet_spot"]["steps"]
    assert report["model"]["variant"] == theirs["model"]["variant"]


def test_each_prompt_is_the_graph_with_steps_seed_and_names(comfyui, workflow, tmp_path: Path):
    before = set(get_json(comfyui.server, "/history"))
    file = written(tmp_path, workflow)
    assert compare(comfyui, file, tmp_path / "out", "--steps", "3,5", "--set", "6.cfg=2.5", "--no-check") == 0
    sent = [entry["prompt"][2] for name, entry in get_json(comfyui.server, "/history").items() if name not in before]
    # The first one is the discarded run, which saves nothing.
    assert not any(node["class_type"] == "SaveImage" for node in sent[0].values())
    for steps, prompt in zip((3, 5), sent[1:], strict=True):
        expected = json.loads(json.dumps(workflow))
        expected["6"]["inputs"] |= {"steps": steps, "cfg": 2.5}
        save = next(node["inputs"] for node in expected.values() if node["class_type"] == "SaveImage")
        save["filename_prefix"] += f"_{steps}_steps_seed_{expected['6']['inputs']['seed']}"
        assert {name: node["inputs"] for name, node in prompt.items()} == {
            name: node["inputs"] for name, node in expected.items()
        }
    # A second run asks the server for nothing.
    assert compare(comfyui, file, tmp_path / "out", "--steps", "3,5", "--set", "6.cfg=2.5", "--no-check") == 0
    assert len(get_json(comfyui.server, "/history")) == len(before) + 3


def test_a_workflow_as_saved_and_one_in_an_image(
    comfyui, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    answers = []
    for file in (
        root / "example_workflows" / "api" / "preset_to_ksampler.json",
        root / "example_workflows" / "Preset to stock KSampler.json",
    ):
        assert compare(comfyui, file, tmp_path / "out", "--steps", "4,8", "--dry-run") == 0
        answers.append(capsys.readouterr().out)
    assert answers[0] == answers[1]
    assert "Sets: steps of node" in answers[0]
    # An image that the server has saved holds its workflow.
    workflow = json.loads((root / "example_workflows" / "api" / "preset_to_ksampler.json").read_text("utf-8"))
    saved = comfyui.run(workflow)["8"]["images"][0]
    image = comfyui.server.base / "output" / saved["subfolder"] / saved["filename"]
    assert compare(comfyui, image, tmp_path / "out", "--steps", "4,8", "--dry-run") == 0
    assert capsys.readouterr().out == answers[0]


def test_the_frames_of_a_video(comfyui, graph, tmp_path: Path):
    nodes = graph.demo(size=32, batch=5) | {
        "sampled": graph.sampler("KSampler"),
        "decoded": {"class_type": "VAEDecode", "inputs": {"samples": ["sampled", 0], "vae": ["model", 2]}},
        "film": {"class_type": "CreateVideo", "inputs": {"images": ["decoded", 0], "fps": 8.0}},
        "save": {
            "class_type": "SaveVideo",
            "inputs": {"video": ["film", 0], "filename_prefix": "film", "format": "auto", "codec": "auto"},
        },
    }
    assert compare(comfyui, written(tmp_path, nodes), tmp_path / "out", "--steps", "2,3", "--json") == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert report["images"] == 3
    assert np.array(Image.open(tmp_path / "out" / "images" / "compare_0_3_steps_2.png")).shape == (32, 32, 3)


def test_the_templates_need_no_flag(comfyui):
    """Of those that sample images without paid nodes; the others are refused with their reason."""
    classes = ComfyServer(comfyui.server.url).classes()

    def images_of(kind: str, inputs: dict[str, object]) -> list[str]:
        groups = classes.get(kind, {}).get("input", {})
        types = {
            name: about[0] for group in groups.values() if isinstance(group, dict) for name, about in group.items()
        }
        return [name for name in inputs if types.get(name) == "IMAGE"]

    verdicts = []
    for file in sorted(file for folder in installed_folders() for file in folder.rglob("*.json")):
        content = json.loads(file.read_text("utf-8"))
        if not isinstance(content, dict) or "nodes" not in content:
            continue
        prompt = to_prompt(content, classes)
        if any(node["class_type"] in partner_nodes() for node in prompt.values()):
            continue
        found = find_judged(prompt, images_of=images_of, is_paid=lambda _: False)
        verdicts.append("found" if isinstance(found, Judged) else found.why)
        assert isinstance(found, Judged) or found.message
    sampling = [verdict for verdict in verdicts if verdict != "none"]
    if len(sampling) < 100:
        pytest.skip("too few templates are installed")
    assert sampling.count("found") >= 0.85 * len(sampling)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda w: w["6"].update(class_type="NoSuchSampler"), [], "expected nodes that http"),
        (lambda w: w["8"].update(class_type="NoSuchSaver"), [], "got 8 (NoSuchSaver)"),
        (lambda w: w.clear(), [], "expected a workflow as saved or exported"),
        (lambda w: w["6"]["inputs"].update(latent_image=["6", 0]), [], "6"),
        (UNCHANGED, ["--steps", "0"], "--steps: expected"),
        (UNCHANGED, ["--steps", "20000"], "--steps: expected"),
        (UNCHANGED, ["--node", "99"], "--node or --output"),
        (UNCHANGED, ["--node", "6.sampler_name"], "--node: expected an input of 6 (KSampler) with a number"),
        (UNCHANGED, ["--output", "99"], "--node or --output: output: expected a node of the workflow, got '99'"),
        (UNCHANGED, ["--set", "6.nothing=1"], "--set: expected an input of KSampler"),
        (UNCHANGED, ["--set", "cfg=1"], "--set: expected NODE.INPUT=VALUE"),
        (
            UNCHANGED,
            ["--set", '6.sampler_name="no_such"'],
            "refuses the workflow: node 6 (KSampler): Value not in",
        ),
        (lambda w: w["6"]["inputs"].pop("model"), [], "refuses the workflow: node 6 (KSampler)"),
    ],
)
def test_what_can_not_run_is_named(
    comfyui, workflow, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Any, options: list[str], message: str
):
    changed = json.loads(json.dumps(workflow))
    change(changed)
    given = options if "--steps" in options else [*options, "--steps", "2,3"]
    assert compare(comfyui, written(tmp_path, changed), tmp_path / "out", *given) == 1
    said = capsys.readouterr()
    assert message in said.err
    assert "Traceback" not in said.err
    assert not said.out


def test_text_that_is_no_json(comfyui, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "workflow.json"
    file.write_text("not json", "utf-8")
    assert compare(comfyui, file, tmp_path / "out") == 1
    assert "workflow.json: expected a workflow's JSON, but it is not valid JSON" in capsys.readouterr().err


def test_another_size_at_another_count_is_named_and_the_rest_kept(
    comfyui, graph, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    number = {"class_type": "PrimitiveInt", "inputs": {"value": 32}}
    latent = {"class_type": "EmptyLatentImage", "inputs": {"width": ["number", 0], "height": 32, "batch_size": 1}}
    nodes = graph.demo() | {
        "number": number,
        "latent": latent,
        "sampled": graph.sampler("KSampler", steps=["number", 0]),
        "decoded": {"class_type": "VAEDecode", "inputs": {"samples": ["sampled", 0], "vae": ["model", 2]}},
        "save": {"class_type": "PreviewImage", "inputs": {"images": ["decoded", 0]}},
    }
    # The same number sets the width.
    varied = ["--node", "number.value", "--node", "sampled"]
    assert compare(comfyui, written(tmp_path, nodes), tmp_path / "out", "--steps", "16,32", *varied) == 1
    assert "expected" in capsys.readouterr().err
    assert len(list((tmp_path / "out" / "runs").iterdir())) == 2


def test_paid_nodes_are_refused_unless_allowed(comfyui, workflow, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    if "FluxProUltraImageNode" not in partner_nodes():
        pytest.skip("the list of paid nodes has changed")
    paid = {**workflow, "paid": {"class_type": "FluxProUltraImageNode", "inputs": {}}}
    assert compare(comfyui, written(tmp_path, paid), tmp_path / "out", "--steps", "2,3") == 1
    said = capsys.readouterr().err
    assert "paid" in said or "expected nodes that" in said
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
