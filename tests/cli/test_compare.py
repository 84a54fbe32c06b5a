"""`sweetspot compare` on diffusers, as a user of the shell sees it."""

import json
import shutil
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from sweetspot.cli.main import main

from ..engines.folder import write_folder

# Importing diffusers takes seconds, so one process runs all tests that need it.
pytestmark = pytest.mark.xdist_group("diffusers")

RED = ["--prompt", "a red circle left of a blue square on green"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("models") / "dreamshaper_8")


def compare(*arguments: object) -> int:
    return main(["compare", *map(str, arguments)])


def test_the_demo_model(tmp_path: Path, root: Path, capsys: pytest.CaptureFixture[str]):
    assert compare("demo", *RED, "--steps", "4,12", "--out", tmp_path) == 0
    said = capsys.readouterr().out
    assert "12 steps" in said
    assert str(tmp_path) in said
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    jsonschema.validate(report, json.loads((root / "comparison" / "report.schema.json").read_text("utf-8")))
    assert (report["engine"], report["model"]["variant"]) == ("diffusers", "sweetspot_demo")
    assert [(run["steps"], run["model_calls"], run["reused"]) for run in report["runs"]] == [
        (4, 4, False),
        (12, 12, False),
    ]
    assert sorted(file.name for file in (tmp_path / "images").iterdir()) == [
        "compare_0_12_steps_0.png",
        "compare_0_4_steps_0.png",
    ]
    assert np.array(Image.open(tmp_path / "grid.png")).shape[1] > 2 * 256
    assert "<html" in (tmp_path / "report.html").read_text("utf-8")
    assert "| 12" in (tmp_path / "report.md").read_text("utf-8").replace("**", "")
    # A second comparison makes only what is new, and removes the images that it doesn't have.
    assert compare("demo", *RED, "--steps", "12,16", "--out", tmp_path, "--json") == 0
    again = json.loads(capsys.readouterr().out)
    assert [(run["steps"], run["reused"]) for run in again["runs"]] == [(12, True), (16, False)]
    assert (again["left_out"], again["out"]) == ({}, str(tmp_path))
    assert not (tmp_path / "images" / "compare_0_4_steps_0.png").exists()


def test_a_folder_is_recognised_by_its_class(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    options = ["--prompt", "red cat", "--size", "32x16", "--device", "cpu", "--out", tmp_path, "--json"]
    sampler = ["--sampler", "euler", "--scheduler", "karras", "--also", "heun/simple"]
    assert compare(folder, *options, *sampler, "--steps", "2,3", "--seeds", 2) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["model"]["variant"] == "dreamshaper_8"
    assert (report["sampler"], report["scheduler"], report["images"]) == ("euler", "karras", 2)
    assert [run["model_calls"] for run in report["others"][0]["runs"]] == [3, 5]


def test_a_single_file_replaces_the_denoiser_of_its_folder(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    options = ["--prompt", "red cat", "--size", "32x16", "--device", "cpu", "--steps", "2,3", "--no-check"]
    sampler = ["--sampler", "euler", "--scheduler", "simple"]
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    (weights,) = (other / "unet").glob("*.safetensors")
    save_file({name: value * 0.5 for name, value in load_file(weights).items()}, weights)
    single = Path(shutil.copy(weights, tmp_path / "single.safetensors"))
    assert compare(single, "--config", folder, *options, *sampler, "--out", tmp_path / "a") == 0
    for place, model in (("b", other), ("c", folder)):
        assert compare(model, *options, *sampler, "--out", tmp_path / place) == 0
    images = [np.array(Image.open(tmp_path / name / "images" / "compare_0_3_steps_0.png")) for name in "abc"]
    assert np.array_equal(images[0], images[1])
    assert not np.array_equal(images[0], images[2])
    single.write_bytes(b"not a model")
    assert compare(single, "--config", folder, *options, "--out", tmp_path / "d") == 1
    assert "expected a complete StableDiffusionPipeline" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "compare: expected a MODEL, or --server and --workflow; got none"),
        (["nowhere"], "expected a diffusers folder or a safetensors file, got nowhere, which doesn't exist"),
        (["demo", "--steps", "4,x"], "--steps: expected"),
        (["demo", "--steps", "0"], "--steps: expected"),
        (["demo", "--steps", "20000"], "--steps: expected"),
        (["demo", "--seeds", "0"], "--seeds: expected at least 1, got 0"),
        (["demo", "--seed", "-1"], "--seed: expected 0 to 18446744073709551615, got -1"),
        (["demo", "--size", "big"], "--size: expected width x height in pixels, e.g. 1024x768; got 'big'"),
        (["demo", "--size", "100x128"], "size: expected width and height as multiples of 16, got (100, 128)"),
        (["demo", "--sampler", "uni_pc"], "sampler_name: expected one of euler,"),
        (["demo", "--cfg", "0.5"], "cfg: expected at least 1 on diffusers, got 0.5"),
        (["demo", "--also", "heun"], "also: expected pairs of sampler and scheduler"),
        (["demo", "--prompt", "a photorealistic cat"], "'cat'"),
        (["demo", "--threshold", "0"], "--threshold: expected a percentage above 0 and below 100, got 0"),
        (["demo", "--server", "http://127.0.0.1:1"], "got both"),
        (["--server", "http://127.0.0.1:1"], "--prompt: expected none with --server, got a red"),
        (["demo", "--dry-run"], "--dry-run: expected none with a MODEL, got True"),
        (["demo", "--set", "3.cfg=2"], "--set: expected none with a MODEL"),
        (["demo", "--dtype", "float16"], "--dtype: expected none for the demo model, got float16"),
        (["demo", "--device", "tpu"], "device: expected cpu or cuda, got 'tpu'"),
    ],
)
def test_what_can_not_run_is_named(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    given = arguments if "--prompt" in arguments else [*arguments, *RED]
    assert compare(*given, "--out", tmp_path / "out") == 1
    said = capsys.readouterr()
    assert message in said.err
    assert "Traceback" not in said.err
    assert not said.out


def test_a_folder_that_can_not_be_written_is_named_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "out").write_text("a file", "utf-8")
    assert compare("demo", *RED, "--out", tmp_path / "out") == 1
    assert "--out: expected a folder that can be written" in capsys.readouterr().err


