"""Multi-Step Compare in a real ComfyUI: same images as stock, honest report, one progress bar, cancel."""

import io
import itertools
import json
import urllib.request
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image
from sweetspot.cli.comfyui import running
from sweetspot.cli.demo import get_image


@pytest.fixture(scope="session")
def schema(root: Path) -> dict:
    return json.loads((root / "comparison" / "report.schema.json").read_text("utf-8"))


def pictures(comfyui, outputs: dict, node: str) -> list[np.ndarray]:
    saved = outputs[node]["images"]
    return [np.array(Image.open(io.BytesIO(get_image(comfyui.server, image)))) for image in saved]


def test_images_are_those_of_stock_nodes_run_one_by_one(comfyui, graph):
    prompt = graph.demo(batch=2) | {
        "compare": graph.compare(steps="5, 3", together="off"),
        "ours": {"class_type": "PreviewImage", "inputs": {"images": ["compare", 0]}},
    }
    for steps in (3, 5):
        prompt[f"sampled {steps}"] = graph.sampler("KSampler", steps=steps)
        prompt[f"decoded {steps}"] = {
            "class_type": "VAEDecode",
            "inputs": {"samples": [f"sampled {steps}", 0], "vae": ["model", 2]},
        }
        prompt[f"stock {steps}"] = {"class_type": "PreviewImage", "inputs": {"images": [f"decoded {steps}", 0]}}
    outputs = comfyui.run(prompt)
    stock = pictures(comfyui, outputs, "stock 3") + pictures(comfyui, outputs, "stock 5")
    ours = pictures(comfyui, outputs, "ours")
    assert len(ours) == 4
    assert all(np.array_equal(one, other) for one, other in zip(ours, stock, strict=True))


def test_the_report_keeps_to_the_schema_and_stands_in_the_history(comfyui, graph, schema: dict):
    outputs = comfyui.run(graph.demo() | {"compare": graph.compare(), "sweet spot": graph.show("compare", 3)})
    report = json.loads(outputs["compare"]["report"][0])
    jsonschema.validate(report, schema)
    assert report["engine"] == "comfyui"
    assert report["model"] == {"variant": "sweetspot_demo", "source": "sweetspot_demo_transformer.safetensors"}
    assert (report["sampler"], report["scheduler"], report["cfg"], report["seed"]) == ("euler", "simple", 2.0, 11)
    assert [(run["steps"], run["model_calls"]) for run in report["runs"]] == [(2, 2), (4, 4), (6, 6)]
    assert all(run["seconds"] > 0 for run in report["runs"])
    assert report["reference"] == 6
    shown = int(outputs["sweet spot"]["text"][0])
    assert shown == (report["sweet_spot"]["steps"] or 6)


def test_the_report_stays_in_the_history_when_all_is_cached(comfyui, graph):
    prompt = graph.demo() | {"compare": graph.compare(seed=99)}
    first, second = comfyui.run(prompt), comfyui.run(prompt)
    assert first["compare"]["report"] == second["compare"]["report"]


def test_the_grid_is_shown_in_the_node(comfyui, graph):
    prompt = graph.demo() | {"compare": graph.compare()}
    (saved,) = comfyui.run(prompt)["compare"]["images"]
    grid = Image.open(io.BytesIO(get_image(comfyui.server, saved)))
    assert grid.width > 3 * 256
    # Dropped into ComfyUI, the picture brings its workflow back.
    assert graph.without_stamps(json.loads(grid.info["prompt"])) == graph.spelled_out(prompt)


def test_a_linked_plan_wins(comfyui, graph):
    outputs = comfyui.run(
        graph.demo()
        | {
            "preset": {"class_type": "SweetSpotPreset", "inputs": {"model": ["model", 0]}},
            "compare": graph.compare(plan=["preset", 1], sampler_name="heun", cfg=7.0),
        }
    )
    report = json.loads(outputs["compare"]["report"][0])
    assert (report["sampler"], report["cfg"]) == ("dpmpp_2m", 3.0)


