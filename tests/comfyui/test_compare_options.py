"""Multi-Step Compare's options in a real ComfyUI: shared calls, seeds, search, other samplers, files."""

import io
import json
import re
import shutil
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image
from sweetspot.cli.demo import get_image
from sweetspot.comparison.verdict.search import LADDER

Prompt = dict[str, Any]


@pytest.fixture(scope="session")
def schema(root) -> dict:
    return json.loads((root / "comparison" / "report.schema.json").read_text("utf-8"))


def report_of(outputs: dict, node: str = "compare") -> dict:
    return json.loads(outputs[node]["report"][0])


def shown(comfyui, outputs: dict, node: str = "shown") -> list[np.ndarray]:
    return [
        np.array(Image.open(io.BytesIO(get_image(comfyui.server, image)))).astype(int)
        for image in outputs[node]["images"]
    ]


def save_comparison(prefix: str, **parts: bool) -> dict:
    every = dict.fromkeys(("images", "grid", "curve", "report", "page"), True) | parts
    inputs = {"comparison": ["compare", 6], "filename_prefix": prefix, **every}
    return {"class_type": "SweetSpotSaveComparison", "inputs": inputs}


def show_images(source: str, slot: int = 0) -> dict:
    return {"class_type": "PreviewImage", "inputs": {"images": [source, slot]}}


