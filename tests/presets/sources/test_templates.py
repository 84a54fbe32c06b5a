"""The index of templates, on templates of our own; tests/comfyui recomputes it from the installed package."""

import json
from pathlib import Path

import pytest
from sweetspot.graphs.walk import Lora
from sweetspot.presets.recognition.evidence import Evidence
from sweetspot.presets.sources.templates import load_index

LIGHTNING = "Qwen-Image-Lightning-4steps-V1.0.safetensors"


def template(steps: int, switch: bool | None = None) -> dict:
    """A model, and where `switch` is told, a Lightning LoRA and its steps behind a yes or no."""
    nodes = [
        {"id": 1, "type": "UNETLoader", "inputs": [], "widgets_values": ["qwen_image_x.safetensors", "default"]},
        {
            "id": 3,
            "type": "KSampler",
            "inputs": [
                {"name": "model", "type": "MODEL", "link": 1},
                {"name": "steps", "type": "INT", "widget": {"name": "steps"}, "link": None if switch is None else 2},
            ],
            "widgets_values": [7, "fixed", steps, 4.0, "euler", "simple", 1.0],
        },
    ]
    links = [[1, 1, 0, 3, 0, "MODEL"]]
    if switch is not None:
        nodes += [
            {
                "id": 2,
                "type": "LoraLoaderModelOnly",
                "inputs": [{"name": "model", "type": "MODEL", "link": 3}],
                "outputs": [{"type": "MODEL"}],
                "widgets_values": [LIGHTNING, 1.0],
            },
            {"id": 4, "type": "PrimitiveBoolean", "inputs": [], "widgets_values": [switch]},
            {
                "id": 5,
                "type": "ComfySwitchNode",
                "inputs": [
                    {"name": "switch", "type": "BOOLEAN", "link": 4},
                    {"name": "on_false", "type": "MODEL", "link": 5},
                    {"name": "on_true", "type": "MODEL", "link": 6},
                ],
                "widgets_values": [False],
            },
            {
                "id": 6,
                "type": "ComfySwitchNode",
                "inputs": [
                    {"name": "switch", "type": "BOOLEAN", "link": 7},
                    {"name": "on_false", "type": "INT", "link": 8},
                    {"name": "on_true", "type": "INT", "link": 9},
                ],
                "widgets_values": [False],
            },
            {"id": 7, "type": "PrimitiveInt", "inputs": [], "widgets_values": [steps, "fixed"]},
            {"id": 8, "type": "PrimitiveInt", "inputs": [], "widgets_values": [4, "fixed"]},
        ]
        links = [
            [1, 5, 0, 3, 0, "MODEL"],
            [2, 6, 0, 3, 1, "INT"],
            [3, 1, 0, 2, 0, "MODEL"],
            [4, 4, 0, 5, 0, "BOOLEAN"],
            [5, 1, 0, 5, 1, "MODEL"],
            [6, 2, 0, 5, 2, "MODEL"],
            [7, 4, 0, 6, 0, "BOOLEAN"],
            [8, 7, 0, 6, 1, "INT"],
            [9, 8, 0, 6, 2, "INT"],
        ]
    return {"nodes": nodes, "links": links}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "site-packages" / "comfyui_workflow_templates_json" / "templates"
    folder.mkdir(parents=True)
    (folder.parent.parent / "comfyui_workflow_templates_json-1.2.3.dist-info").mkdir()
    return folder


def write(folder: Path, **templates: dict) -> None:
    for name, content in templates.items():
        (folder / f"{name}.json").write_text(json.dumps(content), "utf-8")


def test_a_file_is_known_by_its_exact_name(package: Path, tmp_path: Path):
    write(package, one=template(20), other=template(30), third=template(30))
    index = load_index([package], tmp_path / "cache")
    fields, source = index.find(Evidence(files=("models/QWEN_image_x.safetensors",)), "balanced")
    assert fields == {"steps": 30, "cfg": 4.0, "sampler_name": "euler", "scheduler": "simple"}  # what most have
    assert source == "installed template other"
    assert index.find(Evidence(files=("qwen_image_y.safetensors",)), "balanced") is None


