"""The extras of Step-Aware Sampler: each as a user would see it."""

import json
from typing import Any

import pytest
import torch
from sweetspot.cli.demo import get_json


def run(comfyui, graph, extra: dict[str, Any] | None = None, **settings: Any) -> tuple[dict, dict]:
    """Run ours on the demo and return its trace and what all nodes showed."""
    batch = settings.pop("batch", 1)
    prompt = graph.demo(batch=batch) | {"ours": graph.sampler("SweetSpotSampler", **settings)}
    prompt |= {"trace": graph.show("ours", 3), "text": graph.show("ours", 6), "save": graph.save_latent("ours")}
    outputs = comfyui.run(prompt | (extra or {}))
    return json.loads(outputs["trace"]["text"][0]), outputs


class TestTrace:
    def test_each_step_tells_level_timestep_scale_and_halves(self, comfyui, graph):
        trace, _ = run(comfyui, graph, steps=4, cfg=2.0)
        assert [step["sigma"] for step in trace["steps"]] == pytest.approx([1.0, 0.75, 0.5, 0.25])
        # A Flux model's timesteps are its noise levels; those of others are tested with the plans below.
        assert [step["timestep"] for step in trace["steps"]] == pytest.approx([1.0, 0.75, 0.5, 0.25])
        assert [step["cfg"] for step in trace["steps"]] == [2.0] * 4
        assert [step["halves"] for step in trace["steps"]] == [2] * 4
        assert not any(step["half_skipped"] for step in trace["steps"])

    def test_at_cfg_1_the_half_that_comfyui_leaves_out_is_told(self, comfyui, graph):
        trace, _ = run(comfyui, graph, steps=3, cfg=1.0)
        assert (trace["model_calls"], trace["halves"]) == (3, 3)
        assert all(step["half_skipped"] for step in trace["steps"])

    def test_second_calls_belong_to_the_step_that_made_them(self, comfyui, graph):
        trace, _ = run(comfyui, graph, sampler_name="heun", steps=4)
        assert [step["model_calls"] for step in trace["steps"]] == [2, 2, 2, 1]

    def test_a_part_of_a_run_tells_its_own_steps(self, comfyui, graph):
        trace, _ = run(comfyui, graph, steps=8, start_at_step=2, end_at_step=5)
        assert (trace["steps_asked"], trace["steps_scheduled"], trace["steps_run"]) == (8, 3, 3)
        assert trace["steps"][0]["sigma"] == pytest.approx(0.75)

    def test_a_sampler_that_ignores_the_step_count_is_traced(self, comfyui, graph):
        trace, _ = run(comfyui, graph, sampler_name="dpm_adaptive", scheduler="karras", steps=5)
        levels = [step["sigma"] for step in trace["steps"]]
        assert trace["steps_asked"] == 5
        assert levels == sorted(levels, reverse=True)
        assert trace["model_calls"] == sum(step["model_calls"] for step in trace["steps"])

    def test_a_call_that_a_cache_answers_is_a_call_of_its_own_step(self, comfyui, graph):
        cache = {
            "model": ["model", 0],
            "reuse_threshold": 3.0,
            "start_percent": 0.0,
            "end_percent": 1.0,
            "verbose": False,
        }
        nodes = {"cache": {"class_type": "LazyCache", "inputs": cache}}
        trace, _ = run(comfyui, graph, nodes, model=["cache", 0], steps=8)
        assert [step["model_calls"] for step in trace["steps"]] == [1] * 8
        assert [step["sigma"] for step in trace["steps"]] == pytest.approx([1 - step / 8 for step in range(8)])
        assert trace["halves"] < 16

    def test_progress_comes_live_at_most_ten_times_a_second(self, comfyui, graph):
        socket, client_id = comfyui.listen()
        prompt = graph.demo() | {
            "slow": graph.faulty("slow", 0),
            "ours": graph.sampler("SweetSpotSampler", model=["slow", 0], steps=20, cfg=1.0),
            "save": graph.save_latent("ours"),
        }
        prompt_id = comfyui.queue(prompt, client_id)
        messages = []
        while True:
            received = socket.recv()
            message = json.loads(received) if isinstance(received, str) else {}
            if message.get("type") == "sweetspot.trace":
                messages.append(message["data"])
            if message.get("type") == "executing" and message["data"]["node"] is None:
                break
        socket.close()
        assert comfyui.wait(prompt_id)["status"]["status_str"] == "success"
        assert {message["node"] for message in messages} == {"ours"}
        # 20 steps of 0.05 s and more: about one second.
        seconds = messages[-1]["seconds"]
        assert 5 <= len(messages) <= seconds * 10 + 1
        assert [message["step"] for message in messages] == sorted({message["step"] for message in messages})
        assert messages[-1]["sigma"] < messages[0]["sigma"]
        assert messages[-1]["seconds_left"] < messages[1]["seconds_left"]
        assert messages[-1]["change"] > 0


