"""Settings in a model's own file, and `sweetspot stamp`, which writes them."""

import hashlib
import json
import os
import shutil
import struct
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from sweetspot.graphs.walk import Lora
from sweetspot.presets.plan import UNKNOWN
from sweetspot.presets.recognition.evidence import Evidence
from sweetspot.presets.recognition.finding import CERTAIN
from sweetspot.presets.recognition.headers import read_header
from sweetspot.presets.recognition.model_file import evidence_of_file
from sweetspot.presets.recognition.recognise import Recognition, Wishes, recognise_all
from sweetspot.presets.sources.in_file import FileSettings
from sweetspot.presets.sources.stamp import StampError, write_stamp

PLAN = {"balanced": {"steps": 11, "cfg": 2.5, "sampler_name": "euler"}}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    file = tmp_path / "mine.safetensors"
    save_file({"a": torch.arange(1000.0), "b": torch.ones(3, 5)}, file, {"modelspec.title": "Mine"})
    return file


def recognised(metadata: dict[str, str], *loras: str) -> dict[str, Recognition]:
    evidence = Evidence(files=("mine.safetensors",), loras=tuple(Lora(name) for name in loras), metadata=metadata)
    return recognise_all(evidence, Wishes(in_file=FileSettings()))


def test_a_stamped_file_holds_the_same_tensors_and_its_plan(model: Path):
    before, mode = load_file(model), model.stat().st_mode
    write_stamp(model, PLAN)
    after = load_file(model)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert model.stat().st_mode == mode
    with safe_open(model, "pt") as stream:
        assert stream.metadata()["modelspec.title"] == "Mine"
    found = recognised(read_header(model).metadata)
    assert [found[quality].plan.steps for quality in ("balanced", "best")] == [11, 11]
    assert (found["balanced"].plan.cfg, found["balanced"].finding.confidence) == (2.5, CERTAIN)
    assert [path.name for path in model.parent.iterdir()] == [model.name]


def test_a_plan_can_be_replaced_and_removed(model: Path):
    untouched = model.read_bytes()
    write_stamp(model, PLAN)
    write_stamp(model, {"balanced": {"steps": 4}})
    assert recognised(read_header(model).metadata)["balanced"].plan.steps == 4
    write_stamp(model, None)
    assert load_file(model).keys() == {"a", "b"}
    assert read_header(model).metadata == {"modelspec.title": "Mine"}
    assert len(model.read_bytes()) <= len(untouched) + 8


def test_a_sparse_file_of_24_gb_keeps_its_bytes_and_its_holes(tmp_path: Path):
    file, size = tmp_path / "big.safetensors", 24 * 2**30
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    with file.open("wb") as stream:
        stream.write(struct.pack("<Q", len(header)) + header)
        start = stream.tell()
        stream.truncate(start + size)
        for place in (5, size // 2, size - 70_000):
            stream.seek(start + place)
            stream.write(os.urandom(65_536))
    if file.stat().st_blocks * 512 > 2**30:
        pytest.skip("this file system has no holes")
    places = (0, size // 2 - 1000, size - 100_000)
    before = [hashlib.sha256(read_at(file, start + place)).digest() for place in places]
    write_stamp(file, PLAN)
    moved = file.stat().st_size - size
    assert [hashlib.sha256(read_at(file, moved + place)).digest() for place in places] == before
    assert file.stat().st_blocks * 512 < 2**30
    assert recognised(read_header(file).metadata)["balanced"].plan.steps == 11


def read_at(file: Path, place: int, count: int = 100_000) -> bytes:
    with file.open("rb") as stream:
        stream.seek(place)
        return stream.read(count)


def test_a_full_disk_is_refused_and_the_file_stays(model: Path, monkeypatch: pytest.MonkeyPatch):
    before = model.read_bytes()
    usage = shutil.disk_usage(model)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(StampError, match="GB of free disk space"):
        write_stamp(model, PLAN)
    assert model.read_bytes() == before


def test_a_copy_that_goes_wrong_leaves_the_file_and_nothing_else(model: Path, monkeypatch: pytest.MonkeyPatch):
    before = model.read_bytes()
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("no")))
    with pytest.raises(OSError, match="no"):
        write_stamp(model, PLAN)
    assert model.read_bytes() == before
    assert [path.name for path in model.parent.iterdir()] == [model.name]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.gguf", b"GGUF"),
        ("a.safetensors", b""),
        ("a.safetensors", struct.pack("<Q", 2**62) + b"{}"),
        ("a.safetensors", struct.pack("<Q", 2) + b"[]"),
    ],
)
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, name: str, content: bytes):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(StampError, match=r"^a\.[a-z]+: "):
        write_stamp(file, PLAN)
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    "metadata",
    [
        {"modelspec.steps": "18", "modelspec.cfg_scale": "4.5", "modelspec.sampler": "DPM++ 2M Karras"},
        {
            "general.sampling.num_inference_steps": "18",
            "general.sampling.cfg": "4.5",
            "general.sampling.sampler": "dpmpp_2m",
        },
    ],
)
def test_a_converters_entries_are_settings(metadata: dict[str, str]):
    plan = recognised(metadata)["balanced"].plan
    assert (plan.steps, plan.cfg, plan.sampler_name) == (18, 4.5, "dpmpp_2m")
    assert plan.sources["steps"] == "the file's own metadata"


def test_size_and_clip_skip_of_the_modelspec_standard_make_no_model_certain():
    found = recognised({"modelspec.resolution": "1024x768", "modelspec.encoder_layer": "2"})["balanced"]
    assert (found.plan.resolution, found.plan.clip_skip) == ((1024, 768), 2)
    assert found.finding.confidence == UNKNOWN


def test_a_stamp_of_a_newer_version_is_left():
    metadata = {"sweetspot.plan": json.dumps({"version": 99, **PLAN})}
    assert recognised(metadata)["balanced"].plan.steps == 25


def test_a_plan_that_could_not_be_read_again_is_refused(model: Path):
    save_file({"a": torch.ones(1)}, model, {"ss_tag_frequency": "x" * 3 * 2**20})
    with pytest.raises(StampError, match="header of less than"):
        write_stamp(model, PLAN)


@pytest.mark.parametrize(
    "metadata",
    [
        {"sweetspot.plan": "{"},
        {"sweetspot.plan": '{"balanced": {"steps": -3}}'},
        {"modelspec.steps": "many"},
        {"modelspec.resolution": "large", "modelspec.encoder_layer": "99"},
        {"modelspec.resolution": "99999x99999", "modelspec.encoder_layer": "²"},
        {"general.sampling.temp": "0.7"},
    ],
)
def test_what_is_no_setting_is_left(metadata: dict[str, str]):
    assert recognised(metadata)["balanced"].plan == recognised({})["balanced"].plan


def test_an_accelerator_makes_the_settings_of_the_model_alone_useless():
    metadata = {"sweetspot.plan": json.dumps(PLAN)}
    assert recognised(metadata, "sdxl_lightning_8step_lora.safetensors")["balanced"].plan.steps == 8


def test_a_stamped_lora_gives_the_model_under_it_no_settings(model: Path):
    save_file({"x.lora_down.weight": torch.ones(2, 2)}, model)
    write_stamp(model, PLAN)
    evidence = evidence_of_file(model.name, read_header(model))
    assert recognise_all(evidence, Wishes(in_file=FileSettings()))["balanced"].plan.steps != 11