def test_samplers_that_inject_noise_get_no_sweet_spot(comfyui, graph):
    outputs = comfyui.run(graph.demo() | {"compare": graph.compare(sampler_name="euler_ancestral")})
    verdict = json.loads(outputs["compare"]["report"][0])["sweet_spot"]
    assert verdict["steps"] is None
    assert "injects noise" in verdict["reason"]


MISTAKES = {
    "": "got an empty list",
    "0": "got '0'",
    "-3": "got '-3'",
    "abc": "got 'abc'",
    "4, 4, 25": "got 4 more than once",
    "10001": "got '10001'",
    ", ".join(map(str, range(1, 301))): "got 300 entries",
}


@pytest.mark.parametrize("text", MISTAKES, ids=lambda text: text[:12] or "empty")
def test_a_step_list_with_a_mistake_is_refused_before_anything_runs(comfyui, graph, text: str):
    with pytest.raises(graph.Refused) as caught:
        comfyui.queue(graph.demo() | {"compare": graph.compare(steps=text, frames="first")})
    (error,) = caught.value.errors["compare"]["errors"]
    assert error["extra_info"]["input_name"] == "steps"
    assert "expected up to 64 whole numbers from 1 to 10000" in error["details"]
    assert MISTAKES[text] in error["details"]


def test_a_linked_step_list_with_a_mistake_fails_in_this_node(comfyui, graph):
    with pytest.raises(graph.Failed) as caught:
        comfyui.run(
            graph.demo()
            | {
                "list": {"class_type": "PrimitiveString", "inputs": {"value": "4, many"}},
                "compare": graph.compare(steps=["list", 0]),
            }
        )
    assert caught.value.node_type == "SweetSpotCompare"
    assert "got 'many'" in caught.value.message


def follow(socket, prompt_id: str) -> tuple[list[tuple[int, int]], list[Image.Image]]:
    """Return the comparison's progress reports until the prompt ends, and the previews that came."""
    reports, previews = [], []
    while True:
        message = socket.recv()
        if isinstance(message, bytes):
            start = max(message.find(b"\x89PNG"), message.find(b"\xff\xd8\xff"))
            previews.append(Image.open(io.BytesIO(message[start:])))
            continue
        message = json.loads(message)
        data = message["data"]
        if message["type"] == "progress" and data.get("node") == "compare":
            reports.append((data["value"], data["max"]))
        if message["type"] == "executing" and data["node"] is None and data["prompt_id"] == prompt_id:
            return reports, previews


@pytest.mark.parametrize("together", ["off", "on"])
def test_one_progress_bar_covers_all_counts_and_shows_previews(comfyui, graph, together: str):
    socket, client_id = comfyui.listen()
    prompt_id = comfyui.queue(
        graph.demo() | {"compare": graph.compare(steps="2, 4, 6", seed=123, together=together, cache_megabytes=0)},
        client_id,
    )
    reports, previews = follow(socket, prompt_id)
    socket.close()
    values = [value for value, _ in reports]
    assert {most for _, most in reports} == {12}
    assert values == sorted(values)
    # Together, a call is a step of several runs.
    assert values[-1] == 12
    assert len(set(values)) >= (12 if together == "off" else 6)
    assert len(previews) >= (10 if together == "off" else 5)


def test_cancel_stops_within_a_count(comfyui, graph):
    socket, client_id = comfyui.listen()
    prompt_id = comfyui.queue(graph.demo(size=256) | {"compare": graph.compare(steps="2, 9999")}, client_id)
    comfyui.wait_until_sampling(socket, prompt_id)
    socket.close()
    comfyui.interrupt()
    # 9999 steps would take many minutes: that it ends at all is what counts.
    entry = comfyui.wait(prompt_id)
    kinds = [kind for kind, _ in entry["status"]["messages"]]
    assert "execution_interrupted" in kinds
    # The next prompt is not touched by it.
    assert "report" in comfyui.run(graph.demo() | {"compare": graph.compare()})["compare"]