class TestKeptSteps:
    def test_they_are_what_the_model_predicted_at_those_steps(self, comfyui, graph):
        """A run that ends after step k without its noise left is, for Euler, the prediction of step k."""
        prompt = {
            "kept": graph.save_latent("ours", 4),
            "numbers": graph.show("ours", 5),
            "two": graph.sampler("KSamplerAdvanced", steps=6, end_at_step=2, start_at_step=0, noise_seed=11) | {},
            "save two": graph.save_latent("two"),
        }
        prompt["two"]["inputs"] |= {"add_noise": "enable", "return_with_leftover_noise": "disable"}
        trace, outputs = run(comfyui, graph, prompt, steps=6, keep_steps="2, -1", batch=2)
        kept = comfyui.latent(outputs, "kept")
        assert outputs["numbers"]["text"] == ["2, 6"]
        assert trace["kept"] == [2, 6]
        assert kept.shape == (4, 16, 8, 8)
        assert torch.allclose(kept[:2], comfyui.latent(outputs, "save two"), atol=1e-5)
        assert torch.allclose(kept[2:], comfyui.latent(outputs, "save"), atol=1e-5)

    @pytest.mark.parametrize("keep", ["0", "4, 4", "four"])
    def test_a_mistake_is_refused_before_anything_runs(self, comfyui, graph, keep: str):
        with pytest.raises(graph.Refused) as caught:
            run(comfyui, graph, keep_steps=keep, guidance_window="always", window_start=0.0, window_end=1.0)
        (error,) = next(iter(caught.value.errors.values()))["errors"]
        assert error["extra_info"]["input_name"] == "keep_steps"
        assert "keep_steps: expected" in error["details"]

    def test_a_step_that_the_run_does_not_have_is_named_before_the_model_is_called(self, comfyui, graph):
        with pytest.raises(graph.Failed, match=r"keep_steps: expected steps from 1 to 3 .*; got 9"):
            run(comfyui, graph, steps=3, keep_steps="9")

    def test_without_kept_steps_the_output_names_the_input_and_gives_no_empty_latent(self, comfyui, graph):
        socket, client_id = comfyui.listen()
        prompt = graph.demo() | {"ours": graph.sampler("SweetSpotSampler"), "kept": graph.save_latent("ours", 4)}
        entry = comfyui.wait(comfyui.queue(prompt, client_id))
        assert "kept" not in entry["outputs"]
        errors = []
        while not errors:
            received = socket.recv()
            message = json.loads(received) if isinstance(received, str) else {}
            errors += [message["data"]] if message.get("type") == "execution_error" else []
        socket.close()
        assert "keep_steps" in errors[0]["exception_message"]
        # Through the API nobody sees that message: the text says it too.
        prompt |= {"text": graph.show("ours", 6)}
        assert "keep_steps" in comfyui.run(prompt)["text"]["text"][0]

    def test_the_filmstrip_shows_them_with_their_numbers(self, comfyui, graph):
        prompt = {
            "decoded": {"class_type": "VAEDecode", "inputs": {"samples": ["ours", 4], "vae": ["model", 2]}},
            "strip": {
                "class_type": "SweetSpotFilmstrip",
                "inputs": {"images": ["decoded", 0], "kept_steps": ["ours", 5]},
            },
        }
        _, outputs = run(comfyui, graph, prompt, steps=4, keep_steps="1, 2, -1")
        assert len(outputs["strip"]["images"]) == 1


