"""What the nodes can know of a MODEL, and that nothing private of ComfyUI can end somebody's run."""

import json
import subprocess

from sweetspot.cli.comfyui import PACK

CODE = """
import importlib, json, sys
sys.argv = ["main.py", "--cpu"]
sys.path.insert(0, {folder!r})
import comfy.options
comfy.options.enable_args_parsing()
import nodes
import importlib.util
spec = importlib.util.spec_from_file_location("sweetspot", {init!r}, submodule_search_locations=[{pack!r}])
module = importlib.util.module_from_spec(spec)
sys.modules["sweetspot"] = module
spec.loader.exec_module(module)
from sweetspot.nodes.model.evidence import gather_evidence, source_file
from sweetspot.nodes.model.plan_on_model import apply_sampling
from sweetspot.presets.catalogue import find_variant
from sweetspot.presets.qualities import make_plan

class Hostile:
    def __getattribute__(self, name):
        raise RuntimeError("this attribute has moved")

class Loaded:
    "A GGUF loader's model: it keeps no path."
    cached_patcher_init = None
    patches = {{}}

GRAPH = {{
    "1": {{"class_type": "UnetLoaderGGUF", "inputs": {{"unet_name": "flux1-dev-Q4_K_S.gguf"}}}},
    "2": {{"class_type": "LoraLoaderModelOnly",
           "inputs": {{"model": ["1", 0], "lora_name": "Hyper-FLUX.1-dev-8steps-lora.safetensors",
                       "strength_model": 0.125}}}},
    "3": {{"class_type": "SweetSpotPreset", "inputs": {{"model": ["2", 0]}}}},
}}

class Merged:
    "A LoRA whose name only its metadata tell, as loaded by code."
    cached_patcher_init = None
    patches = {{"weight": [(0.5, None, 1.0, None, None)]}}
    def get_attachment(self, name):
        return {{"ss_output_name": "my_lora"}} if name == "lora_metadata" else None

found = {{
    "hostile": [str(source_file(Hostile())), repr(gather_evidence(Hostile()))],
    "graph": [[*gather_evidence(Loaded(), GRAPH, "3").files], gather_evidence(Loaded(), GRAPH, "3").loras[0].strength],
    "broken graph": repr(gather_evidence(Loaded(), [1, 2], "3").files),
    "moved": [],
    "lora": [gather_evidence(Merged()).loras[0].name, gather_evidence(Merged()).loras[0].strength],
}}
sys.modules["comfy_extras.nodes_model_advanced"] = None  # as if a later ComfyUI had moved it
import comfy_extras
vars(comfy_extras).pop("nodes_model_advanced", None)
for variant in ("hidream_i1_dev", "sdxl_lcm_lora"):
    model = Merged()
    handed_on, told = apply_sampling(model, make_plan(find_variant(variant)))
    found["moved"].append([handed_on is model, told])
print(json.dumps(found))
"""


def test_what_cannot_be_read_is_missing_and_the_graph_tells_the_rest(installation):
    code = CODE.format(folder=str(installation.folder), pack=str(PACK), init=str(PACK / "__init__.py"))
    answer = subprocess.run(
        [installation.python, "-c", code], cwd=installation.folder, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout.splitlines()[-1])
    assert told["hostile"][0] == "None"
    assert "architecture=''" in told["hostile"][1]
    assert told["graph"] == [["flux1-dev-Q4_K_S.gguf"], 0.125]
    assert told["broken graph"] == "()"
    assert told["lora"] == ["my_lora", 0.5]
    assert [same for same, _ in told["moved"]] == [True, True]
    assert all("was not patched" in text for _, text in told["moved"])