class TestTogether:
    """Several step counts in one model call."""

    def run(self, comfyui, graph, together: str, changes: Prompt | None = None, **inputs) -> tuple[list, dict]:
        nodes = graph.demo(batch=2) | (changes or {}) | {"shown": show_images("compare")}
        compare = graph.compare(**{"steps": "3, 5, 8", "cache_megabytes": 0} | inputs, together=together)
        outputs = comfyui.run(nodes | {"compare": compare})
        return shown(comfyui, outputs), report_of(outputs)

    @pytest.mark.parametrize("sampler_name", ["euler", "heun", "dpmpp_2m", "res_multistep"])
    def test_images_are_those_of_one_after_another(self, comfyui, graph, schema, sampler_name: str):
        alone, _ = self.run(comfyui, graph, "off", sampler_name=sampler_name)
        joint, report = self.run(comfyui, graph, "on", sampler_name=sampler_name)
        jsonschema.validate(report, schema)
        assert all(np.abs(one - other).max() <= 1 for one, other in zip(alone, joint, strict=True))
        assert all(run["together"] for run in report["runs"])
        calls = [2 * n - 1 if sampler_name == "heun" else n for n in (3, 5, 8)]
        assert [run["model_calls"] for run in report["runs"]] == calls
        # Seconds are those of a call alone, so that they compare.
        seconds = [run["seconds"] for run in report["runs"]]
        assert [second / seconds[0] for second in seconds] == pytest.approx([n / calls[0] for n in calls], rel=0.01)
        assert any("shared model calls" in note for note in report["notes"])

    def test_also_from_an_image_and_with_guidance_off(self, comfyui, graph):
        changes = {
            "made": graph.sampler("KSampler", steps=3),
        }
        inputs = {"latent_image": ["made", 0], "denoise": 0.6, "cfg": 1.0, "scheduler": "normal"}
        alone, _ = self.run(comfyui, graph, "off", changes, **inputs)
        joint, report = self.run(comfyui, graph, "on", changes, **inputs)
        assert all(run["together"] for run in report["runs"])
        assert all(np.abs(one - other).max() <= 1 for one, other in zip(alone, joint, strict=True))

    @pytest.mark.parametrize("together", ["auto", "on"])
    @pytest.mark.parametrize(
        ("changes", "inputs", "why"),
        [
            ({}, {"sampler_name": "deis"}, "deis"),
            (
                {
                    "part": {
                        "class_type": "ConditioningSetTimestepRange",
                        "inputs": {"conditioning": ["positive", 0], "start": 0.0, "end": 0.5},
                    }
                },
                {"positive": ["part", 0]},
                "part of the schedule",
            ),
            (
                {"held": {"class_type": "TestsApplyControl", "inputs": {"conditioning": ["positive", 0]}}},
                {"positive": ["held", 0]},
                "a condition has 'control'",
            ),
            (
                {
                    "mask": {"class_type": "SolidMask", "inputs": {"value": 0.5, "width": 64, "height": 64}},
                    "masked": {
                        "class_type": "SetLatentNoiseMask",
                        "inputs": {"samples": ["latent", 0], "mask": ["mask", 0]},
                    },
                },
                {"latent_image": ["masked", 0]},
                "a noise mask",
            ),
            (
                {
                    "patched": {
                        "class_type": "LazyCache",
                        "inputs": {
                            "model": ["model", 0],
                            "reuse_threshold": 0.2,
                            "start_percent": 0.0,
                            "end_percent": 1.0,
                            "verbose": False,
                        },
                    }
                },
                {"model": ["patched", 0]},
                "a model patch",
            ),
            (
                {"patched": {"class_type": "RescaleCFG", "inputs": {"model": ["model", 0], "multiplier": 0.7}}},
                {"model": ["patched", 0]},
                "a model patch",
            ),
        ],
        ids=["sampler", "range", "control", "mask", "cache", "cfg function"],
    )
    def test_one_after_another_where_it_is_not_safe(self, comfyui, graph, together, changes, inputs, why):
        alone, _ = self.run(comfyui, graph, "off", changes, **inputs)
        joint, report = self.run(comfyui, graph, together, changes, **inputs)
        assert all(np.array_equal(one, other) for one, other in zip(alone, joint, strict=True))
        assert not any(run["together"] for run in report["runs"])
        (note,) = [note for note in report["notes"] if "batched" in note]
        assert why in note

    def odd(self, kind: str, rows: int = 2) -> Prompt:
        return {"odd": {"class_type": "TestsOddModel", "inputs": {"model": ["model", 0], "kind": kind, "rows": rows}}}

    @pytest.mark.parametrize("together", ["auto", "on"])
    def test_a_model_that_reads_one_level_for_all_is_found_out(self, comfyui, graph, together: str):
        alone, _ = self.run(comfyui, graph, "off", self.odd("reads the first level"), model=["odd", 0])
        joint, report = self.run(comfyui, graph, together, self.odd("reads the first level"), model=["odd", 0])
        assert all(np.abs(one - other).max() <= 1 for one, other in zip(alone, joint, strict=True))
        assert any("one noise level per sample" in note for note in report["notes"])

    def test_automatic_gives_up_where_it_does_not_pay(self, comfyui, graph):
        inputs = {"model": ["odd", 0], "steps": "6, 8, 12"}
        alone, _ = self.run(comfyui, graph, "off", self.odd("slow by the sample"), **inputs)
        joint, report = self.run(comfyui, graph, "auto", self.odd("slow by the sample"), **inputs)
        assert any(re.search(r"a call for \d+ runs takes \d+\.\d\d times", note) for note in report["notes"])
        assert all(np.abs(one - other).max() <= 1 for one, other in zip(alone, joint, strict=True))

    @pytest.mark.parametrize(("rows", "shared"), [(8, True), (4, False)])
    def test_out_of_memory_falls_back_to_fewer(self, comfyui, graph, rows: int, shared: bool):
        """A batch of 2 under guidance is 4 rows alone, 8 for two counts, 12 for three."""
        alone, _ = self.run(comfyui, graph, "off", self.odd("little memory", rows), model=["odd", 0])
        joint, report = self.run(comfyui, graph, "on", self.odd("little memory", rows), model=["odd", 0])
        assert all(np.abs(one - other).max() <= 1 for one, other in zip(alone, joint, strict=True))
        assert [run["steps"] for run in report["runs"]] == [3, 5, 8]
        assert any(run["together"] for run in report["runs"]) == shared
        why = r"memory.* at most \d+ runs" if shared else "a shared call failed: the tests' own out of memory"
        assert any(re.search(why, note) for note in report["notes"])

    @pytest.mark.parametrize("together", ["auto", "on"])
    def test_a_model_that_takes_one_batch_alone_runs_one_after_another(self, comfyui, graph, together: str):
        alone, _ = self.run(comfyui, graph, "off", self.odd("one size", 4), model=["odd", 0])
        joint, report = self.run(comfyui, graph, together, self.odd("one size", 4), model=["odd", 0])
        assert all(np.abs(one - other).max() <= 1 for one, other in zip(alone, joint, strict=True))
        assert any("a shared call failed: shape mismatch: batch" in note for note in report["notes"])

    def test_nan_is_an_error_that_names_its_count(self, comfyui, graph):
        """Warming up is a call, the check is two; 3 steps are done after five."""
        nodes = graph.demo(size=32) | self.odd("nan", 7)
        compare = graph.compare(steps="3, 5, 8", model=["odd", 0], together="on", cache_megabytes=0)
        with pytest.raises(
            graph.Failed, match=r"3, 5, 8 steps: the model gave NaN or Inf in call \d of the run of [58] steps"
        ):
            comfyui.run(nodes | {"compare": compare})

    def test_cancelling_keeps_the_counts_that_were_finished(self, comfyui, graph):
        nodes = graph.demo(size=32) | self.odd("interrupt", 8)
        compare = graph.compare(steps="2, 4, 9", model=["odd", 0], together="on", seed=313)
        entry = comfyui.wait(comfyui.queue(nodes | {"compare": compare}))
        assert "execution_interrupted" in [kind for kind, _ in entry["status"]["messages"]]
        rows = report_of(comfyui.run(nodes | {"compare": compare}))["runs"]
        assert [(row["steps"], row["reused"]) for row in rows] == [(2, True), (4, True), (9, False)]

    def test_conditions_of_another_batch_keep_their_images(self, comfyui, graph):
        """Two conditions for three images are dealt out in turn: with several counts in a call they would move on."""
        changes = {
            "second": {"class_type": "CLIPTextEncode", "inputs": {"text": "a blue cross", "clip": ["model", 1]}},
            "pair": {
                "class_type": "TestsBatchConditions",
                "inputs": {"one": ["positive", 0], "other": ["second", 0]},
            },
            "latent": graph.demo(batch=3)["latent"],
        }
        alone, _ = self.run(comfyui, graph, "off", changes, positive=["pair", 0])
        joint, report = self.run(comfyui, graph, "on", changes, positive=["pair", 0])
        assert all(np.array_equal(one, other) for one, other in zip(alone, joint, strict=True))
        assert any("does not divide the latent's" in note for note in report["notes"])
        changes["latent"] = graph.demo(batch=2)["latent"]
        alone, _ = self.run(comfyui, graph, "off", changes, positive=["pair", 0])
        joint, report = self.run(comfyui, graph, "on", changes, positive=["pair", 0])
        assert all(row["together"] for row in report["runs"])
        assert all(np.abs(one - other).max() <= 1 for one, other in zip(alone, joint, strict=True))

    @pytest.mark.parametrize(("steps", "scheduler"), [("25, 26", "beta"), ("11, 12", "simple")])
    def test_a_model_that_reads_one_level_is_found_out_for_counts_near_each_other(
        self, comfyui, graph, steps: str, scheduler: str
    ):
        inputs = {"model": ["odd", 0], "steps": steps, "scheduler": scheduler}
        _, report = self.run(comfyui, graph, "on", self.odd("reads the first level"), **inputs)
        assert any("one noise level per sample" in note for note in report["notes"])

    def test_an_error_keeps_the_counts_that_were_finished(self, comfyui, graph):
        """Three rows of calls share the first ones; 2 steps are done before memory gives out for good."""
        nodes = graph.demo(size=32) | self.odd("plain")
        inputs = {"steps": "2, 5", "seed": 31, "model": ["odd", 0], "together": "on"}
        vae = {"class_type": "TestsOddVAE", "inputs": {"vae": ["model", 2], "kind": "raise", "at_decode": 2}}
        compare = graph.compare(**inputs, vae=["odd vae", 0])
        with pytest.raises(graph.Failed, match=r"5 steps: the tests' own error"):
            comfyui.run(nodes | {"odd vae": vae, "compare": compare})
        rows = report_of(comfyui.run(nodes | {"odd vae": vae, "compare": compare}))["runs"]
        assert [(row["steps"], row["reused"]) for row in rows] == [(2, True), (5, False)]

    def test_who_asks_for_the_samplers_own_images_gets_them(self, comfyui, graph):
        """What was computed together is not reused for one after another."""
        inputs = {"seed": 2323, "cache_megabytes": 64}
        self.run(comfyui, graph, "on", **inputs)
        _, report = self.run(comfyui, graph, "off", **inputs)
        assert not any(run["reused"] or run["together"] for run in report["runs"])
        _, report = self.run(comfyui, graph, "on", **inputs)
        assert all(run["reused"] for run in report["runs"])