class TestGuidanceWindow:
    def test_the_unconditional_half_is_not_computed_outside_it(self, comfyui, graph):
        trace, outputs = run(comfyui, graph, steps=8, guidance_window="first half", cfg=3.0)
        assert [step["cfg"] for step in trace["steps"]] == [3.0] * 4 + [1.0] * 4
        assert [step["half_skipped"] for step in trace["steps"]] == [False] * 4 + [True] * 4
        assert trace["halves"] == 12
        assert "first half; source: Castillo" in outputs["text"]["text"][0]
        assert "in 4 of 8 steps" in outputs["text"]["text"][0]

    def test_it_is_the_same_as_two_stock_samplers_with_and_without_cfg(self, comfyui, graph):
        def part(start: int, end: int, cfg: float, latent: str, noise: str) -> dict:
            inputs = {"start_at_step": start, "end_at_step": end, "noise_seed": 11, "add_noise": noise}
            leftover = "enable" if end < 100 else "disable"
            return graph.sampler(
                "KSamplerAdvanced",
                steps=8,
                cfg=cfg,
                latent_image=[latent, 0],
                return_with_leftover_noise=leftover,
                **inputs,
            )

        prompt = {
            "guided": part(0, 4, 3.0, "latent", "enable"),
            "plain": part(4, 10000, 1.0, "guided", "disable"),
            "save plain": graph.save_latent("plain"),
        }
        _, outputs = run(comfyui, graph, prompt, steps=8, guidance_window="first half", cfg=3.0)
        assert torch.allclose(comfyui.latent(outputs, "save"), comfyui.latent(outputs, "save plain"), atol=2e-5)

    @pytest.mark.parametrize(
        ("window", "start", "end", "guided"),
        [
            ("first 40 %", 0, 1, [0, 1, 2, 3]),
            ("by fractions", 0.2, 0.5, [2, 3, 4]),
            ("by sigmas", 0.8, 0.45, [2, 3, 4, 5]),
            # (0.28, 5.42] as t = sigma / (1 + sigma): 0.219 to 0.844
            ("sdxl interval", 0, 1, [2, 3, 4, 5, 6, 7]),
            ("always", 0, 1, list(range(10))),
        ],
    )
    def test_every_window_guides_its_own_steps(self, comfyui, graph, window, start, end, guided):
        trace, _ = run(comfyui, graph, steps=10, guidance_window=window, window_start=start, window_end=end, cfg=3.0)
        assert [step["step"] - 1 for step in trace["steps"] if step["cfg"] != 1] == guided

    def test_shares_are_of_the_whole_schedule_also_in_a_part_of_it(self, comfyui, graph):
        first, _ = run(comfyui, graph, steps=8, cfg=3.0, guidance_window="first half", end_at_step=6)
        second, _ = run(comfyui, graph, steps=8, cfg=3.0, guidance_window="first half", start_at_step=3)
        assert [step["cfg"] for step in first["steps"]] == [3.0] * 4 + [1.0] * 2
        assert [step["cfg"] for step in second["steps"]] == [3.0] + [1.0] * 4

    def test_an_unknown_word_through_a_link_is_refused(self, comfyui, graph):
        word = {"word": {"class_type": "PrimitiveString", "inputs": {"value": "last half"}}}
        with pytest.raises((graph.Failed, graph.Refused), match=r"guidance_window"):
            run(comfyui, graph, word, guidance_window=["word", 0])

    def test_the_adaptive_one_drops_guidance_once_and_for_all(self, comfyui, graph):
        trace, _ = run(comfyui, graph, steps=20, guidance_window="adaptive", cfg=3.0)
        scales = [step["cfg"] for step in trace["steps"]]
        assert scales == sorted(scales, reverse=True)
        assert trace["halves"] == 20 + scales.count(3.0)

    @pytest.mark.parametrize(
        ("settings", "why"),
        [
            ({"sampler_name": "euler_cfg_pp", "cfg": 1.5}, "needs both halves"),
            ({"cfg": 1.0}, "cfg is already 1"),
        ],
    )
    def test_it_says_when_it_cannot_save(self, comfyui, graph, settings: dict, why: str):
        trace, outputs = run(comfyui, graph, steps=4, guidance_window="first half", **settings)
        assert why in outputs["text"]["text"][0]
        assert any(why in note for note in trace["notes"])
        prompt = graph.demo() | {
            "windowed": graph.sampler("SweetSpotSampler", guidance_window="first half", **settings),
            "stock": graph.sampler("KSampler", **settings),
            "same": graph.equal("windowed", "stock"),
        }
        assert comfyui.run(prompt)["same"]["equal"] == [True]

    def test_a_window_that_is_none_is_refused(self, comfyui, graph):
        with pytest.raises(graph.Failed, match=r"window_start <= window_end <= 1 .*; got 0.6 and 0.2"):
            run(comfyui, graph, guidance_window="by fractions", window_start=0.6, window_end=0.2)