def test_ranges_and_the_models_own_counts(comfyui, graph):
    preset = {"class_type": "SweetSpotPreset", "inputs": {"model": ["model", 0], "quality": "balanced"}}
    prompt = graph.demo(size=32) | {
        "compare": graph.compare(steps="2..6:2, draft, balanced"),
        "preset": preset,
        "draft": preset | {"inputs": {"model": ["model", 0], "quality": "draft"}},
        "balanced steps": graph.show("preset", 2),
        "draft steps": graph.show("draft", 2),
    }
    outputs = comfyui.run(prompt)
    named = {int(outputs[f"{quality} steps"]["text"][0]) for quality in ("draft", "balanced")}
    report = json.loads(outputs["compare"]["report"][0])
    assert [run["steps"] for run in report["runs"]] == sorted({2, 4, 6} | named)


def test_a_linked_plan_tells_what_its_own_quality_is(comfyui, graph):
    plan = {"class_type": "SweetSpotPreset", "inputs": {"model": ["model", 0], "quality": "best"}}
    prompt = graph.demo(size=32) | {
        "preset": plan,
        "plan": {"class_type": "SweetSpotPlan", "inputs": {"plan": ["preset", 1], "steps": 7}},
        "compare": graph.compare(steps="3, best", plan=["plan", 0]),
    }
    report = json.loads(comfyui.run(prompt)["compare"]["report"][0])
    assert [run["steps"] for run in report["runs"]] == [3, 7]


