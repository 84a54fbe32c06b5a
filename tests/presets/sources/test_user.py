import json
from pathlib import Path

import pytest
from sweetspot.graphs.walk import Lora
from sweetspot.presets.recognition.evidence import Evidence
from sweetspot.presets.sources.user import (
    UserPresetsError,
    load_user_presets,
    read_user_presets,
    save_preference,
    save_preset,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "user" / "step_presets.json"


def test_what_is_saved_is_found_for_exactly_this_file_and_quality(file: Path):
    save_preset(file, "models/Mine.safetensors", {"num_inference_steps": 18, "guidance_scale": 3.5})
    saved = load_user_presets(file)
    fields, source = saved.find(Evidence(files=("mine.safetensors",)), "balanced")
    assert fields == {"steps": 18, "cfg": 3.5}
    assert source.startswith("your saved preset of ")
    assert saved.find(Evidence(files=("mine.safetensors",)), "best") is None
    assert saved.find(Evidence(files=("other.safetensors",)), "balanced") is None


def test_qualities_are_kept_beside_each_other(file: Path):
    save_preset(file, "a.safetensors", {"steps": 20})
    save_preset(file, "a.safetensors", {"steps": 6}, "draft")
    saved = load_user_presets(file)
    evidence = Evidence(files=("a.safetensors",))
    assert [saved.find(evidence, quality)[0]["steps"] for quality in ("draft", "balanced")] == [6, 20]


def test_a_preset_belongs_to_the_accelerator_it_was_saved_with(file: Path):
    turbo, style = Lora("FLUX.1-Turbo-Alpha.safetensors", 1.0), Lora("my_style.safetensors", 1.0)
    save_preset(file, "flux1-dev.safetensors", {"steps": 6}, loras=[turbo.name, style.name])
    saved = load_user_presets(file)
    assert saved.find(Evidence(files=("flux1-dev.safetensors",), loras=(turbo,)), "balanced")[0]["steps"] == 6
    assert saved.find(Evidence(files=("flux1-dev.safetensors",), loras=(style,)), "balanced") is None


def test_a_name_that_many_files_share_keeps_its_folder(file: Path):
    save_preset(file, "FLUX/diffusion_pytorch_model.safetensors", {"steps": 20})
    saved = load_user_presets(file)
    assert saved.find(Evidence(files=("FLUX/diffusion_pytorch_model.safetensors",)), "balanced")
    assert saved.find(Evidence(files=("Qwen/diffusion_pytorch_model.safetensors",)), "balanced") is None


def test_a_publishers_guidance_scale_is_brought_to_our_convention(file: Path):
    save_preset(file, "flux1-dev.safetensors", {"num_inference_steps": 28, "guidance_scale": 3.5})
    settings = load_user_presets(file).presets["flux1-dev"]["balanced"]
    assert (settings["cfg"], settings["guidance"]) == (1.0, 3.5)


def test_a_byte_order_mark_is_no_damage(file: Path):
    save_preset(file, "a.safetensors", {"steps": 20})
    file.write_text("\ufeff" + file.read_text("utf-8"), "utf-8")
    assert load_user_presets(file).presets["a"]["balanced"]["steps"] == 20


def test_who_only_reads_is_told_and_not_stopped(file: Path):
    file.parent.mkdir(parents=True)
    file.write_text('{"version": 2}', "utf-8")
    assert "from a newer Sweet Spot" in read_user_presets(file).problem


def test_saving_keeps_what_is_there(file: Path):
    save_preference(file, "publisher")
    save_preset(file, "a.safetensors", {"steps": 18, "cfg": 3.0})
    save_preset(file, "b.safetensors", {"steps": 9})
    save_preset(file, "a.safetensors", {"steps": 12})
    saved = load_user_presets(file)
    assert saved.prefer == "publisher"
    assert set(saved.presets) == {"a", "b"}
    assert (saved.presets["a"]["balanced"]["steps"], saved.presets["a"]["balanced"]["cfg"]) == (12, 3.0)
    assert json.loads(file.read_text("utf-8"))["version"] == 1
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"version": "1"}', '{"version": 1, "presets": {"a": 3}}', "\x00", "[" * 20_000]
)
def test_a_broken_file_is_put_aside_and_never_overwritten(file: Path, content: str):
    file.parent.mkdir(parents=True)
    file.write_text(content, "utf-8")
    saved = save_preset(file, "a.safetensors", {"steps": 18})
    (aside,) = (entry for entry in file.parent.iterdir() if "broken" in entry.name)
    assert aside.read_text("utf-8") == content
    assert str(aside) in saved.problem
    assert load_user_presets(file).presets["a"]["balanced"]["steps"] == 18


def test_a_newer_file_is_left_alone(file: Path):
    file.parent.mkdir(parents=True)
    file.write_text('{"version": 2, "presets": {}}', "utf-8")
    with pytest.raises(UserPresetsError, match="version: expected 1 or less, got 2"):
        save_preset(file, "a.safetensors", {"steps": 18})
    assert file.read_text("utf-8") == '{"version": 2, "presets": {}}'


def test_a_failed_write_leaves_the_old_file(file: Path, monkeypatch: pytest.MonkeyPatch):
    save_preset(file, "a.safetensors", {"steps": 18})
    before = file.read_text("utf-8")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        save_preset(file, "a.safetensors", {"steps": 99})
    assert file.read_text("utf-8") == before
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda file: save_preset(file, "", {"steps": 4}), "model: expected a file name"),
        (lambda file: save_preset(file, "x" * 300, {"steps": 4}), "1 to 255 characters"),
        (lambda file: save_preset(file, "a", {"steps": 4}, "fine"), "quality: expected one of draft, balanced, best"),
        (lambda file: save_preset(file, "a", {"steps": 0}), "steps: expected a number from 1"),
        (lambda file: save_preference(file, "mine"), "prefer: expected one of template, publisher"),
    ],
)
def test_what_is_not_allowed_is_refused_before_anything_is_written(file: Path, call, told: str):
    with pytest.raises(ValueError, match=told):
        call(file)
    assert not file.exists()
