"""Calibrate Steps in a real ComfyUI: what it finds on the demo model, and that a stock KSampler can use it."""

import json
from pathlib import Path
from typing import Any

import pytest
from sweetspot.cli.main import main

# The demo model's own size: at 64 pixels, its pictures settle only after many steps.
PROMPTS = """a red circle left of a blue square on green
a large yellow triangle above a small purple cross on striped cyan
a small green square right of a red circle on white
a large blue circle below a yellow cross on black"""


def calibrate_node(**inputs: Any) -> dict[str, Any]:
    defaults = {
        "model": ["model", 0],
        "negative": ["negative", 0],
        "latent_image": ["latent", 0],
        "vae": ["model", 2],
        "clip": ["model", 1],
        "texts": PROMPTS,
        "seed": 7,
        "steps": 6,
        "cfg": 3.0,
        "sampler_name": "euler",
        "scheduler": "simple",
        "solvers": "dpmpp_2m",
    }
    return {"class_type": "SweetSpotCalibrate", "inputs": defaults | inputs}


@pytest.fixture(scope="module")
def found(comfyui: Any, graph: Any) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """The report, the text, and what else ran with the found settings."""
    settings = {"seed": 11, "steps": 6, "cfg": 3.0, "sampler_name": "dpmpp_2m"}
    prompt = {
        **graph.demo(size=128),
        "calibrate": calibrate_node(),
        "report": graph.show("calibrate", 3),
        # The same settings by hand: the model with the shift, and the plan.
        "stock": graph.sampler("KSampler", model=["calibrate", 0], **settings),
        "planned": graph.sampler("SweetSpotSampler", model=["calibrate", 0], plan=["calibrate", 1], seed=11, steps=6),
        "same": graph.equal("stock", "planned"),
        "plain": graph.sampler("KSampler", **settings),
        "other": graph.equal("plain", "stock"),
        "save": {
            "class_type": "SweetSpotSavePreset",
            "inputs": {"model": ["model", 0], "plan": ["calibrate", 1], "file": "mine.safetensors", "steps": 50}
            | {"cfg": 1.0, "sampler_name": "euler", "scheduler": "simple", "quality": "balanced"},
        },
    }
    outputs = comfyui.run(prompt)
    return json.loads(outputs["report"]["text"][0]), outputs["calibrate"]["text"][0], outputs


def test_it_finds_a_shift_that_finishes_more_images(found: tuple[dict[str, Any], str, dict[str, Any]]):
    report, text, _ = found
    assert report["is_gain"]
    assert report["chosen"]["shift"] > 1.4
    assert report["chosen"]["mean_similarity"] > report["before"]["mean_similarity"]
    assert report["chosen"]["finished"] >= report["stock"]["finished"]
    assert sum(report["model_calls"].values()) <= 4 * 52 + 600
    assert "Applied to the model" in text
    assert "In a stock KSampler: 6 steps, cfg 3, dpmpp_2m, simple on the model of this node." in text


def test_a_stock_sampler_on_its_model_makes_the_same_as_its_plan(found: tuple[dict[str, Any], str, dict[str, Any]]):
    _, _, outputs = found
    assert outputs["same"]["equal"] == [True]
    assert outputs["other"]["equal"] == [False]


def test_its_plan_can_be_saved_as_the_models_preset(found: tuple[dict[str, Any], str, dict[str, Any]]):
    report, _, outputs = found
    saved = outputs["save"]["text"][0]
    record = json.loads(saved[saved.index("{") : saved.index("}") + 1])
    assert (record["steps"], record["sampler_name"]) == (6, "dpmpp_2m")
    assert record["shift"] == pytest.approx(report["chosen"]["shift"], rel=1e-4)
    assert record["source"].startswith("calibrated on 20")
    assert record["source"].endswith("4 images, 128 x 128")


def test_it_shows_before_after_and_finished_images(found: tuple[dict[str, Any], str, dict[str, Any]]):
    _, _, outputs = found
    assert len(outputs["calibrate"]["images"]) == 1


def test_conditionings_count_as_prompts_and_other_step_counts_run_too(comfyui: Any, graph: Any):
    """Also with a sampler that the search itself never tries."""
    inputs = {"texts": PROMPTS.splitlines()[0], "prompts.prompt0": ["positive", 0], "seeds": 2, "steps": 4}
    inputs |= {"other_steps": "2, 5..6", "sampler_name": "deis"}
    prompt = {**graph.demo(size=128), "calibrate": calibrate_node(**inputs), "report": graph.show("calibrate", 3)}
    report = json.loads(comfyui.run(prompt)["report"]["text"][0])
    assert report["cases"] == 4
    assert report["before"]["name"] == "deis, simple"
    assert sorted({row["steps"] for row in report["curve"]}) == [2, 4, 5, 6]
    assert report["model_calls"]["other_steps"] == (2 + 5 + 6) * 2 * len({row["name"] for row in report["curve"]})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"texts": "one"}, "texts: expected at least 4 prompts"),
        ({"clip": None}, "clip: expected one for `texts`"),
        ({"other_steps": "4, many"}, "other_steps: expected up to 64 whole numbers"),
        ({"other_steps": "4, auto"}, "other_steps: expected whole numbers and ranges, e.g. 4, 8..32:8; got auto"),
        ({"budget": 83}, "budget: expected at least 84 for 4 images of 6 steps, got 83"),
    ],
)
def test_what_can_not_work_is_refused_before_any_run(comfyui: Any, graph: Any, changes: dict[str, Any], message: str):
    node = calibrate_node(**changes)
    node["inputs"] = {name: value for name, value in node["inputs"].items() if value is not None}
    with pytest.raises(graph.Failed) as failure:
        comfyui.run({**graph.demo(size=128), "calibrate": node})
    assert message in failure.value.message


def test_a_sampler_that_never_settles_is_refused_on_its_input(comfyui: Any, graph: Any):
    prompt = {**graph.demo(size=128), "calibrate": calibrate_node(sampler_name="euler_ancestral")}
    with pytest.raises(graph.Refused) as refused:
        comfyui.queue(prompt)
    (error,) = refused.value.errors["calibrate"]["errors"]
    assert "sampler_name" in json.dumps(error)
    assert "injects noise" in error["details"]


def test_the_shell_calibrates_a_workflow_on_a_server(comfyui: Any, graph: Any, tmp_path: Path, capsys: Any):
    prompt = graph.demo() | {"ours": graph.sampler("KSampler", steps=25, cfg=3.0)}
    prompt |= {"decode": {"class_type": "VAEDecode", "inputs": {"samples": ["ours", 0], "vae": ["model", 2]}}}
    workflow, prompts = tmp_path / "workflow.json", tmp_path / "prompts.txt"
    workflow.write_text(json.dumps(prompt), "utf-8")
    prompts.write_text(PROMPTS, "utf-8")
    options = ["--server", comfyui.server.url, "--prompts", str(prompts), "--steps", "3", "--budget", "60"]
    assert main(["calibrate", str(workflow), *options, "--out", str(tmp_path)]) == 0
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert (report["steps"], report["cfg"]) == (3, 3.0)
    assert report["before"]["name"] == "euler, simple"
    assert report["text"] in capsys.readouterr().out
    assert (tmp_path / "before_after_finished.png").read_bytes().startswith(b"\x89PNG")