@pytest.mark.parametrize("shipped", [False, True])
def test_what_a_switch_hides_is_known_too(package: Path, tmp_path: Path, shipped: bool):
    write(package, switched=template(20, switch=shipped))
    index = load_index([package], tmp_path / "cache")
    plain = Evidence(files=("qwen_image_x.safetensors",))
    fast = Evidence(
        files=("qwen_image_x.safetensors",), loras=(Lora(f"qwen/{LIGHTNING}", 1.0), Lora("style.safetensors", 1))
    )
    assert index.find(plain, "balanced")[0]["steps"] == 20
    assert index.find(fast, "balanced")[0]["steps"] == 4


def test_a_lora_that_only_a_template_knows_is_known(package: Path, tmp_path: Path):
    quick = template(3, switch=True)
    for node in quick["nodes"]:
        node["widgets_values"] = [
            6 if v == 4 else "brand_new.safetensors" if v == LIGHTNING else v for v in node["widgets_values"]
        ]
    write(package, one=template(20), two=template(20), quick=quick)
    index = load_index([package], tmp_path / "cache")
    file = ("qwen_image_x.safetensors",)
    assert index.find(Evidence(files=file, loras=(Lora("brand_new.safetensors", 1.0),)), "balanced")[0]["steps"] == 6
    assert index.find(Evidence(files=file), "balanced")[0]["steps"] == 20
    assert index.find(Evidence(files=file, loras=(Lora("my_style.safetensors", 1.0),)), "balanced")[0]["steps"] == 20


def test_a_stage_that_refines_is_no_recommendation(package: Path, tmp_path: Path):
    refining = template(3)
    refining["nodes"][1]["widgets_values"][-1] = 0.4  # denoise
    write(package, one=refining)
    index = load_index([package], tmp_path / "cache")
    assert index.find(Evidence(files=("qwen_image_x.safetensors",)), "balanced") is None
    write(package, other=template(20))
    index = load_index([package], tmp_path / "other cache")
    assert index.find(Evidence(files=("qwen_image_x.safetensors",)), "balanced")[0]["steps"] == 20


def test_the_index_is_kept_under_the_packages_version(package: Path, tmp_path: Path):
    write(package, one=template(20))
    cache = tmp_path / "cache"
    load_index([package], cache)
    (kept,) = cache.iterdir()
    assert "1.2.3" in kept.name
    write(package, one=template(44))  # the same version: what was kept is taken
    assert load_index([package], cache).entries[0].settings["steps"] == 20
    (package.parent.parent / "comfyui_workflow_templates_json-1.2.3.dist-info").rename(
        package.parent.parent / "comfyui_workflow_templates_json-1.2.4.dist-info"
    )
    assert load_index([package], cache).entries[0].settings["steps"] == 44


@pytest.mark.parametrize("damage", ["{", '[{"template": 1}]', "null", "7"])
def test_a_damaged_index_is_made_anew(package: Path, tmp_path: Path, damage: str):
    write(package, one=template(20))
    cache = tmp_path / "cache"
    load_index([package], cache)
    (kept,) = cache.iterdir()
    kept.write_text(damage, "utf-8")
    assert load_index([package], cache).entries[0].settings["steps"] == 20


def test_one_broken_template_does_not_take_the_others_with_it(package: Path, tmp_path: Path):
    write(package, good=template(20), broken={"nodes": [{"no": "id"}]}, index={"a": 1})
    (package / "torn.json").write_text("{", "utf-8")
    assert [entry.template for entry in load_index([package], tmp_path / "cache").entries] == ["good"]


def test_without_templates_nothing_is_known_and_nothing_is_written(tmp_path: Path):
    assert load_index([], tmp_path / "cache").entries == ()
    assert not (tmp_path / "cache").exists()
