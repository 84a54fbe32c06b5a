"""The pack as ComfyUI meets it: which nodes come, and what loading costs."""

import json
import re
import shutil
import subprocess
import urllib.request
from pathlib import Path

from sweetspot.cli.comfyui import PACK
from sweetspot.cli.demo import get_json

NODES = {
    "SweetSpotPreset",
    "SweetSpotPlan",
    "SweetSpotSampler",
    "SweetSpotCompare",
    "SweetSpotCompareWorkflow",
    "SweetSpotCompareAudio",
    "SweetSpotContender",
    "SweetSpotCompareOptions",
    "SweetSpotSaveComparison",
    "SweetSpotCalibrate",
    "SweetSpotDemoModel",
    "SweetSpotSavePreset",
    "SweetSpotWrapSampler",
    "SweetSpotReadTrace",
    "SweetSpotPlanSigmas",
    "SweetSpotGuidanceWindow",
    "SweetSpotFilmstrip",
}
# They stand in a comparison's branches; the browser hides them.
INNER = {"SweetSpotBranchWatch", "SweetSpotBranchSampling", "SweetSpotBranchEnd", "SweetSpotBranchVerdict"}

LOAD = """
import asyncio, json, sys
sys.argv = ["main.py", "--cpu"]
sys.path.insert(0, {folder!r})
import comfy.options
comfy.options.enable_args_parsing()
import nodes
before = set(sys.modules)
known = set(nodes.NODE_CLASS_MAPPINGS)
for pack in {packs!r}:
    assert asyncio.run(nodes.load_custom_node(pack))
print(json.dumps({{
    "nodes": sorted(set(nodes.NODE_CLASS_MAPPINGS) - known),
    "modules": sorted({{name.split(".")[0] for name in set(sys.modules) - before}}),
    "web": sorted(nodes.EXTENSION_WEB_DIRS.values()),
}}))
"""


def load(installation, *packs: Path) -> tuple[dict, str]:
    """Load packs as ComfyUI does, and return what they brought and what was logged."""
    code = LOAD.format(folder=str(installation.folder), packs=[str(pack) for pack in packs])
    answer = subprocess.run(
        [installation.python, "-c", code], cwd=installation.folder, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout.splitlines()[-1]), answer.stderr


def test_loading_brings_the_nodes_and_nothing_heavy(installation):
    told, _ = load(installation, PACK)
    assert set(told["nodes"]) == NODES | INNER
    assert not {"diffusers", "kornia", "matplotlib", "pandas"} & set(told["modules"])
    assert len(told["web"]) == 1


def test_a_second_copy_brings_nothing_and_says_so_once(installation, tmp_path: Path):
    copy = tmp_path / "sweetspot-copy"
    shutil.copytree(PACK, copy, ignore=shutil.ignore_patterns(".git", ".venv", "node_modules", "out", "tests"))
    told, log = load(installation, PACK, copy)
    assert set(told["nodes"]) == NODES | INNER
    assert told["web"] == [str(PACK / "web")]
    assert log.count("Sweet Spot is installed twice") == 1
    assert str(copy) in log
    # Loading the same copy anew, as some tools do, is not a second copy.
    told, log = load(installation, PACK, PACK)
    assert (set(told["nodes"]), len(told["web"])) == (NODES | INNER, 1)
    assert "installed twice" not in log


def test_the_server_offers_every_node_with_help_and_tooltips(comfyui):
    offered = get_json(comfyui.server, "/object_info")
    ours = {name: info for name, info in offered.items() if name.startswith("SweetSpot")}
    assert set(ours) == NODES | INNER
    assert all(ours.pop(name).get("dev_only", True) for name in INNER)
    for name, info in ours.items():
        assert info["description"], name
        assert all(info["output_tooltips"]), name
        inputs = [*info["input"].get("required", {}).items(), *info["input"].get("optional", {}).items()]
        assert all(options[1].get("tooltip") for _, options in inputs), name
        assert (PACK / "web" / "docs" / f"{name}.md").is_file()


def test_inputs_are_named_as_the_stock_sampler_names_them(comfyui):
    stock = get_json(comfyui.server, "/object_info/KSampler")["KSampler"]["input"]["required"]
    ours = get_json(comfyui.server, "/object_info/SweetSpotSampler")["SweetSpotSampler"]["input"]["required"]
    assert list(ours) == list(stock)


def test_the_pictures_in_the_help_are_served(comfyui):
    shown = {
        picture
        for page in (PACK / "web" / "docs").glob("*.md")
        for picture in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page.read_text("utf-8"))
    }
    assert len(shown) >= 4
    for picture in shown:
        with urllib.request.urlopen(f"{comfyui.server.url}/extensions/sweetspot/docs/{picture}", timeout=30) as answer:
            assert answer.headers["Content-Type"] == "image/jpeg"