class TestOnlyWhatIsNewIsComputed:
    """Model calls are counted by a model of the tests that is otherwise the demo model."""

    def run(self, comfyui, graph, steps: str, changes: dict | None = None, **inputs) -> tuple[int, dict]:
        """Return how many model calls a comparison made, and its report."""
        nodes = graph.demo(size=32) | {"counted": graph.faulty("raise", 10**6)} | (changes or {})
        tell = {key: nodes[key] for key in ("model", "counted")} | {"told": graph.tell("counted")}
        before = comfyui.run(tell)["told"]["told"][0]["calls"]
        inputs = {"model": ["counted", 0], "seed": 4242} | inputs
        outputs = comfyui.run(nodes | {"compare": graph.compare(steps=steps, **inputs)})
        after = comfyui.run(tell)["told"]["told"][0]["calls"]
        return after - before, json.loads(outputs["compare"]["report"][0])

    def test_after_an_edit_of_the_list(self, comfyui, graph):
        calls, first = self.run(comfyui, graph, "2, 5")
        assert calls == 1 + 2 + 5
        calls, report = self.run(comfyui, graph, "2, 3, 5")
        assert calls == 1 + 3
        assert [(run["steps"], run["reused"]) for run in report["runs"]] == [(2, True), (3, False), (5, True)]
        assert [report["runs"][0][name] for name in ("seconds", "ssim")] == [
            first["runs"][0][name] for name in ("seconds", "ssim")
        ]
        assert self.run(comfyui, graph, "5, 2")[0] == 0
        assert self.run(comfyui, graph, "2, 3, 5")[0] == 0

    @pytest.mark.parametrize(
        "inputs",
        [{"seed": 5}, {"cfg": 2.5}, {"sampler_name": "heun"}, {"scheduler": "karras"}, {"denoise": 0.9}],
        ids=lambda inputs: next(iter(inputs)),
    )
    def test_not_with_another_setting(self, comfyui, graph, inputs: dict):
        self.run(comfyui, graph, "2")
        calls, report = self.run(comfyui, graph, "2, 3", **inputs)
        assert calls > 0
        assert not any(run["reused"] for run in report["runs"])

    def test_not_with_another_prompt_size_or_model(self, comfyui, graph):
        self.run(comfyui, graph, "2")
        prompt = graph.demo("a blue cross on red", size=32)["positive"]
        larger = graph.demo(size=48)["latent"]
        shifted = {
            "class_type": "ModelSamplingSD3",
            "inputs": {"model": ["counted", 0], "shift": 2.0},
        }
        for changes, inputs in (
            ({"positive": prompt}, {}),
            ({"latent": larger}, {}),
            ({"shifted": shifted}, {"model": ["shifted", 0]}),
        ):
            _, report = self.run(comfyui, graph, "2", changes, **inputs)
            assert not report["runs"][0]["reused"], changes

    def test_not_with_a_large_mask_that_moved(self, comfyui, graph):
        """A 1024 by 1024 mask is 4 MiB: a part of it would not show where its hole is."""

        def masked(y: int) -> dict:
            solid = {"class_type": "SolidMask", "inputs": {"value": 0.0, "width": 1024, "height": 1024}}
            hole = {"class_type": "SolidMask", "inputs": {"value": 1.0, "width": 200, "height": 200}}
            put = {"destination": ["solid", 0], "source": ["hole", 0], "x": 20, "y": y, "operation": "add"}
            return {
                "solid": solid,
                "hole": hole,
                "mask": {"class_type": "MaskComposite", "inputs": put},
                "masked": {
                    "class_type": "SetLatentNoiseMask",
                    "inputs": {"samples": ["latent", 0], "mask": ["mask", 0]},
                },
            }

        for y in (20, 700):
            _, report = self.run(comfyui, graph, "2", masked(y), latent_image=["masked", 0])
            assert not report["runs"][0]["reused"], y
        _, report = self.run(comfyui, graph, "2", masked(20), latent_image=["masked", 0])
        assert report["runs"][0]["reused"]

    def test_another_strength_of_a_lora_is_another_model(self, comfyui, graph):
        graph.save_lora(comfyui.server.base / "models" / "loras" / "compared.safetensors")

        def lora(strength: float) -> dict:
            inputs = {"model": ["counted", 0], "lora_name": "compared.safetensors", "strength_model": strength}
            return {"lora": {"class_type": "LoraLoaderModelOnly", "inputs": inputs}}

        reused = []
        for strength in (0.5, 0.8, 0.5):
            _, report = self.run(comfyui, graph, "2", lora(strength), model=["lora", 0])
            reused.append(report["runs"][0]["reused"])
        assert reused == [False, False, True]

    def test_when_its_images_are_linked_later(self, comfyui, graph):
        """They are made only for a node that takes them, from the finished runs."""
        inputs = {"steps": "2, 5", "seed": 4343, "together": "off"}
        stock = {
            "sampled": graph.sampler("KSampler", steps=5, seed=4343),
            "decoded": {"class_type": "VAEDecode", "inputs": {"samples": ["sampled", 0], "vae": ["model", 2]}},
            "stock": {"class_type": "PreviewImage", "inputs": {"images": ["decoded", 0]}},
        }
        self.run(comfyui, graph, **inputs)
        shown = {"ours": {"class_type": "PreviewImage", "inputs": {"images": ["compare", 0]}}}
        shown["grid"] = {"class_type": "PreviewImage", "inputs": {"images": ["compare", 1]}}
        calls, report = self.run(comfyui, graph, changes=shown, **inputs)
        assert calls == 0
        assert all(run["reused"] for run in report["runs"])
        outputs = comfyui.run(graph.demo(size=32) | stock | shown | {"compare": graph.compare(**inputs)})
        ours = pictures(comfyui, outputs, "ours")
        assert len(ours) == 2
        assert np.array_equal(ours[1], pictures(comfyui, outputs, "stock")[0])
        assert np.array_equal(pictures(comfyui, outputs, "grid")[0], pictures(comfyui, outputs, "compare")[0])

    @pytest.mark.parametrize(("body", "dropped"), [({"free_memory": True}, True), ({"unload_models": True}, False)])
    def test_until_the_user_frees_memory(self, comfyui, graph, body: dict, dropped: bool):
        seed = 5000 + dropped
        self.run(comfyui, graph, "2, 4", seed=seed)
        address, headers = f"{comfyui.server.url}/free", {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(address, json.dumps(body).encode(), headers), timeout=30).close()
        _, report = self.run(comfyui, graph, "2, 3, 4", seed=seed)
        assert [run["reused"] for run in report["runs"]] == [not dropped, False, not dropped]

    def test_nothing_is_kept_with_no_memory_for_it(self, comfyui, graph):
        self.run(comfyui, graph, "2, 4", seed=11)
        calls, _ = self.run(comfyui, graph, "2, 4", seed=11, cache_megabytes=0)
        assert calls == 1 + 2 + 4
        calls, _ = self.run(comfyui, graph, "4, 2", seed=11, cache_megabytes=64)
        assert calls == 1 + 2 + 4

    def test_finished_counts_outlive_an_error_that_names_its_count(self, comfyui, graph):
        nodes = graph.demo(size=32) | {"failing": graph.faulty("raise", 1 + 2 + 3 + 2)}
        compare = graph.compare(steps="2, 3, 4", model=["failing", 0], seed=777)
        with pytest.raises(graph.Failed, match=r"4 steps: the tests' own error") as caught:
            comfyui.run(nodes | {"compare": compare})
        assert caught.value.node_type == "SweetSpotCompare"
        report = json.loads(comfyui.run(nodes | {"compare": compare})["compare"]["report"][0])
        assert [(run["steps"], run["reused"]) for run in report["runs"]] == [(2, True), (3, True), (4, False)]


