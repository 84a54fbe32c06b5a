"""What the browser is answered about a model, from names alone."""

from pathlib import Path

import folder_paths
import pytest
from sweetspot.nodes.model import recognise_here
from sweetspot.nodes.model.answers import answer_for


@pytest.fixture(autouse=True)
def nobodys_presets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_paths, "get_user_directory", lambda: str(tmp_path))
    monkeypatch.setattr(recognise_here, "load_index", lambda: None)
    recognise_here._templates.cache_clear()


def ask(name: str, choice: str = "", floor: str = "unknown") -> dict:
    graph = {
        "1": {"class_type": "UNETLoader", "inputs": {"unet_name": name}},
        "2": {"class_type": "SweetSpotPreset", "inputs": {"model": ["1", 0]}},
    }
    return answer_for(graph, "2", "model", choice, floor, with_files=False)


def test_a_known_name_gives_its_plans_with_sources_and_zones():
    answer = ask("z_image_turbo_bf16.safetensors")
    assert (answer["variant"], answer["name"], answer["confidence"]) == ("z_image_turbo", "Z-Image Turbo", "likely")
    assert [answer["qualities"][quality]["steps"] for quality in ("draft", "balanced", "best")] == [8, 8, 8]
    assert answer["qualities"]["balanced"]["sources"]["steps"]
    good = next(zone for zone in answer["zones"] if zone["name"] == "good")
    assert good["first"] <= 8 <= good["last"]
    assert "Z-Image Turbo" in good["text"]["text"]


def test_an_unknown_name_gives_the_safe_default_and_the_common_zones():
    answer = ask("nobody_knows_this.safetensors")
    assert (answer["variant"], answer["name"], answer["confidence"]) == ("unknown", "", "unknown")
    assert answer["qualities"]["balanced"]["steps"] == 25
    assert [(zone["first"], zone["last"]) for zone in answer["zones"] if zone["name"] == "good"] == [(20, 30)]


def test_a_match_that_is_too_weak_says_what_was_found():
    answer = ask("z_image_turbo_bf16.safetensors", floor="certain")
    assert (answer["name"], answer["confidence"], answer["required"]) == ("Z-Image Turbo", "likely", "certain")
    assert answer["qualities"]["balanced"]["steps"] == 25
    (warning,) = answer["qualities"]["balanced"]["warnings"]
    assert all(fact in warning["text"] for fact in ("Z-Image Turbo", "likely", "certain"))


def test_nothing_connected_is_an_unknown_model():
    answer = answer_for({"0": {"class_type": "SweetSpotSampler", "inputs": {}}}, "0", "model", "", "unknown")
    assert (answer["files"], answer["confidence"]) == ([], "unknown")
    assert len(answer["zones"]) > 3


def test_a_sampler_that_this_comfyui_lacks_is_replaced_and_said():
    answer = ask("x.safetensors", choice="flux_dev")
    assert answer["qualities"]["balanced"]["sampler_name"] == "euler"
