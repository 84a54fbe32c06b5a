"""What Settings > Sweet Spot holds, as the server reads it: a file that anything may have written."""

import json
from pathlib import Path

import folder_paths
import pytest
from sweetspot.nodes.comparing.options import Options
from sweetspot.nodes.model.user_settings import memory_megabytes, preferred, usual_quality


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(folder_paths, "get_user_directory", lambda: str(tmp_path))
    (tmp_path / "default").mkdir()
    return tmp_path / "default" / "comfy.settings.json"


def test_without_settings_everything_is_as_ever(file: Path):
    assert not file.exists()
    assert (usual_quality(), preferred("publisher"), memory_megabytes(7)) == ("balanced", "publisher", 7)
    assert Options.usual() == Options()


def test_settings_are_followed(file: Path):
    settings = {"Quality": "draft", "Prefer": "publisher", "Memory": 64, "Threshold": 94}
    file.write_text(json.dumps({f"SweetSpot.{name}": value for name, value in settings.items()}), "utf-8")
    assert (usual_quality(), preferred("template")) == ("draft", "publisher")
    usual = Options.usual()
    assert (usual.cache_megabytes, usual.visible.when) == (64, "flipped in place")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"SweetSpot.Memory": "x", "SweetSpot.Quality": 7}'])
def test_a_damaged_file_is_no_file(file: Path, text: str):
    file.write_text(text, "utf-8")
    assert Options.usual() == Options()
    assert usual_quality() == "balanced"


@pytest.mark.parametrize("value", [True, -1, 1e9, None, [], "512"])
def test_values_out_of_range_are_left(file: Path, value: object):
    file.write_text(json.dumps({"SweetSpot.Memory": value, "SweetSpot.Threshold": value}), "utf-8")
    assert Options.usual() == Options()


def test_a_change_is_seen(file: Path):
    for quality in ("draft", "best"):
        file.write_text(json.dumps({"SweetSpot.Quality": quality, "more": " " * len(quality)}), "utf-8")
        assert usual_quality() == quality
