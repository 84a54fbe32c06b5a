import json
from pathlib import Path

import jsonschema
import pytest
import sweetspot.presets
from sweetspot.presets.guidance_windows import find_window, load_windows

FOLDER = Path(sweetspot.presets.__file__).parent


def test_the_file_keeps_to_its_schema():
    schema = json.loads((FOLDER / "guidance_windows.schema.json").read_text("utf-8"))
    jsonschema.validate(json.loads((FOLDER / "guidance_windows.json").read_text("utf-8")), schema)


@pytest.mark.parametrize("window", load_windows(), ids=lambda window: window.name)
def test_every_window_can_be_one_and_names_its_source(window):
    assert window.source
    if window.unit == "fraction":
        assert 0 <= window.start < window.end <= 1
    else:
        assert window.start > window.end >= 0
    assert find_window(window.name) is window


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match=r"guidance_window: expected one of first half, .*; got 'last half'"):
        find_window("last half")
