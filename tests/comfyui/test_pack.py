"""The pack as ComfyUI meets it: which nodes come, and what loading costs."""

import json
import re
import subprocess
import urllib.request

from sweetspot.cli.comfyui import PACK
from sweetspot.cli.demo import get_json

NODES = {
    "SweetSpotPreset",
    "SweetSpotPlan",
    "SweetSpotSampler",
    "SweetSpotCompare",
    "SweetSpotDemoModel",
    "SweetSpotSavePreset",
    "SweetSpotWrapSampler",
    "SweetSpotReadTrace",
    "SweetSpotPlanSigmas",
    "SweetSpotGuidanceWindow",
    "SweetSpotFilmstrip",
}

LOAD = """
import asyncio, json, sys
sys.argv = ["main.py", "--cpu"]
sys.path.insert(0, {folder!r})
import comfy.options
comfy.options.enable_args_parsing()
import nodes
before = set(sys.modules)
known = set(nodes.NODE_CLASS_MAPPINGS)
assert asyncio.run(nodes.load_custom_node({pack!r}))
print(json.dumps({{
    "nodes": sorted(set(nodes.NODE_CLASS_MAPPINGS) - known),
    "modules": sorted({{name.split(".")[0] for name in set(sys.modules) - before}}),
    "web": sorted(nodes.EXTENSION_WEB_DIRS.values()),
}}))
"""


def test_loading_brings_the_nodes_and_nothing_heavy(installation):
    code = LOAD.format(folder=str(installation.folder), pack=str(PACK))
    answer = subprocess.run(
        [installation.python, "-c", code], cwd=installation.folder, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout.splitlines()[-1])
    assert set(told["nodes"]) == NODES
    assert not {"diffusers", "kornia", "matplotlib", "pandas"} & set(told["modules"])
    assert len(told["web"]) == 1


def test_the_server_offers_every_node_with_help_and_tooltips(comfyui):
    offered = get_json(comfyui.server, "/object_info")
    ours = {name: info for name, info in offered.items() if name.startswith("SweetSpot")}
    assert set(ours) == NODES
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