class TestStopWhenSettled:
    def test_it_stops_with_the_prediction_it_has_and_tells(self, comfyui, graph):
        trace, outputs = run(
            comfyui, graph, {"kept": graph.save_latent("ours", 4)}, steps=40, stop_when_settled=0.1, keep_steps="-1"
        )
        assert 1 < trace["steps_run"] < trace["steps_scheduled"] == 40
        assert trace["model_calls"] == trace["steps_run"]
        assert f"stopped when settled: after step {trace['steps_run']} of 40" in outputs["text"]["text"][0]
        assert torch.allclose(comfyui.latent(outputs, "save"), comfyui.latent(outputs, "kept"), atol=1e-6)

    def test_it_waits_for_a_window_that_has_yet_to_close_and_says_so(self, comfyui, graph):
        window = {"guidance_window": "by fractions", "window_start": 0.0, "window_end": 0.95}
        trace, _ = run(comfyui, graph, steps=20, cfg=3.0, stop_when_settled=1.0, **window)
        assert trace["steps_run"] == 20
        assert any(
            note.startswith("stop when settled:") and "waited for the guidance window" in note
            for note in trace["notes"]
        )

    @pytest.mark.parametrize(
        ("settings", "why"),
        [
            ({"sampler_name": "euler_ancestral"}, "euler_ancestral injects noise"),
            ({"sampler_name": "dpm_adaptive", "scheduler": "karras"}, "chooses its own steps"),
            ({"end_at_step": 6, "return_with_leftover_noise": "enable"}, "this run leaves noise in its latent"),
        ],
    )
    def test_where_it_cannot_be_told_it_runs_to_the_end_and_says_so(self, comfyui, graph, settings: dict, why: str):
        settings = {"steps": 8} | settings
        prompt = graph.demo() | {
            "off": graph.sampler("SweetSpotSampler", **settings),
            "on": graph.sampler("SweetSpotSampler", stop_when_settled=0.5, **settings),
            "same": graph.equal("off", "on"),
            "text": graph.show("on", 6),
        }
        outputs = comfyui.run(prompt)
        assert outputs["same"]["equal"] == [True]
        assert why in outputs["text"]["text"][0]


