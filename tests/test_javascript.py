"""The browser's face: its pure functions, run by Node's own test runner where there is one; its size; its imports."""

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from sweetspot.presets.zones import COMMON_ZONES, MOST_SHOWN

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
# What every page loads, and what comes only once a comparison, a calibration or a chart is shown.
MOST_AT_START, MOST_LATER = 45 * 1024, 53 * 1024
OURS = sorted([*WEB.glob("*/*.js"), *WEB.glob("viewer/*.mjs")])


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node to run tests/js")
@pytest.mark.parametrize("file", sorted((ROOT / "tests" / "js").rglob("*.test.mjs")), ids=lambda file: file.name)
def test_with_node(file: Path):
    answer = subprocess.run([shutil.which("node"), "--test", file], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_extension_is_small():
    at_start = [file for file in WEB.rglob("*") if file.suffix in (".js", ".css")]
    for files, most in ((at_start, MOST_AT_START), (WEB.rglob("*.mjs"), MOST_LATER)):
        assert sum(len(gzip.compress(file.read_bytes())) for file in files) <= most


def test_only_the_bridges_import_comfyui():
    importing = {file.relative_to(WEB).as_posix() for file in OURS if "../../scripts/" in file.read_text("utf-8")}
    nodes = {"compare/node.js", "compare/command.js", "preset/node.js", "sampler/node.js"}
    bridges = nodes | {"calibrate/node.js", "save/node.js", "compare/surroundings.js"}
    bridges |= {"parts/language.js", "parts/settings.js"}
    assert importing == bridges | {"graph/canvas.js", "graph/route.js"}


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.name)
def test_text_is_never_taken_for_markup_and_nothing_comes_from_elsewhere(file: Path):
    text = file.read_text("utf-8")
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "https://", "http://"):
        assert forbidden not in text
    assert not re.search(r"\.prototype\b", text)


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.name)
def test_files_stay_short(file: Path):
    assert file.read_text("utf-8").count("\n") <= 400


def test_each_library_has_its_licence_and_its_version_in_its_name():
    scripts = sorted(file.name for file in (WEB / "vendor").glob("*.mjs"))
    assert scripts
    for script in scripts:
        name = re.fullmatch(r"(.+)-\d+\.\d+\.\d+\.mjs", script)
        assert name, script
        assert "ermission is hereby granted" in (WEB / "vendor" / f"{name[1]}.LICENSE").read_text("utf-8")


def test_the_band_ends_where_the_zones_do():
    shown = re.search(r"MOST_SHOWN = (\d+);", (WEB / "sampler" / "steps_band.js").read_text("utf-8"))
    assert int(shown[1]) == MOST_SHOWN == COMMON_ZONES[-1].last