@pytest.mark.parametrize("cache", [["--cache-none"], ["--cache-lru", "1"]], ids=" ".join)
def test_also_where_comfyui_keeps_little_between_prompts(installation, graph, tmp_path: Path, cache: list[str]):
    """With --cache-none every object is made anew: runs are known again by content alone, a LoRA's too."""
    graph.save_lora(tmp_path / "models" / "loras" / "compared.safetensors")
    inputs = {"model": ["model", 0], "lora_name": "compared.safetensors", "strength_model": 0.5}
    nodes = graph.demo(size=32) | {"lora": {"class_type": "LoraLoaderModelOnly", "inputs": inputs}}
    with running(installation, tmp_path, *cache) as server:
        client = graph.Client(server)
        reused = []
        for steps in ("2, 4", "2, 3, 4"):
            compare = graph.compare(steps=steps, model=["lora", 0])
            report = json.loads(client.run(nodes | {"compare": compare})["compare"]["report"][0])
            reused.append([run["reused"] for run in report["runs"]])
    assert reused == [[False, False], [True, False, True]]


@pytest.mark.parametrize("cache", [[], ["--cache-none"]], ids=["", "--cache-none"])
def test_runs_of_a_model_go_after_a_switch_to_another(installation, graph, tmp_path: Path, cache: list[str]):
    for number, name in enumerate(("first", "second")):
        graph.save_other_model(tmp_path / "models" / "diffusion_models" / f"{name}.safetensors", 1.5 + number)

    def compared(name: str) -> dict[str, Any]:
        inputs = {"unet_name": f"{name}.safetensors", "weight_dtype": "default"}
        loader = {"class_type": "UNETLoader", "inputs": inputs}
        return {name: loader, f"compare {name}": graph.compare(model=[name, 0])}

    workflow = compared("second") | {
        "sampled": graph.sampler("KSampler", model=["second", 0], seed=3),
        "decoded": {"class_type": "VAEDecode", "inputs": {"samples": ["sampled", 0], "vae": ["model", 2]}},
        "workflow": {"class_type": "SweetSpotCompareWorkflow", "inputs": {"images": ["decoded", 0], "seeds": 1}},
    }
    del workflow["compare second"]
    with running(installation, tmp_path, *cache) as server:
        client, rounds = graph.Client(server), itertools.count()

        def reused(*parts: dict[str, Any]) -> dict[str, list[bool]]:
            """Compare, each time with another list of the same step counts, so that ComfyUI makes a new report."""
            prompt = graph.demo(size=32)
            for part in parts:
                prompt |= part
            steps = ("2, 4", "4, 2")[next(rounds) % 2]
            comparing = [name for name, node in prompt.items() if "Compare" in node["class_type"]]
            for name in comparing:
                prompt[name] = {**prompt[name], "inputs": {**prompt[name]["inputs"], "steps": steps}}
            outputs = client.run(prompt)

            def report(name: str) -> dict[str, Any]:
                shown = outputs[name]
                return json.loads(shown["report"][0] if "report" in shown else shown["comparison"][0]["report"])

            return {
                name.removeprefix("compare "): [run["reused"] for run in report(name)["runs"]] for name in comparing
            }

        first, second, fresh, kept = compared("first"), compared("second"), [False, False], [True, True]
        assert reused(first) == {"first": fresh}
        assert reused(first) == {"first": kept}
        assert reused(second) == {"second": fresh}
        assert reused(workflow) == {"workflow": fresh}
        assert reused(workflow) == {"workflow": kept}
        assert reused(first) == {"first": fresh}
        if not cache:
            # Both models are in use.
            assert reused(first, second) == {"first": kept, "second": fresh}
            assert reused(first, second) == {"first": kept, "second": kept}
        assert reused(workflow) == {"workflow": fresh}