def test_a_vae_error_names_its_count_and_keeps_the_others(comfyui, graph):
    vae = {"class_type": "TestsOddVAE", "inputs": {"vae": ["model", 2], "kind": "raise", "at_decode": 3}}
    nodes = graph.demo(size=32) | {
        "odd": vae,
        "compare": graph.compare(steps="2, 3, 4, 5, 6", vae=["odd", 0], seed=99, together="off"),
    }
    with pytest.raises(graph.Failed, match=r"4 steps: the tests' own error") as caught:
        comfyui.run(nodes)
    assert caught.value.node_type == "SweetSpotCompare"
    rows = report_of(comfyui.run(nodes))["runs"]
    assert [row["reused"] for row in rows] == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("kind", "told"), [("nan", "vae: expected .* decoded images, got NaN or Inf"), ("video", "numbered 0 to 8; got 9")]
)
def test_what_a_vae_gives_is_checked(comfyui, graph, kind: str, told: str):
    vae = {"class_type": "TestsOddVAE", "inputs": {"vae": ["model", 2], "kind": kind, "at_decode": 0}}
    nodes = graph.demo(size=32) | {"odd": vae, "compare": graph.compare(steps="2, 3", vae=["odd", 0], frames="9")}
    with pytest.raises(graph.Failed, match=told):
        comfyui.run(nodes)