class TestTimeBudget:
    def test_the_count_that_fits_is_run_and_told_beside_the_one_asked(self, comfyui, graph):
        def slow(seed: int) -> dict:
            return {
                "slow": graph.faulty("slow", seed),
                "ours": graph.sampler(
                    "SweetSpotSampler", model=["slow", 0], steps=40, time_budget=1.0, cfg=1.0, seed=seed
                ),
            }

        # Each call sleeps for 0.05 s, so that no more than 20 fit. A busy machine may fit fewer.
        first, outputs = run(comfyui, graph, slow(1))
        assert first["steps_asked"] == 40
        assert 1 <= first["steps_run"] <= 18
        assert "time budget: 40 steps" in outputs["text"]["text"][0]
        again, _ = run(comfyui, graph, slow(2))
        assert 1 <= again["steps_run"] <= 20

    def test_what_fits_is_left_alone(self, comfyui, graph):
        prompt = graph.demo() | {
            "budget": graph.sampler("SweetSpotSampler", steps=6, time_budget=600.0),
            "stock": graph.sampler("KSampler", steps=6),
            "same": graph.equal("budget", "stock"),
        }
        assert comfyui.run(prompt)["same"]["equal"] == [True]

    def test_steps_to_keep_that_do_not_fit_are_told(self, comfyui, graph):
        nodes = {
            "slow": graph.faulty("slow", 3),
            "ours": graph.sampler(
                "SweetSpotSampler", model=["slow", 0], steps=40, time_budget=0.9, cfg=1.0, keep_steps="1, 39, -1"
            ),
        }
        trace, _ = run(comfyui, graph, nodes)
        assert trace["kept"] == [1, trace["steps_run"]]
        assert any("keep_steps: this run had no step 39" in note for note in trace["notes"])

    def test_it_does_not_go_below_the_plans_minimum(self, comfyui, graph):
        """The demo model's draft has 6 steps; nothing below is recommended for it."""
        nodes = {"preset": {"class_type": "SweetSpotPreset", "inputs": {"model": ["model", 0]}}}
        trace, _ = run(comfyui, graph, nodes, plan=["preset", 1], time_budget=0.01, seed=5)
        assert (trace["steps_asked"], trace["steps_run"]) == (12, 6)
        assert any("time budget: 12 steps" in note and "ran 6, the fewest" in note for note in trace["notes"])

    def test_a_time_that_was_remembered_on_a_busy_machine_is_forgotten(self, comfyui, graph):
        nodes = {"slow": graph.faulty("slow", 4)}
        run(comfyui, graph, nodes, model=["slow", 0], steps=8, time_budget=0.1, cfg=1.0, batch=3, seed=1)
        # One run as it is now, with a budget or without one, is remembered in its place.
        run(comfyui, graph, steps=8, cfg=1.0, batch=3, seed=2)
        trace, _ = run(comfyui, graph, steps=8, time_budget=30.0, cfg=1.0, batch=3, seed=3)
        assert trace["steps_run"] == 8

    def test_a_budget_that_cannot_be_met_is_told(self, comfyui, graph):
        trace, _ = run(comfyui, graph, steps=2, time_budget=0.001, seed=77)
        assert any("time budget: sampling took" in note for note in trace["notes"])

    def test_an_exact_schedule_is_not_shortened(self, comfyui, graph):
        nodes = {
            "sigmas": {"class_type": "ManualSigmas", "inputs": {"sigmas": "1.0, 0.8, 0.6, 0.4, 0.2, 0"}},
            "plan": {"class_type": "SweetSpotPlan", "inputs": {"sigmas": ["sigmas", 0], "cfg": 1.0}},
        }
        trace, _ = run(comfyui, graph, nodes, plan=["plan", 0], time_budget=0.001)
        assert [step["sigma"] for step in trace["steps"]] == pytest.approx([1, 0.8, 0.6, 0.4, 0.2])

    def test_a_sampler_that_chooses_its_own_steps_has_none(self, comfyui, graph):
        trace, _ = run(comfyui, graph, sampler_name="dpm_fast", steps=9, time_budget=0.001)
        assert trace["model_calls"] == 9
        assert any("time budget" in note and "dpm_fast" in note for note in trace["notes"])

    def test_it_is_refused_for_a_part_of_a_run(self, comfyui, graph):
        with pytest.raises(graph.Failed, match=r"time_budget: expected 0 .*start_at_step or end_at_step.*; got 5"):
            run(comfyui, graph, time_budget=5.0, end_at_step=2)


def planned(variant: str, sampling: str = "", **changes: Any) -> dict[str, Any]:
    """Return a preset of a chosen variant on the demo model, made to count noise as that variant's models do."""
    nodes: dict[str, Any] = {
        "preset": {"class_type": "SweetSpotPreset", "inputs": {"model": ["model", 0], "variant": variant}},
        "plan": {"class_type": "SweetSpotPlan", "inputs": {"plan": ["preset", 1], **changes}},
    }
    if sampling:
        inputs = {"model": ["model", 0], "sampling": sampling, "zsnr": False}
        nodes["discrete"] = {"class_type": "ModelSamplingDiscrete", "inputs": inputs}
        nodes["preset"]["inputs"]["model"] = ["discrete", 0]
    return nodes


