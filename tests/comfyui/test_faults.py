"""What goes wrong goes wrong in the open, and leaves nothing behind on the user's MODEL."""

from typing import Any

import pytest

EXTRAS = {"guidance_window": "adaptive", "stop_when_settled": 0.001, "keep_steps": "1", "time_budget": 600.0}


def prompt(graph, kind: str, at_call: int = 3, **settings: Any) -> dict[str, Any]:
    return graph.demo() | {
        "faulty": graph.faulty(kind, at_call),
        "ours": graph.sampler("SweetSpotSampler", model=["faulty", 0], **({"steps": 6} | settings)),
        "save": graph.save_latent("ours"),
    }


@pytest.mark.parametrize("kind", ["nan", "inf"])
def test_a_number_that_is_not_finite_names_step_and_level(comfyui, graph, kind: str):
    with pytest.raises(graph.Failed, match=r"step 3 of 6 \(sigma 0\.66\d*\): the model gave NaN or Inf") as caught:
        comfyui.run(prompt(graph, kind))
    assert caught.value.node_type == "SweetSpotSampler"


def test_the_models_own_error_passes_through(comfyui, graph):
    with pytest.raises(graph.Failed, match="the tests' own error") as caught:
        comfyui.run(prompt(graph, "raise"))
    assert caught.value.node_type == "SweetSpotSampler"


def test_out_of_memory_passes_through_as_comfyui_knows_it(comfyui, graph):
    """ComfyUI adds its own advice to an out of memory, which it knows by the exception's class."""
    with pytest.raises(graph.Failed, match="the tests' own out of memory") as caught:
        comfyui.run(prompt(graph, "oom"))
    assert "OutOfMemory" in caught.value.exception_type or "OOM" in caught.value.exception_type


def test_cancelling_ends_the_run_before_the_next_model_call(comfyui, graph):
    """Also between the calls of one step: heun's second call is not made."""
    nodes = prompt(graph, "interrupt", at_call=3, sampler_name="heun")
    entry = comfyui.wait(comfyui.queue(nodes))
    assert any(kind == "execution_interrupted" for kind, _ in entry["status"]["messages"])
    told = comfyui.run({key: nodes[key] for key in ("model", "faulty")} | {"told": graph.tell("faulty")})
    assert told["told"]["told"][0]["calls"] == 3


def test_cancelling_by_the_button_ends_the_run(comfyui, graph):
    nodes = prompt(graph, "slow", steps=400, cfg=1.0)
    socket, client_id = comfyui.listen()
    prompt_id = comfyui.queue(nodes, client_id)
    comfyui.wait_until_sampling(socket, prompt_id)
    socket.close()
    comfyui.interrupt()
    entry = comfyui.wait(prompt_id)
    assert any(kind == "execution_interrupted" for kind, _ in entry["status"]["messages"])
    told = comfyui.run({key: nodes[key] for key in ("model", "faulty")} | {"told": graph.tell("faulty")})
    assert told["told"]["told"][0]["calls"] < 400


@pytest.mark.parametrize("kind", ["halve", "nan", "raise", "interrupt"])
@pytest.mark.parametrize("extras", [{}, EXTRAS], ids=["plain", "extras"])
def test_nothing_is_left_on_the_model(comfyui, graph, kind: str, extras: dict[str, Any]):
    """After success, error and cancelling the MODEL that was linked is as it was before."""
    at_call = 4 if extras else 5
    nodes = prompt(graph, kind, at_call, **extras)
    alone = {key: nodes[key] for key in ("model", "faulty")} | {"told": graph.tell("faulty")}
    before = comfyui.run(alone)["told"]["told"][0]
    entry = comfyui.wait(comfyui.queue(nodes))
    assert (entry["status"]["status_str"] == "success") == (kind == "halve")
    after = comfyui.run(alone)["told"]["told"][0]
    assert after["calls"] > before["calls"]
    assert {**after, "calls": 0} == {**before, "calls": 0}
    assert not any("sweetspot" in part for part in after["wrappers"])


def test_a_stock_run_on_the_same_model_afterwards_is_the_stock_result(comfyui, graph):
    nodes = graph.demo() | {
        "before": graph.sampler("KSampler", seed=3),
        "ours": graph.sampler("SweetSpotSampler", latent_image=["before", 0], guidance_window="first half"),
        "again": graph.sampler("KSampler", seed=3, latent_image=["empty", 0]),
        "empty": {
            "class_type": "LatentMultiply",
            "inputs": {"samples": ["ours", 0], "multiplier": 0.0},
        },
        "same": graph.equal("before", "again"),
    }
    assert comfyui.run(nodes)["same"]["equal"] == [True]
