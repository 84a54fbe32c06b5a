"""Files beside a model, as download tools write them."""

import json
import time
from pathlib import Path

import pytest
from sweetspot.graphs.walk import Lora
from sweetspot.presets.recognition.evidence import Evidence
from sweetspot.presets.recognition.finding import FAMILY_ONLY
from sweetspot.presets.recognition.recognise import Recognition, Wishes, recognise
from sweetspot.presets.sources.sidecars import LARGEST_SIDECAR, SidecarSettings, read_sidecar

IMAGES = [
    {"meta": {"steps": 28, "cfgScale": 5, "sampler": "Euler a", "Clip skip": "2"}},
    {"meta": {"steps": 28, "cfgScale": 5, "sampler": "DPM++ 2M Karras"}},
    {"meta": {"steps": 28, "cfgScale": 6, "sampler": "DPM++ 2M Karras"}},
    {"meta": {"steps": 40, "cfgScale": 9}},
    {"meta": None},
]
CIVITAI = {"baseModel": "Illustrious", "description": "<p>A mix.</p>", "images": IMAGES}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    file = tmp_path / "someMix_v3.safetensors"
    file.write_bytes(b"never read")
    return file


def beside(model: Path, name: str, content: object) -> None:
    model.with_name(name).write_text(json.dumps(content), "utf-8")


def recognised(model: Path, *loras: str, **wishes) -> Recognition:
    evidence = Evidence(files=(model.name,), loras=tuple(Lora(name) for name in loras), sidecar=read_sidecar(model))
    return recognise(evidence, Wishes(sidecar=SidecarSettings(), **wishes))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("someMix_v3.civitai.info", CIVITAI),
        ("someMix_v3.metadata.json", {"base_model": "Illustrious", "civitai": {"images": IMAGES}}),
        (
            "someMix_v3.safetensors.rgthree-info.json",
            {"baseModel": "Illustrious", "images": [{**(i["meta"] or {})} for i in IMAGES]},
        ),
        ("someMix_v3.metadata.json", {"civitai": {"baseModel": "Illustrious", "images": IMAGES}}),
    ],
)
def test_the_base_model_and_the_usual_settings_of_the_example_images(model: Path, name: str, content: dict):
    beside(model, name, content)
    found = recognised(model)
    assert (found.plan.variant, found.finding.confidence) == ("illustrious", FAMILY_ONLY)
    assert (found.plan.steps, found.plan.cfg) == (28, 5.0)
    assert (found.plan.sampler_name, found.plan.scheduler) == ("dpmpp_2m", "karras")
    assert found.plan.sources["steps"] == f"{name}: the settings of its 4 example images"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Steps: 25-30, CFG 4~7, Sampler: Euler a, Clip skip: 2", (25, 4.0, "euler_ancestral", 2)),
        ("<b>Recommended</b>: 32 steps<br>CFG scale = 3.5", (32, 3.5, "euler", None)),
        ("sampler: DPM++ 2M Karras or Euler; steps 22; clip skip -2", (22, 8.0, "dpmpp_2m", 2)),
    ],
)
def test_the_authors_words_come_before_images(model: Path, text: str, wanted: tuple):
    beside(model, "someMix_v3.json", {"sd version": "SD1", "notes": text, "images": IMAGES})
    plan = recognised(model).plan
    assert (plan.steps, plan.cfg, plan.sampler_name, plan.clip_skip) == wanted
    assert plan.sources["steps"] == "someMix_v3.json: its author's words"


@pytest.mark.parametrize(
    "text",
    [
        "in 3 easy stepsisters",
        "1 step closer to art",
        "Steps: 0",
        "Step 1: download the VAE",
        "Trained for 1500 steps",
        "LoRA trained 12500 steps, use CFG 6",
        "steps: 1500",
        "Not recommended: 4 steps. Use 30 steps.",
    ],
)
def test_numbers_that_are_no_settings_are_left(model: Path, text: str):
    beside(model, "someMix_v3.json", {"sd version": "SD1", "notes": text})
    assert recognised(model).plan.steps == 20


def test_a_long_text_is_searched_in_no_time(model: Path):
    text = {"description": "steps" + " " * 20_000 + "cfg" + " " * 20_000, "civitai": {"description": "steps " * 9000}}
    beside(model, "someMix_v3.metadata.json", text)
    started = time.process_time()
    read_sidecar(model)
    assert time.process_time() - started < 1


def test_a_name_that_says_another_family_is_a_contradiction(model: Path):
    beside(model, "someMix_v3.civitai.info", {"baseModel": "Pony"})
    evidence = Evidence(files=("illustriousMix_v1.safetensors",), sidecar=read_sidecar(model))
    found = recognise(evidence).finding
    assert found.variant is not None
    assert (found.variant.id, found.contradictions) == ("pony_v6", ("its name says Illustrious XL",))


def test_a_draft_takes_fewer_steps_than_its_author_recommends(model: Path):
    beside(model, "someMix_v3.json", {"sd version": "SD1", "notes": "Steps: 30"})
    assert recognised(model, quality="draft").plan.steps == 12


def test_an_accelerator_makes_the_settings_of_the_model_alone_useless(model: Path):
    beside(model, "someMix_v3.civitai.info", CIVITAI)
    assert recognised(model, "sdxl_lightning_8step_lora.safetensors").plan.steps == 8


def test_a_class_that_contradicts_the_sidecar_wins(model: Path):
    beside(model, "someMix_v3.civitai.info", CIVITAI)
    evidence = Evidence("SD15", files=(model.name,), sidecar=read_sidecar(model))
    assert recognise(evidence).plan.variant == "sd15"


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff\xfe", b"{" + b" " * LARGEST_SIDECAR + b"}", b'{"images": 3}'])
def test_a_broken_sidecar_counts_as_absent(model: Path, content: bytes):
    model.with_name("someMix_v3.civitai.info").write_bytes(content)
    assert read_sidecar(model) is None