def test_a_count_for_which_the_memory_is_not_enough_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from sweetspot.engines.diffusers import DiffusersModel

    run = DiffusersModel.run

    def short(self: DiffusersModel, scene: object, sampling: object, levels: list[float], *rest: object) -> object:
        if len(levels) - 1 == 6:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return run(self, scene, sampling, levels, *rest)

    monkeypatch.setattr(DiffusersModel, "run", short)
    assert compare("demo", *RED, "--steps", "4,6,8", "--out", tmp_path, "--no-check", "--json") == 4
    report = json.loads(capsys.readouterr().out)
    assert [run["steps"] for run in report["runs"]] == [4, 8]
    assert list(report["left_out"]) == ["6"]
    assert compare("demo", *RED, "--steps", "6", "--out", tmp_path, "--no-check") == 1
    assert "6 steps: the GPU's memory is not enough" in capsys.readouterr().err


def test_kept_and_new_images_are_compared_alike(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    options = ["--steps", "4,12", "--no-check", "--json"]
    for seeds in (1, 2):
        assert compare("demo", *RED, *options, "--seeds", seeds, "--out", tmp_path / "a") == 0
    mixed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert compare("demo", *RED, *options, "--seeds", 2, "--out", tmp_path / "b") == 0
    at_once = json.loads(capsys.readouterr().out)
    assert [run["similarity"] for run in mixed["runs"]] == [run["similarity"] for run in at_once["runs"]]
    assert compare("demo", *RED, *options, "--fresh", "--out", tmp_path / "a") == 0
    assert not any(run["reused"] for run in json.loads(capsys.readouterr().out)["runs"])


def test_a_recommended_sampler_that_is_not_there_is_replaced_with_a_note(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """An LCM wants the sampler lcm."""
    lcm = Path(shutil.copytree(folder, tmp_path / "lcm_dreamshaper_v7"))
    options = ["--prompt", "red cat", "--size", "32x16", "--device", "cpu", "--steps", "2,3", "--no-check", "--json"]
    assert compare(lcm, *options, "--out", tmp_path / "out") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["sampler"] == "euler"
    assert any("lcm, is not available on diffusers" in note for note in report["notes"])


def test_after_ctrl_c_the_same_command_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from sweetspot.engines.diffusers import DiffusersModel

    run = DiffusersModel.run

    def stopped(self: DiffusersModel, scene: object, sampling: object, levels: list[float], *rest: object) -> object:
        if len(levels) - 1 == 8:
            raise KeyboardInterrupt
        return run(self, scene, sampling, levels, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(DiffusersModel, "run", stopped)
        assert compare("demo", *RED, "--steps", "4,8", "--out", tmp_path) == 130
    assert "the same command goes on from there" in capsys.readouterr().err
    assert compare("demo", *RED, "--steps", "4,8", "--out", tmp_path, "--json") == 0
    assert [run["reused"] for run in json.loads(capsys.readouterr().out)["runs"]] == [True, False]
