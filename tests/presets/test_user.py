import json
from pathlib import Path

import pytest
from sweetspot.presets.evidence import Evidence
from sweetspot.presets.user import UserPresetsError, load_user_presets, save_preference, save_preset


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


def test_saving_keeps_what_is_there(file: Path):
    save_preference(file, "publisher")
    save_preset(file, "a.safetensors", {"steps": 18, "cfg": 3.0})
    save_preset(file, "b.safetensors", {"steps": 9})
    save_preset(file, "a.safetensors", {"steps": 12})
    saved = load_user_presets(file)
    assert saved.prefer == "publisher"
    assert set(saved.presets) == {"a", "b"}
    assert (saved.presets["a"]["steps"], saved.presets["a"]["cfg"]) == (12, 3.0)
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
    assert load_user_presets(file).presets["a"]["steps"] == 18


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