def test_grey_images_are_compared_too(comfyui, graph):
    vae = {"class_type": "TestsOddVAE", "inputs": {"vae": ["model", 2], "kind": "grey", "at_decode": 0}}
    nodes = graph.demo(size=32) | {"odd": vae, "compare": graph.compare(steps="2, 4", vae=["odd", 0])}
    assert len(report_of(comfyui.run(nodes))["runs"]) == 2


def test_images_too_small_to_judge_are_named(comfyui, graph):
    nodes = graph.demo() | {
        "tiny": {"class_type": "TestsTinyLatent", "inputs": {}},
        "compare": graph.compare(steps="2, 4", latent_image=["tiny", 0]),
    }
    with pytest.raises(graph.Failed, match=r"2 steps: vae: expected images of at least 11 pixels .*, got the shape"):
        comfyui.run(nodes)


def test_a_denoise_of_nothing_names_no_sweet_spot(comfyui, graph):
    report = report_of(comfyui.run(graph.demo(size=32) | {"compare": graph.compare(denoise=0.0)}))
    assert report["sweet_spot"]["steps"] is None
    assert "Nothing ran" in report["sweet_spot"]["reason"]


def test_the_words_are_those_of_the_linked_plans_variant(comfyui, graph):
    preset = {"class_type": "SweetSpotPreset", "inputs": {"model": ["model", 0], "variant": "sdxl_lightning_4"}}
    nodes = graph.demo(size=32) | {"preset": preset, "compare": graph.compare(steps="draft, 8", plan=["preset", 1])}
    report = report_of(comfyui.run(nodes))
    assert [row["steps"] for row in report["runs"]] == [4, 8]
    assert report["sweet_spot"]["steps"] == 4


def test_every_scheduler_can_be_compared(comfyui, graph):
    """kl_optimal has no schedule of one step, which warming up would take."""
    outputs = comfyui.run(graph.demo(size=32) | {"compare": graph.compare(steps="4, 8", scheduler="kl_optimal")})
    assert len(report_of(outputs)["runs"]) == 2


def test_counts_that_start_at_different_levels_are_said_to(comfyui, graph):
    inputs = {"steps": "4, 8, 16", "denoise": 0.5, "scheduler": "karras"}
    report = report_of(comfyui.run(graph.demo(size=32) | {"compare": graph.compare(**inputs)}))
    assert report["convergence"] is None
    assert any("start at different noise levels" in note for note in report["notes"])


@pytest.mark.parametrize(("name", "value"), [("seeds", 0), ("seeds", 65)])
def test_linked_numbers_out_of_range_are_named(comfyui, graph, name: str, value: int):
    number = {"class_type": "PrimitiveInt", "inputs": {"value": value}}
    nodes = graph.demo(size=32) | {"number": number, "compare": graph.compare(**{name: ["number", 0]})}
    with pytest.raises(graph.Failed, match=f"{name}: expected 1 to 64, got {value}"):
        comfyui.run(nodes)


class TestSeveralSeeds:
    def test_each_seed_is_the_stock_samplers(self, comfyui, graph, schema):
        nodes = graph.demo() | {"compare": graph.compare(steps="3, 5", seed=40, seeds=3, together="off")}
        nodes |= {"shown": show_images("compare")}
        for number, seed in enumerate((40, 41, 42)):
            nodes[f"sampled {number}"] = graph.sampler("KSampler", steps=3, seed=seed)
            inputs = {"samples": [f"sampled {number}", 0], "vae": ["model", 2]}
            nodes[f"decoded {number}"] = {"class_type": "VAEDecode", "inputs": inputs}
            nodes[f"stock {number}"] = show_images(f"decoded {number}")
        outputs = comfyui.run(nodes)
        ours = shown(comfyui, outputs)
        assert len(ours) == 6
        for number in range(3):
            assert np.array_equal(ours[number], shown(comfyui, outputs, f"stock {number}")[0])
        report = report_of(outputs)
        jsonschema.validate(report, schema)
        assert (report["seed"], report["seeds"], report["images"]) == (40, 3, 3)
        assert "Over 3 images." in outputs["compare"]["text"][0]

    def test_one_more_seed_computes_one_more(self, comfyui, graph):
        first = graph.demo(size=32) | {"compare": graph.compare(steps="2, 3", seed=70, seeds=2)}
        more = graph.demo(size=32) | {"compare": graph.compare(steps="2, 3", seed=71, seeds=1)}
        comfyui.run(first)
        assert all(row["reused"] for row in report_of(comfyui.run(more))["runs"])

    def test_seeds_go_on_from_zero_past_the_largest(self, comfyui, graph):
        largest = 2**64 - 1
        comfyui.run(graph.demo(size=32) | {"compare": graph.compare(steps="2", seed=0)})
        outputs = comfyui.run(graph.demo(size=32) | {"compare": graph.compare(steps="2", seed=largest, seeds=2)})
        assert report_of(outputs)["images"] == 2