class TestPlan:
    @pytest.mark.parametrize(
        ("variant", "timesteps"),
        [
            ("sdxl_dmd2_4", [999, 749, 499, 249]),
            ("sdxl_dmd2_1", [399]),
            ("sdxl_lightning_4", [999, 749, 499, 249]),
            ("sdxl_lightning_8", [999, 874, 749, 624, 499, 374, 249, 124]),
            ("sdxl_hyper_unet_1", [800]),
        ],
    )
    def test_trained_timesteps_are_used_exactly(self, comfyui, graph, variant: str, timesteps: list[int]):
        sampler = {"model": ["preset", 0], "plan": ["plan", 0]}
        trace, _ = run(comfyui, graph, planned(variant, "eps"), **sampler)
        assert [round(step["timestep"], 2) for step in trace["steps"]] == timesteps
        assert trace["steps"][-1]["sigma_next"] == 0
        assert not any("fixed schedule" in note for note in trace["notes"])

    def test_those_of_a_flow_model_too(self, comfyui, graph):
        nodes = planned("wan21_lightx2v", steps=4)
        trace, _ = run(comfyui, graph, nodes, model=["preset", 0], plan=["plan", 0])
        # sigma = 5 t / (1 + 4 t) at t = 1, 0.75, 0.5, 0.25
        assert [step["sigma"] for step in trace["steps"]] == pytest.approx([1, 0.9375, 5 / 6, 0.625], abs=1e-3)

    def test_fixed_sigmas_are_used_exactly(self, comfyui, graph):
        levels = [1.0, 0.99375, 0.9875, 0.98125, 0.975, 0.909375, 0.725, 0.421875]
        trace, _ = run(comfyui, graph, planned("ltx2_distilled"), model=["preset", 0], plan=["plan", 0])
        assert [step["sigma"] for step in trace["steps"]] == pytest.approx(levels, abs=1e-6)
        assert trace["steps"][-1]["sigma_next"] == 0

    def test_steps_off_the_trained_ones_warn_or_snap(self, comfyui, graph):
        nodes = planned("sdxl_lightning_4", "eps", steps=9)
        sampler = {"model": ["preset", 0], "plan": ["plan", 0]}
        warned, _ = run(comfyui, graph, nodes, **sampler)
        assert warned["steps_run"] == 9
        assert any("was trained for 4 steps" in note and "9" in note for note in warned["notes"])
        assert any("fixed schedule does not have 9 steps" in note for note in warned["notes"])
        snapped, _ = run(comfyui, graph, nodes, off_trained_steps="snap", **sampler)
        assert [round(step["timestep"]) for step in snapped["steps"]] == [999, 749, 499, 249]
        assert any("set to 4" in note and "nearest" in note for note in snapped["notes"])

    def test_changes_are_laid_over_it_and_win_over_the_widgets(self, comfyui, graph):
        nodes = {
            "plan": {
                "class_type": "SweetSpotPlan",
                "inputs": {"steps": 5, "cfg": 2.5, "sampler_name": "dpmpp_2m", "scheduler": "beta"},
            },
            "stock": graph.sampler("KSampler", steps=5, cfg=2.5, sampler_name="dpmpp_2m", scheduler="beta"),
            "same": graph.equal("ours", "stock"),
        }
        _, outputs = run(comfyui, graph, nodes, plan=["plan", 0], steps=9, cfg=7.0)
        assert outputs["same"]["equal"] == [True]

    def test_a_schedule_by_hand_is_used_exactly_and_checked(self, comfyui, graph):
        def by_hand(sigmas: str, **inputs: Any) -> dict[str, Any]:
            return {
                "sigmas": {"class_type": "ManualSigmas", "inputs": {"sigmas": sigmas}},
                "plan": {"class_type": "SweetSpotPlan", "inputs": {"sigmas": ["sigmas", 0], **inputs}},
            }

        trace, _ = run(comfyui, graph, by_hand("1.0, 0.6, 0.2, 0"), plan=["plan", 0])
        assert [step["sigma"] for step in trace["steps"]] == pytest.approx([1, 0.6, 0.2])
        with pytest.raises(graph.Failed, match="sigmas: expected at least 2 falling noise levels"):
            run(comfyui, graph, by_hand("0.2, 0.6"), plan=["plan", 0])
        with pytest.raises(graph.Failed, match=r"steps: expected 0 or 3, .*sigmas; got 7"):
            run(comfyui, graph, by_hand("1, 0.6, 0.2, 0", steps=7), plan=["plan", 0])


