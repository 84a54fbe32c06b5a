"""Translations against the schema that ComfyUI serves: every key in every language. English is in the code alone."""

import json
from pathlib import Path
from typing import Any

import pytest
from sweetspot.cli.demo import get_json

LANGUAGES = ("ja", "zh")


@pytest.fixture(scope="module")
def told(comfyui) -> dict[str, Any]:
    """What the schema says, in the form of a translation."""
    nodes = get_json(comfyui.server, "/object_info")
    return {name: as_translation(node) for name, node in nodes.items() if is_for_people(name)}


def is_for_people(name: str) -> bool:
    """Return whether a node is ours, and none of those that only stand in a comparison's branches."""
    return name.startswith("SweetSpot") and not name.startswith("SweetSpotBranch")


def as_translation(node: dict[str, Any]) -> dict[str, Any]:
    inputs = node["input"].get("required", {}) | node["input"].get("optional", {})
    return {
        "display_name": node["display_name"],
        "description": node["description"],
        "inputs": {name: {"name": name, "tooltip": options[1]["tooltip"]} for name, options in inputs.items()},
        "outputs": {
            str(place): {"name": name, "tooltip": tooltip}
            for place, (name, tooltip) in enumerate(zip(node["output_name"], node["output_tooltips"], strict=True))
        },
    }


def keys_of(value: Any, path: str = "") -> dict[str, str]:
    if isinstance(value, dict):
        return {key: text for name, entry in value.items() for key, text in keys_of(entry, f"{path}/{name}").items()}
    return {path: value}


def translation(root: Path, language: str) -> dict[str, Any]:
    return json.loads((root / "locales" / language / "nodeDefs.json").read_text("utf-8"))


def test_there_is_a_folder_for_each_language_and_no_other(root: Path):
    assert sorted(folder.name for folder in (root / "locales").iterdir()) == ["en", *LANGUAGES]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_name_input_and_output_is_translated(told, root: Path, language: str):
    texts = keys_of(translation(root, language))
    assert texts.keys() == keys_of(told).keys()
    assert all(text.strip() for text in texts.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_that_are_typed_in_stay_as_they_are(told, root: Path, language: str):
    """What people write into an input, or find in it, is the same in every language."""
    english, other = keys_of(told), keys_of(translation(root, language))
    for key, text in english.items():
        for word in ("num_inference_steps", "scheduler_config.json", "8..32:8", "dpmpp_2m/karras", "draft", "auto"):
            if word in text.replace("automatic", "").split() or f"{word}," in text:
                assert word in other[key], key


def test_comfyui_serves_them(comfyui, root: Path):
    served = get_json(comfyui.server, "/i18n")
    for language in LANGUAGES:
        nodes = served[language]["nodeDefs"]
        assert nodes["SweetSpotCompare"] == translation(root, language)["SweetSpotCompare"]
        assert served[language]["sweetspot"]["viewer"]["empty"]
        assert served[language]["settings"]["SweetSpot_Quality"]["name"]