class TestAuto:
    def test_a_count_beside_it_does_not_take_the_answer_away(self, comfyui, graph):
        """What is listed is not paid for by the search."""
        found = {}
        for steps in ("auto", "auto, 4"):
            compare = graph.compare(steps=steps, seed=10, cfg=3.0)
            found[steps] = {row["steps"] for row in report_of(comfyui.run(graph.demo() | {"compare": compare}))["runs"]}
        assert found["auto"] <= found["auto, 4"]

    def test_it_names_what_the_ladder_names_for_half_of_the_calls(self, comfyui, graph):
        nodes = graph.demo(size=64)
        ladder = ", ".join(map(str, LADDER))
        found = report_of(comfyui.run(nodes | {"compare": graph.compare(steps="auto", seed=5, cfg=3.0)}))
        whole = report_of(comfyui.run(nodes | {"compare": graph.compare(steps=ladder, seed=5, cfg=3.0)}))
        assert sum(run["model_calls"] for run in found["runs"]) <= sum(LADDER) / 2
        rungs = [
            LADDER.index(report["sweet_spot"]["steps"]) if report["sweet_spot"]["steps"] else len(LADDER) - 1
            for report in (found, whole)
        ]
        assert abs(rungs[0] - rungs[1]) <= 1

    def test_counts_beside_it_run_too(self, comfyui, graph):
        outputs = comfyui.run(graph.demo(size=32) | {"compare": graph.compare(steps="auto, 5", seed=5)})
        assert {5, 6, 12, 24} <= {run["steps"] for run in report_of(outputs)["runs"]}

    def test_a_distilled_model_runs_its_trained_steps_and_one_beyond(self, comfyui, graph):
        nodes = graph.demo(size=32) | {
            "preset": {
                "class_type": "SweetSpotPreset",
                "inputs": {"model": ["model", 0], "variant": "sdxl_turbo"},
            },
            "compare": graph.compare(steps="auto", plan=["preset", 1]),
        }
        report = report_of(comfyui.run(nodes))
        assert report["trained_steps"] == [1, 4]
        assert [run["steps"] for run in report["runs"]] == [1, 2, 4, 8]
        assert report["reference"] == 4
        assert "trained for 1 to 4 steps" in report["sweet_spot"]["reason"]


def test_other_samplers_and_plans_are_ranked_against_one_end(comfyui, graph, schema):
    nodes = graph.demo() | {
        "plan": {
            "class_type": "SweetSpotPlan",
            "inputs": {"steps": 9, "cfg": 2.0, "sampler_name": "heun", "scheduler": "simple"},
        },
        "compare": graph.compare(
            steps="4, 8, 16, 32",
            contenders=[{"plan": ["plan", 0]}, {"sampler_name": "dpmpp_2m"}, {"sampler_name": "lcm", "label": "noisy"}],
        ),
        "images": show_images("compare"),
    }
    outputs = comfyui.run(nodes)
    report = report_of(outputs)
    jsonschema.validate(report, schema)
    names = [report["name"], *[other["name"] for other in report["others"]]]
    assert names == [
        "euler, simple, cfg 2",
        "heun, simple, cfg 2",
        "dpmpp_2m, simple, cfg 2",
        "noisy",
    ]
    assert "injects noise" in report["across"]["left_out"]["noisy"]
    assert {best["steps"] for best in report["across"]["nearest"]} >= {4, 8}
    assert len(outputs["images"]["images"]) == 16


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"frames": "all"}, "frames: expected first, middle, last"),
        ({"contenders": [{"cfg": 2.0}]}, "contenders: expected each one only once; got euler, simple, cfg 2 twice"),
        ({"contenders": [{"label": "a"}, {"cfg": 3, "label": "a"}]}, "contenders: .* only once; got a twice"),
    ],
)
def test_what_cannot_run_is_refused_before_any_work(comfyui, graph, inputs: dict, told: str):
    nodes = graph.demo() | {"failing": graph.faulty("raise", 1)}
    with pytest.raises(graph.Failed, match=told):
        comfyui.run(nodes | {"compare": graph.compare(model=["failing", 0], **inputs)})


