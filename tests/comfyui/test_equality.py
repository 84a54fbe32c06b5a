"""Step-Aware Sampler beside the stock samplers: the same tensor, for every sampler and every scheduler."""

import ast
from typing import Any

import pytest
from sweetspot.cli.comfyui import find_comfyui
from sweetspot.cli.demo import get_json

SIZE = 32
KINDS = ("text", "image", "mask", "batch", "first", "second")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "sampler_name" in metafunc.fixturenames:
        metafunc.parametrize("scheduler", names()[1])
        metafunc.parametrize("sampler_name", names()[0])


def names() -> tuple[list[str], list[str]]:
    """Read the names of samplers and schedulers from ComfyUI's source: no server is up while tests are collected."""
    folder = find_comfyui()
    assert folder is not None
    tree = ast.parse((folder / "comfy" / "samplers.py").read_text("utf-8"))
    values = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    samplers = ast.literal_eval(values["KSAMPLER_NAMES"]) + ast.literal_eval(values["SAMPLER_NAMES"].right)
    return samplers, [key.value for key in values["SCHEDULER_HANDLERS"].keys]


def advanced(source: Any, start: int, end: int, **inputs: Any) -> dict[str, Any]:
    """Return the inputs of one part of a run, by the stock names."""
    leaves = {"return_with_leftover_noise": "enable" if end < 100 else "disable"}
    return {"start_at_step": start, "end_at_step": end, "latent_image": source, **leaves, **inputs}


def pairs(graph: Any, common: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return a prompt that samples in five ways, each with the stock node and with ours, and compares."""
    stock, ours = (
        (lambda **inputs: graph.sampler("KSampler", **common, **inputs)),
        (lambda **inputs: graph.sampler("SweetSpotSampler", **common, **inputs)),
    )
    prompt = graph.demo(size=SIZE) | {
        "three": {"class_type": "EmptyLatentImage", "inputs": {"width": SIZE, "height": SIZE, "batch_size": 3}},
        "solid": {"class_type": "SolidMask", "inputs": {"value": 1.0, "width": SIZE, "height": SIZE}},
        "mask": {
            "class_type": "FeatherMask",
            "inputs": {"mask": ["solid", 0], "left": 20, "top": 0, "right": 0, "bottom": 0},
        },
        "masked": {"class_type": "SetLatentNoiseMask", "inputs": {"samples": ["stock text", 0], "mask": ["mask", 0]}},
        "stock text": stock(),
        "ours text": ours(),
        "stock image": stock(latent_image=["stock text", 0], denoise=0.5, seed=12),
        "ours image": ours(latent_image=["stock text", 0], denoise=0.5, seed=12),
        "stock mask": stock(latent_image=["masked", 0], seed=13),
        "ours mask": ours(latent_image=["masked", 0], seed=13),
        "stock batch": stock(latent_image=["three", 0]),
        "ours batch": ours(latent_image=["three", 0]),
    }
    for name, node in (("stock", "KSamplerAdvanced"), ("ours", "SweetSpotSampler")):
        first = advanced(["latent", 0], 0, 2, add_noise="enable")
        second = advanced([f"{name} first", 0], 2, 10000, add_noise="disable")
        for part, inputs in (("first", first), ("second", second)):
            sampler = graph.sampler(node, **common, **inputs)
            sampler["inputs"]["noise_seed"] = sampler["inputs"]["seed"]
            prompt[f"{name} {part}"] = sampler
    return prompt | {f"same {kind}": graph.equal(f"stock {kind}", f"ours {kind}") for kind in KINDS}


def test_gives_the_stock_result_bit_for_bit(comfyui, graph, sampler_name: str, scheduler: str):
    """From noise, at denoise 0.5, behind a soft mask, a batch of three, and in two parts with noise left."""
    outputs = comfyui.run(pairs(graph, {"sampler_name": sampler_name, "scheduler": scheduler, "steps": 3}))
    told = {kind: outputs[f"same {kind}"] for kind in KINDS}
    assert {kind: answer["equal"] for kind, answer in told.items()} == {kind: [True] for kind in KINDS}
    assert {kind: answer["finite"] for kind, answer in told.items()} == {kind: [True] for kind in KINDS}
    assert told["batch"]["shape"] == [[3, 16, 4, 4]]


def test_every_name_of_the_server_was_tested(comfyui):
    listed = get_json(comfyui.server, "/object_info/KSampler")["KSampler"]["input"]["required"]
    assert sorted(names()[0]) == sorted(listed["sampler_name"][0])
    assert sorted(names()[1]) == sorted(listed["scheduler"][0])