class TestCheck:
    """Whether the steps were enough, by a short run of another solver."""

    def test_off_it_costs_nothing_and_says_nothing(self, comfyui, graph):
        trace, outputs = run(comfyui, graph, steps=4)
        assert trace["check"] is None
        assert "check" not in outputs["ours"]

    def test_few_steps_of_euler_are_not_enough_and_the_latent_stays_the_same(self, comfyui, graph):
        settings = {"steps": 4, "sampler_name": "euler"}
        extra = {"stock": graph.sampler("KSampler", **settings), "same": graph.equal("ours", "stock")}
        trace, outputs = run(comfyui, graph, extra, check="on", vae=["model", 2], **settings)
        assert outputs["same"]["equal"] == [True]
        assert trace["check"]["answer"] == "not finished"
        assert trace["check"]["sampler"] == "dpmpp_2m"
        assert trace["check"]["compared"] == "images"
        # The trace is that of the run itself.
        assert trace["model_calls"] == 4
        assert "4 steps were not enough" in outputs["text"]["text"][0]
        assert json.loads(outputs["ours"]["check"][0])["answer"] == "not finished"

    def test_a_finished_run_was_enough(self, comfyui, graph):
        settings = {"steps": 50, "sampler_name": "dpmpp_2m", "scheduler": "beta"}
        trace, outputs = run(comfyui, graph, check="on", vae=["model", 2], **settings)
        assert trace["check"]["answer"] == "enough"
        assert trace["check"]["sampler"] == "res_multistep"
        assert "50 steps were enough" in outputs["text"]["text"][0]

    def test_without_a_vae_latents_are_compared_and_that_is_said(self, comfyui, graph):
        trace, outputs = run(comfyui, graph, check="on", steps=4)
        assert (trace["check"]["compared"], trace["check"]["answer"]) == ("latents", "not finished")
        assert "link a VAE" in outputs["text"]["text"][0]

    @pytest.mark.parametrize("settings", [{"denoise": 0.6}, {"guidance_window": "first half"}, {"time_budget": 60}])
    def test_it_goes_with_the_other_settings(self, comfyui, graph, settings: dict[str, Any]):
        trace, _ = run(comfyui, graph, check="on", vae=["model", 2], steps=24, **settings)
        assert trace["check"]["answer"] in ("enough", "not finished", "not clear")

    @pytest.mark.parametrize(
        ("settings", "why"),
        [
            ({"sampler_name": "euler_ancestral"}, "euler_ancestral injects noise"),
            ({"sampler_name": "dpm_adaptive", "scheduler": "karras"}, "chooses its own steps"),
            ({"sampler_name": "euler_cfg_pp"}, "another equation"),
            ({"start_at_step": 2}, "only part of a schedule ran"),
            ({"end_at_step": 6}, "only part of a schedule ran"),
            ({"add_noise": "disable"}, "only part of a schedule ran"),
            ({"denoise": 0.0}, "too few steps"),
        ],
    )
    def test_where_it_means_nothing_it_says_why_and_runs_nothing(self, comfyui, graph, settings: dict, why: str):
        trace, outputs = run(comfyui, graph, check="on", **({"steps": 8} | settings))
        assert trace["check"] is None
        assert why in outputs["text"]["text"][0]
        assert json.loads(outputs["ours"]["check"][0])["answer"] == "not checked"

    def test_a_distilled_model_is_not_checked(self, comfyui, graph):
        _, outputs = run(comfyui, graph, planned("sdxl_lightning_4"), check="on", plan=["preset", 1])
        assert "distilled" in outputs["text"]["text"][0]


def test_what_was_shown_is_shown_again_where_nothing_changed(comfyui, graph):
    """ComfyUI runs no node of an unchanged prompt; what API clients read must still be in the history."""
    prompt = graph.demo(size=32) | {
        "preset": {"class_type": "SweetSpotPreset", "inputs": {"model": ["model", 0]}},
        "plan": {"class_type": "SweetSpotPlan", "inputs": {"plan": ["preset", 1], "steps": 2}},
        "ours": graph.sampler("SweetSpotSampler", plan=["plan", 0]),
        "saved": graph.save_latent("ours"),
    }
    if "has_intermediate_output" not in get_json(comfyui.server, "/object_info/KSampler")["KSampler"]:
        pytest.skip("this ComfyUI can't show it again")
    first, again = comfyui.run(prompt), comfyui.run(prompt)
    for node, names in {"preset": ["text"], "plan": ["text"], "ours": ["text", "trace"]}.items():
        assert [again[node][name] for name in names] == [first[node][name] for name in names]