@pytest.mark.parametrize(
    ("prefix", "told"),
    [
        ("../outside", "filename_prefix: expected .* the output folder, got '../outside'"),
        ("n" * 250, "filename_prefix: expected a name under which .* can be written, got 'nnn"),
        ("file/inside", "filename_prefix: expected a name under which .* can be written"),
        ("/outside", "filename_prefix: expected .* the output folder, got '/outside'"),
    ],
)
def test_a_prefix_that_cannot_be_written_is_marked_before_anything_runs(comfyui, graph, prefix: str, told: str):
    (comfyui.server.base / "output" / "file").touch()
    answer = comfyui.post(graph.demo(size=32) | {"compare": graph.compare(), "save": save_comparison(prefix)})
    (error,) = answer["node_errors"]["save"]["errors"]
    assert error["extra_info"]["input_name"] == "filename_prefix"
    assert re.search(told, error["details"])


def test_a_video_is_compared_by_chosen_frames(comfyui, graph):
    vae = {"class_type": "TestsOddVAE", "inputs": {"vae": ["model", 2], "kind": "video", "at_decode": 0}}
    nodes = graph.demo(batch=2) | {
        "odd": vae,
        "compare": graph.compare(steps="2, 3", vae=["odd", 0], frames="first, -2"),
        "shown": show_images("compare"),
    }
    outputs = comfyui.run(nodes)
    images = shown(comfyui, outputs)
    assert len(images) == 2 * 2 * 2
    assert report_of(outputs)["images"] == 4
    # Frame 7 of 9 has three tenths of the light.
    assert images[1].mean() == pytest.approx(0.3 * images[0].mean(), rel=0.03)


def test_a_frame_that_the_video_does_not_have_is_named(comfyui, graph):
    vae = {"class_type": "TestsOddVAE", "inputs": {"vae": ["model", 2], "kind": "video", "at_decode": 0}}
    nodes = graph.demo() | {"odd": vae, "compare": graph.compare(steps="2, 3", vae=["odd", 0], frames="9")}
    with pytest.raises(graph.Failed, match="this video has 9, numbered 0 to 8; got 9"):
        comfyui.run(nodes)


def test_a_vision_model_adds_a_semantic_distance(comfyui, graph):
    nodes = graph.demo() | {
        "vision": {"class_type": "TestsSmallClipVision", "inputs": {}},
        "compare": graph.compare(clip_vision=["vision", 0]),
    }
    distances = [row["semantic"] for row in report_of(comfyui.run(nodes))["runs"]]
    assert distances[-1] == 0
    assert 0 < distances[0] < 2


def test_cost_and_curve_and_markdown(comfyui, graph):
    nodes = graph.demo() | {
        "compare": graph.compare(price=0.25, price_unit="per step"),
        "markdown": graph.show("compare", 4),
        "curve": show_images("compare", 5),
    }
    outputs = comfyui.run(nodes)
    assert [row["cost"] for row in report_of(outputs)["runs"]] == [0.5, 1.0, 1.5]
    assert outputs["markdown"]["text"][0].startswith("# How many steps?")
    assert outputs["compare"]["markdown"] == outputs["markdown"]["text"]
    assert shown(comfyui, outputs, "curve")[0].shape == (480, 800, 3)


def test_saved_images_carry_report_step_count_and_workflow(comfyui, graph):
    inputs = {"steps": "2, 4", "seed": 8}
    prompt = graph.demo(size=32) | {
        "save": save_comparison("tests/saved/a"),
        "compare": graph.compare(**inputs, seeds=2),
    }
    outputs = comfyui.run(prompt)
    folder = comfyui.server.base / "output" / "tests" / "saved"
    told = {}
    for file in sorted(folder.glob("a_*_steps_*.png")):
        with Image.open(file) as image:
            info = image.info
        about = json.loads(info["sweetspot"])
        told[about["steps"], about["seed"]] = about["similarity"]
        assert json.loads(info["sweetspot_report"]) == report_of(outputs)
        assert graph.without_stamps(json.loads(info["prompt"])) == graph.spelled_out(prompt)
    assert sorted(told) == [(2, 8), (2, 9), (4, 8), (4, 9)]
    # Each image's own; the report's is the least of them.
    assert min(told[2, 8], told[2, 9]) == report_of(outputs)["runs"][0]["similarity"] < max(told[2, 8], told[2, 9])
    assert json.loads(next(folder.glob("a_*_report.json")).read_text("utf-8")) == report_of(outputs)
    assert next(folder.glob("a_*_report.md")).read_text("utf-8") == outputs["compare"]["markdown"][0]
    # Every file is listed, so that the history, the jobs and the assets show it.
    listed = outputs["save"]["images"] + outputs["save"]["files"]
    assert {(file["subfolder"], file["filename"]) for file in listed} == {
        ("tests/saved", file.name) for file in folder.iterdir()
    }
    assert {file["type"] for file in listed} == {"output"}
    comfyui.run(prompt | {"compare": graph.compare(**inputs)})
    assert (folder / "a_00002_report.json").is_file()