def test_the_viewer_gets_each_image_once_as_a_temporary_file(comfyui, graph):
    prompt = graph.demo() | {"compare": graph.compare(steps="2, 4, 6", seed=77)}
    told = json.loads(comfyui.run(prompt)["compare"]["viewer"][0])
    (series,) = told["series"]
    assert [run["steps"] for run in series["runs"]] == [2, 4, 6]
    files = {run["steps"]: comfyui.server.base / "temp" / told["subfolder"] / run["files"][0] for run in series["runs"]}
    written = {steps: file.stat().st_mtime_ns for steps, file in files.items()}
    # What an edited list keeps is not written again, and is marked as of before.
    prompt["compare"]["inputs"]["steps"] = "2, 3, 4, 6"
    again = json.loads(comfyui.run(prompt)["compare"]["viewer"][0])["series"][0]["runs"]
    assert [run["reused"] for run in again] == [True, False, True, True]
    assert {steps: file.stat().st_mtime_ns for steps, file in files.items()} == written
    # A file that is cut off, e.g. by a full disk, is written anew.
    whole = files[2].read_bytes()
    files[2].write_bytes(whole[:100])
    prompt["compare"]["inputs"]["steps"] = "2, 3, 4"
    comfyui.run(prompt)
    assert files[2].read_bytes() == whole


def test_latents_of_several_parts(comfyui, graph, version):
    """Video with audio: the first part is decoded, as VAEDecode does it, and the counts run one by one."""
    if version < (0, 28):
        pytest.skip("this ComfyUI's own previews do not take the latents of the tests' nested model")
    settings = {"model": ["halve", 0], "latent_image": ["nested", 0]}
    outputs = comfyui.run(
        graph.demo()
        | {
            "halve": graph.faulty("halve"),
            "nested": {"class_type": "TestsNestedLatent", "inputs": {}},
            "compare": graph.compare(steps="3, 5", together="on", **settings),
            "ours": {"class_type": "PreviewImage", "inputs": {"images": ["compare", 0]}},
            "sampled": graph.sampler("KSampler", steps=5, **settings),
            "decoded": {"class_type": "VAEDecode", "inputs": {"samples": ["sampled", 0], "vae": ["model", 2]}},
            "stock": {"class_type": "PreviewImage", "inputs": {"images": ["decoded", 0]}},
        }
    )
    stock, ours = pictures(comfyui, outputs, "stock"), pictures(comfyui, outputs, "ours")
    assert len(stock) == 2
    assert len(ours) == 4
    assert np.array_equal(ours[2:], stock)
    assert any("several parts" in note for note in json.loads(outputs["compare"]["report"][0])["notes"])
