import json
import logging
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from PIL import Image
from sweetspot.cli import demo
from sweetspot.cli.comfyui import ComfyUIError
from sweetspot.cli.main import main


@pytest.fixture
def no_comfyui(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "find_comfyui", lambda: None)
    monkeypatch.setattr(demo, "install_comfyui", lambda: None)


@pytest.mark.xdist_group("diffusers")
@pytest.mark.usefixtures("no_comfyui")
def test_without_comfyui_the_same_two_files_come_from_diffusers(
    tmp_path: Path, root: Path, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.INFO, "sweetspot.cli"):
        assert main(["demo", "--out", str(tmp_path / "out"), "--steps", "1, 2, 4", "--also", "heun/simple"]) == 0
    assert len([message for message in caplog.messages if "No ComfyUI" in message]) == 1
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    jsonschema.validate(report, json.loads((root / "comparison" / "report.schema.json").read_text("utf-8")))
    assert report["engine"] == "diffusers"
    assert report["reference"] == 4
    assert [(run["steps"], run["model_calls"]) for run in report["runs"]] == [(1, 1), (2, 2), (4, 4)]
    assert [(run["steps"], run["model_calls"]) for run in report["others"][0]["runs"]] == [(1, 1), (2, 3), (4, 7)]
    # The demo model's recommended sampler is checked by another one, on this engine too.
    assert report["check"]["sampler"] == "res_multistep"
    grid = np.array(Image.open(tmp_path / "out" / "grid.png"))
    assert grid.shape[1] > 3 * 256


@pytest.mark.usefixtures("no_comfyui")
def test_asking_for_comfyui_where_there_is_none_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["demo", "--engine", "comfyui", "--out", str(tmp_path)]) == 1
    assert "set COMFYUI_PATH" in capsys.readouterr().err


@pytest.mark.usefixtures("no_comfyui")
def test_missing_libraries_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(demo, "STANDALONE", ("torch", "a_library_that_is_not_there"))
    assert main(["demo", "--out", str(tmp_path)]) == 3
    told = capsys.readouterr().err
    assert "needs a_library_that_is_not_there: pip install 'sweetspot[standalone]'" in told
    assert not list(tmp_path.iterdir())


def test_a_workflow_that_cannot_run_names_comfy_clis_answer(tmp_path: Path):
    from sweetspot.cli.comfyui import Server

    nowhere = Server("127.0.0.1", 9, tmp_path, tmp_path / "log")
    with pytest.raises(ComfyUIError, match=r"comfy run compare_steps\.json failed"):
        demo.run_workflow(nowhere, demo.WORKFLOW)


@pytest.mark.parametrize(
    ("node", "name", "value"),
    [
        ("contender", "plan", ["5", 1]),
        ("contender", "model", ["1", 0]),
        ("options", "clip_vision", ["9", 0]),
        ("6", "prompts.prompt0", ["2", 0]),
        ("4", "batch_size", 2),
        ("6", "sampler_name", "lcm"),
    ],
)
def test_what_diffusers_cannot_do_is_refused_and_not_left_out(node: str, name: str, value):
    from sweetspot.cli.standalone import compare_workflow

    workflow = json.loads(demo.WORKFLOW.read_text("utf-8"))
    workflow["6"]["inputs"].pop("plan", None)
    workflow |= {"options": {"inputs": {}}, "contender": {"inputs": {"cfg": 1.0}}}
    workflow["6"]["inputs"] |= {"options": ["options", 0], "contenders.contender0": ["contender", 0]}
    workflow[node]["inputs"][name] = value
    with pytest.raises(ValueError, match=rf"^{name}: expected .* on diffusers"):
        compare_workflow(workflow)


def test_the_demo_starts_on_a_machine_that_has_neither_numpy_nor_torch():
    """`make demo` installs only what a demo in ComfyUI needs."""
    missing = "import sys; sys.modules.update(dict.fromkeys(('numpy', 'torch', 'PIL', 'diffusers')))"
    code = f"{missing}; import sweetspot.cli.demo; import sweetspot.cli.main"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