def test_only_what_is_wanted_is_saved(comfyui, graph):
    off = dict.fromkeys(("images", "grid", "curve", "report"), False)
    nodes = graph.demo(size=32) | {"compare": graph.compare(steps="2, 4")}
    outputs = comfyui.run(nodes | {"save": save_comparison("tests/page/b", **off)})
    folder = comfyui.server.base / "output" / "tests" / "page"
    assert [file.name for file in folder.iterdir()] == ["b_00001_page.html"]
    page = (folder / "b_00001_page.html").read_text("utf-8")
    assert report_of(outputs)["headline"]["text"] in page
    with pytest.raises(graph.Failed, match="expected at least one of them to be on"):
        comfyui.run(nodes | {"save": save_comparison("tests/page/b", **off, page=False)})


def test_images_in_full_precision_are_the_vaes_own(comfyui, graph):
    """Saved as levels they are the same; kept as floats they differ from levels by less than one."""
    nodes = graph.demo(size=32)
    images = {}
    for kept_as in ("8 bit", "float32"):
        compare = graph.compare(steps="2, 4", kept_as=kept_as, together="off")
        outputs = comfyui.run(nodes | {"compare": compare, "shown": show_images("compare")})
        images[kept_as] = shown(comfyui, outputs), report_of(outputs)["runs"][0]["psnr"]
    assert all(np.array_equal(a, b) for a, b in zip(images["8 bit"][0], images["float32"][0], strict=True))
    assert images["8 bit"][1] != images["float32"][1]
    assert images["8 bit"][1] == pytest.approx(images["float32"][1], abs=0.2)


@pytest.mark.parametrize("sampler", ["dpm_adaptive", "dpm_fast"])
def test_no_sweet_spot_is_named_for_a_sampler_that_chooses_its_own_steps(comfyui, graph, sampler: str):
    nodes = graph.demo(size=32)
    for steps in ("4, 10", "auto"):
        outputs = comfyui.run(nodes | {"compare": graph.compare(steps=steps, sampler_name=sampler, seed=5)})
        verdict = report_of(outputs)["sweet_spot"]
        assert verdict["steps"] is None
        assert "chooses its own steps" in verdict["reason"]


def test_a_comparison_that_can_not_be_saved_is_still_shown(comfyui, graph):
    """The folder is taken away while it samples, as by a full or removed disk."""
    folder = comfyui.server.base / "output" / "gone"
    nodes = graph.demo(size=32) | {"slow": graph.faulty("slow"), "save": save_comparison("gone/x")}
    compare = graph.compare(steps="3, 40", model=["slow", 0], cache_megabytes=0)
    socket, client_id = comfyui.listen()
    prompt_id = comfyui.queue(nodes | {"compare": compare}, client_id)
    comfyui.wait_until_sampling(socket, prompt_id)
    shutil.rmtree(folder)
    folder.write_text("in the way")
    entry = comfyui.wait(prompt_id)
    socket.close()
    (failure,) = [message for kind, message in entry["status"]["messages"] if kind == "execution_error"]
    assert failure["node_id"] == "save"
    assert len(report_of(entry["outputs"])["runs"]) == 2
    folder.unlink()


def test_contenders_with_other_models_find_the_cheapest_setup(comfyui, graph, schema):
    """A slower model with the same weights is never the cheapest, and a shift is another model."""
    nodes = graph.demo(size=32) | {
        "slow": graph.faulty("slow", 0),
        "shifted": {"class_type": "ModelSamplingSD3", "inputs": {"model": ["model", 0], "shift": 3.0}},
    }
    contenders = [{"model": ["slow", 0], "label": "slow"}, {"model": ["shifted", 0], "sampler_name": "dpmpp_2m"}]
    compare = graph.compare(steps="8, 16, 32, 64", contenders=contenders, check="on", together="off")
    report = report_of(comfyui.run(nodes | {"compare": compare}))
    jsonschema.validate(report, schema)
    first, (slow, shifted) = report, report["others"]
    assert [row["similarity"] for row in slow["runs"]] == [row["similarity"] for row in first["runs"]]
    assert slow["runs"][-1]["seconds"] > 64 * 0.05 > first["runs"][-1]["seconds"]
    found = report["cheapest"]
    assert len(found["setups"]) == 12
    assert found["reference"] | {"seconds": 0} == {
        "name": first["name"],
        "steps": 64,
        "seconds": 0,
        "model_calls": 64,
        "similarity": 1.0,
    }
    assert shifted["name"] in {setup["name"] for setup in found["setups"]}
    if first["sweet_spot"]["answer"] == "enough":
        assert found["best"]["name"] != "slow"
        assert found["best"]["seconds"] <= first["runs"][-1]["seconds"]


