"""The plan that a `plan` input will bring, from the graph alone."""

from pathlib import Path
from typing import Any

import folder_paths
import pytest
from sweetspot.nodes.model.plan_behind import plan_behind
from sweetspot.presets.plan import SAFE_DEFAULT

KEPT = {"steps": 0, "cfg": -1.0, "sampler_name": "from plan", "scheduler": "from plan"}


@pytest.fixture(autouse=True)
def nobodys_presets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_paths, "get_user_directory", lambda: str(tmp_path))
    monkeypatch.setattr("sweetspot.nodes.model.recognise_here.load_index", lambda: None)
    from sweetspot.nodes.model import recognise_here

    recognise_here._templates.cache_clear()


def graph(**nodes: Any) -> dict[str, Any]:
    kinds = {"model": "SweetSpotDemoModel", "preset": "SweetSpotPreset", "changed": "SweetSpotPlan"}
    return {
        name: {"class_type": kinds.get(name, "SweetSpotSampler"), "inputs": inputs} for name, inputs in nodes.items()
    }


def test_a_presets_plan_is_the_recognised_models():
    nodes = graph(model={}, preset={"model": ["model", 0], "quality": "draft"}, sampler={"plan": ["preset", 1]})
    plan = plan_behind(nodes, "sampler")
    assert (plan.variant, plan.quality, plan.steps) == ("sweetspot_demo", "draft", 6)


def test_a_chosen_variant_wins_and_an_unknown_model_gets_the_safe_default():
    chosen = {"model": ["loader", 0], "variant": "flux_schnell"}
    loader = {"unet_name": "nobody_knows_this.safetensors"}
    nodes = graph(loader=loader, preset=chosen, sampler={"plan": ["preset", 1]})
    assert plan_behind(nodes, "sampler").variant == "flux_schnell"
    nodes["preset"]["inputs"] = {"model": ["loader", 0]}
    assert plan_behind(nodes, "sampler").steps == SAFE_DEFAULT.steps


def test_changes_by_hand_lie_over_what_comes_before():
    by_hand = {"plan": ["preset", 1], **KEPT, "steps": 9}
    nodes = graph(model={}, preset={"model": ["model", 0]}, changed=by_hand, sampler={"plan": ["changed", 0]})
    plan = plan_behind(nodes, "sampler")
    assert (plan.steps, plan.cfg, plan.variant) == (9, 3.0, "sweetspot_demo")
    alone = plan_behind(graph(changed=KEPT | {"cfg": 0.0}, sampler={"plan": ["changed", 0]}), "sampler")
    assert (alone.steps, alone.cfg) == (SAFE_DEFAULT.steps, 0.0)


@pytest.mark.parametrize(
    "nodes",
    [
        graph(sampler={}),
        graph(sampler={"plan": ["gone", 0]}),
        graph(sampler={"plan": ["other", 0]}, other={"value": 3}),
        # Exact sigmas, and a step count that only a run computes.
        graph(changed={**KEPT, "sigmas": ["x", 0]}, sampler={"plan": ["changed", 0]}),
        graph(changed={**KEPT, "steps": ["x", 0]}, x={"a": 1, "b": 2}, sampler={"plan": ["changed", 0]}),
        # A linked node may compute a value from a text.
        graph(changed={**KEPT, "steps": ["x", 0]}, x={"expression": "20+5"}, sampler={"plan": ["changed", 0]}),
        graph(changed={**KEPT, "cfg": ["x", 0]}, x={"expression": "20+5"}, sampler={"plan": ["changed", 0]}),
        graph(changed={**KEPT, "sampler_name": ["x", 0]}, x={"value": 3}, sampler={"plan": ["changed", 0]}),
        # A plan that leads to itself.
        graph(changed={**KEPT, "plan": ["changed", 0]}, sampler={"plan": ["changed", 0]}),
        graph(preset={"model": ["x", 0], "quality": "other"}, sampler={"plan": ["preset", 1]}),
        graph(preset={"model": ["x", 0], "variant": "<img>"}, sampler={"plan": ["preset", 1]}),
    ],
)
def test_what_only_a_run_can_tell_is_none(nodes: dict[str, Any]):
    assert plan_behind(nodes, "sampler") is None


def test_a_name_that_this_comfyui_lacks_is_the_one_that_runs_instead():
    nodes = graph(changed=KEPT | {"sampler_name": "magic"}, sampler={"plan": ["changed", 0]})
    assert plan_behind(nodes, "sampler").sampler_name == "euler"