def test_contenders_are_named_after_what_distinguishes_them(comfyui, graph):
    graph.save_lora(comfyui.server.base / "models" / "loras" / "mine.safetensors")
    lora = {"model": ["model", 0], "lora_name": "mine.safetensors", "strength_model": 0.5}
    nodes = graph.demo(size=32) | {
        "lora": {"class_type": "LoraLoaderModelOnly", "inputs": lora},
        "shifted": {"class_type": "ModelSamplingSD3", "inputs": {"model": ["model", 0], "shift": 3.0}},
    }
    contenders = [{"model": ["lora", 0]}, {"model": ["shifted", 0]}, {"model": ["lora", 0], "label": "my own"}]
    report = report_of(comfyui.run(nodes | {"compare": graph.compare(steps="2, 3", contenders=contenders)}))
    names = [other["name"] for other in report["others"]]
    assert len({report["name"], *names}) == 4
    assert names[0].endswith("mine.safetensors") or names[0].endswith("model 2")
    assert names[1].endswith("model 3")
    assert names[2] == "my own"


def test_a_contender_with_other_latents_is_refused(comfyui, graph):
    nodes = graph.demo(size=32) | {"other": {"class_type": "TestsOtherLatents", "inputs": {"model": ["model", 0]}}}
    with pytest.raises(graph.Failed, match="contenders: expected models with the same kind of latent"):
        comfyui.run(nodes | {"compare": graph.compare(contenders=[{"model": ["other", 0]}])})


def test_several_prompts_get_one_verdict_and_are_those_of_single_comparisons(comfyui, graph):
    nodes = graph.demo(size=32) | {
        "second": {"class_type": "CLIPTextEncode", "inputs": {"text": "a green cross", "clip": ["model", 1]}},
        "shown": show_images("compare"),
    }
    exact = {"steps": "2, 4", "together": "off", "kept_as": "float32"}
    both = comfyui.run(nodes | {"compare": graph.compare(**exact, seeds=2, **{"prompts.prompt0": ["second", 0]})})
    report = report_of(both)
    assert (report["prompts"], report["seeds"], report["images"]) == (2, 2, 4)
    alone = [
        shown(comfyui, comfyui.run(nodes | {"compare": graph.compare(**exact, seeds=2, positive=[positive, 0])}))
        for positive in ("positive", "second")
    ]
    # By rising step count, and there one prompt after another.
    expected = [*alone[0][:2], *alone[1][:2], *alone[0][2:], *alone[1][2:]]
    assert all(np.array_equal(one, other) for one, other in zip(shown(comfyui, both), expected, strict=True))


def test_a_threshold_of_ones_own_decides(comfyui, graph, schema):
    nodes = graph.demo(size=32)
    found = []
    for threshold in (50, 99.9):
        report = report_of(comfyui.run(nodes | {"compare": graph.compare(steps="4, 8, 16, 32", threshold=threshold)}))
        jsonschema.validate(report, schema)
        assert report["visible"] == {"when": "to you", "below": threshold / 100}
        found.append(report["sweet_spot"]["steps"] or 32)
    assert found[0] < found[1]


def test_the_reference_is_checked_by_another_solver_and_the_check_is_kept(comfyui, graph, schema):
    nodes = graph.demo(size=64)
    found = [
        report_of(comfyui.run(nodes | {"compare": graph.compare(steps=steps, seed=9, check="on")}))
        for steps in ("4, 25", "4, 12, 25")
    ]
    for report in found:
        jsonschema.validate(report, schema)
        assert (report["check"]["sampler"], report["check"]["steps"] in (12, 24)) == ("dpmpp_2m", True)
    assert found[0]["check"] == found[1]["check"]
    sure = report_of(comfyui.run(nodes | {"compare": graph.compare(steps="4, 25, 50", seed=9, check="off")}))
    assert (sure["check"], sure["sweet_spot"]["confidence"] in ("medium", "low")) == (None, True)
