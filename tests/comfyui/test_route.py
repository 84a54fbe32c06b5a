"""The route that recognises a model before any run: what it tells, and what it refuses to touch."""

import json
import shutil
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from sweetspot.cli.comfyui import Server
from sweetspot.demo import files

PATH = "/sweetspot/recognise"
FEW_STEPS = "flux1-schnell-demo.safetensors"


def post(server: Server, body: Any, *, path: str = PATH, **headers: str) -> tuple[int, dict[str, Any]]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data, {"Content-Type": "application/json"} | headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else {}
    except urllib.error.HTTPError as error:
        with error:
            text = error.read()
            return error.code, json.loads(text) if text else {}


def question(name: str, **more: Any) -> dict[str, Any]:
    graph = {
        "1": {"class_type": "UNETLoader", "inputs": {"unet_name": name, "weight_dtype": "default"}},
        "2": {"class_type": "SweetSpotPreset", "inputs": {"model": ["1", 0]}},
    }
    return {"graph": graph, "node": "2"} | more


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model outside of ComfyUI's folders, which names a variant in its metadata."""
    file = tmp_path_factory.mktemp("elsewhere") / "secret.safetensors"
    shutil.copy(files.TRANSFORMER, file)
    return file


@pytest.fixture(scope="module")
def server(comfyui: Any, secret: Path) -> Server:
    """The tests' ComfyUI, with a folder of models of all kinds."""
    models = comfyui.server.base / "models"
    folder = models / "diffusion_models"
    shutil.copy(files.TRANSFORMER, folder / FEW_STEPS)
    (folder / "broken.safetensors").write_bytes(b"\xff" * 100)
    (folder / "link.safetensors").symlink_to(secret)
    (folder / "inside.safetensors").symlink_to(folder / FEW_STEPS)
    shutil.copy(files.TRANSFORMER, models / "above.safetensors")
    shutil.copy(files.AUTOENCODER, folder / "model_001.safetensors")
    return comfyui.server


def test_tells_the_variant_and_three_qualities_as_the_preset_node_does(server: Server):
    status, answer = post(server, question(FEW_STEPS))
    assert status == 200
    assert set(answer["qualities"]) == {"draft", "balanced", "best"}
    assert answer["files"] == [FEW_STEPS]
    for plan in answer["qualities"].values():
        assert plan["steps"] >= 1
        assert plan["sources"]["steps"]


def demo_question() -> dict[str, Any]:
    graph = {
        "1": {"class_type": "SweetSpotDemoModel", "inputs": {}},
        "2": {"class_type": "SweetSpotPreset", "inputs": {"model": ["1", 0]}},
    }
    return {"graph": graph, "node": "2"}


def english(said: Any) -> str:
    """Return what the page would show in English."""
    if isinstance(said, list):
        return " ".join(map(english, said))
    return said if isinstance(said, str) else said["text"]


def test_recognises_the_demo_model(server: Server):
    status, answer = post(server, demo_question())
    assert (status, answer["variant"], answer["confidence"]) == (200, "sweetspot_demo", "certain")


@pytest.mark.parametrize(
    ("steps", "cfg", "wrong"),
    [
        ("4, 25", 3, ""),
        ("1, 2", 3, "below the recommended ones, which begin at"),
        ("auto", 3, ""),
        ("nonsense", None, ""),
        ("200, 300", 3, "above the recommended ones, which end at"),
    ],
)
def test_tells_what_is_wrong_with_a_comparisons_settings(server: Server, steps: str, cfg: float | None, wrong: str):
    _, answer = post(server, demo_question() | {"steps": steps, "cfg": cfg})
    assert answer["counts"] == [3, 6, 12, 24]
    assert wrong in english(answer["wrong"])
    assert answer["mend"] == (["steps"] if wrong else [])


@pytest.mark.parametrize("more", [{"steps": 4}, {"steps": "4", "cfg": "3"}, {"steps": "4", "cfg": True}])
def test_refuses_settings_of_a_comparison_that_are_none(server: Server, more: dict[str, Any]):
    status, answer = post(server, demo_question() | more)
    assert status == 400
    assert "steps, cfg" in answer["error"]


def test_takes_a_chosen_variant_and_a_required_confidence(server: Server):
    assert post(server, question(FEW_STEPS, variant="flux_dev"))[1]["variant"] == "flux_dev"
    strict = post(server, question("model_001.safetensors", min_confidence="certain"))[1]
    assert strict["qualities"]["balanced"]["steps"] == 25
    assert post(server, question(FEW_STEPS, variant="<img>"))[0] == 400
    assert post(server, question(FEW_STEPS, min_confidence="sure"))[0] == 400


def test_a_broken_header_leaves_the_name_and_says_so(server: Server):
    status, answer = post(server, question("broken.safetensors"))
    assert status == 200
    assert any("header" in english(said) for said in answer["contradictions"])


@pytest.mark.parametrize(
    "name",
    [
        "../above.safetensors",
        "..\\above.safetensors",
        "a/../../above.safetensors",
        "/etc/passwd.safetensors",
        "C:\\models\\a.safetensors",
        "\\\\server\\share\\a.safetensors",
        "a\0b.safetensors",
        "a\nb.safetensors",
        "\u202egnp.safetensors",
        "\u2066gnp.safetensors",
        "x" * 5000 + ".safetensors",
    ],
)
def test_refuses_what_is_no_plain_name(server: Server, name: str):
    status, answer = post(server, question(name))
    assert status == 400
    assert answer["error"].startswith("name: expected")
    assert "by_name" not in answer


def test_refuses_names_that_no_list_holds_and_judges_them_by_name_alone(server: Server):
    status, answer = post(server, question("flux1-dev-elsewhere.safetensors"))
    assert status == 404
    assert "not among" in answer["error"]
    assert answer["by_name"]["variant"] == "flux_dev"


def test_refuses_an_unknown_folder(server: Server):
    assert post(server, question("nowhere/model_001.safetensors"))[0] == 404
    assert post(server, question("above.safetensors"))[0] == 404


def test_touches_no_file_that_a_link_leads_out_to(server: Server):
    status, answer = post(server, question("link.safetensors"))
    assert status == 403
    assert "link.safetensors" in answer["error"]
    assert "outside ComfyUI's model folders" in answer["error"]
    # Its header says that it is a Flux, and nothing of that is told.
    assert post(server, question("inside.safetensors"))[1]["signals"]
    assert answer["by_name"]["signals"] == []


def test_refuses_hostile_names_of_loras(server: Server):
    body = question(FEW_STEPS)
    body["graph"]["3"] = {
        "class_type": "LoraLoaderModelOnly",
        "inputs": {"lora_name": "../x.safetensors", "model": ["1", 0]},
    }
    body["graph"]["2"]["inputs"]["model"] = ["3", 0]
    assert post(server, body)[0] == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"not json", 400),
        (b"[" * 100_000, 400),
        ([], 400),
        ({}, 400),
        ({"graph": {}, "node": "2"}, 400),
        ({"graph": {"2": []}, "node": "2"}, 400),
        ({"graph": {"2": {"inputs": {}}}, "node": 2}, 400),
        (b" " * 600_000, 413),
        (b'{"graph": {"2": {"inputs": {"a": NaN}}}, "node": "2"}', 400),
        ({"graph": {"2": {"inputs": {"x" * 300: 1}}}, "node": "2"}, 400),
    ],
)
def test_refuses_what_is_no_question(server: Server, body: Any, status: int):
    came, answer = post(server, body)
    assert came == status
    assert "expected" in answer["error"]


@pytest.mark.parametrize("name", ["モデル\u3000最終.safetensors", "a\u00a0b.safetensors", "été.safetensors"])
def test_takes_the_names_that_people_give(server: Server, name: str):
    folder = server.base / "models" / "diffusion_models"
    shutil.copy(files.TRANSFORMER, folder / name)
    assert post(server, question(name))[0] == 200


@pytest.mark.parametrize("strength", [10**400, -1e300, 1e308])
def test_numbers_that_are_none_do_no_harm(server: Server, strength: float):
    body = question(FEW_STEPS)
    inputs = {"lora_name": "x.safetensors", "strength_model": strength, "lora_" + "1" * 200: "y.safetensors"}
    body["graph"]["3"] = {"class_type": "LoraLoaderModelOnly", "inputs": inputs | {"model": ["1", 0]}}
    body["graph"]["2"]["inputs"]["model"] = ["3", 0]
    assert post(server, body)[0] == 200


def test_refuses_other_content_types_methods_and_origins(server: Server):
    assert post(server, question(FEW_STEPS), **{"Content-Type": "text/plain"})[0] == 415
    assert post(server, question(FEW_STEPS), Origin="http://evil.example")[0] == 403
    # Older ComfyUI does not look at this header, for its own routes neither.
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    own = post(server, {}, path="/queue", **elsewhere)[0]
    assert (post(server, question(FEW_STEPS), **elsewhere)[0] == 403) == (own == 403)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(server.url + PATH, timeout=30)
    refused.value.close()
    assert refused.value.code in (404, 405)


def test_writes_nothing(server: Server):
    def everything() -> dict[Path, int]:
        return {file: file.stat().st_mtime_ns for file in server.base.rglob("*") if file.name != server.log.name}

    before = everything()
    post(server, question(FEW_STEPS))
    post(server, question("../above.safetensors"))
    assert everything() == before


def test_a_link_within_the_folders_is_read(server: Server):
    assert post(server, question("inside.safetensors"))[0] == 200


def test_answers_under_the_prefix_that_the_page_uses(server: Server):
    assert post(server, question(FEW_STEPS), path="/api" + PATH)[0] == 200


def stages(*samplers: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the question which sampler a comparison behind some samplers in a row would vary."""
    graph: dict[str, Any] = {"latent": {"class_type": "EmptyLatentImage", "inputs": {"batch_size": 1}}}
    for number, inputs in enumerate(samplers):
        before = [f"s{number - 1}", 0] if number else ["latent", 0]
        graph[f"s{number}"] = {"class_type": "KSampler", "inputs": {"latent_image": before, **inputs}}
    graph["images"] = {"class_type": "VAEDecode", "inputs": {"samples": [f"s{len(samplers) - 1}", 0]}}
    graph["node"] = {"class_type": "SweetSpotCompareWorkflow", "inputs": {"images": ["images", 0]}}
    return {"graph": graph, "node": "node"} | more


def test_tells_which_sampler_a_comparison_varies(server: Server):
    first, second = {"steps": 20, "denoise": 1.0}, {"steps": 8, "denoise": 0.5}
    status, answer = post(server, stages(first), path="/sweetspot/stages")
    assert status == 200
    assert answer["stages"] == ["s0 (KSampler, 20 steps, denoise 1)"]
    assert "20 steps" in english(answer["text"])
    _, answer = post(server, stages(first, second), path="/sweetspot/stages")
    assert len(answer["stages"]) == 2
    _, chosen = post(server, stages(first, second, sampler=answer["stages"][1]), path="/sweetspot/stages")
    assert english(chosen["text"]) == "Varies: s1 (KSampler, 8 steps, denoise 0.5)"


def test_tells_why_no_sampler_can_be_varied(server: Server):
    question = stages({"steps": 20})
    question["graph"]["s0"] = {"class_type": "SamplerCustom", "inputs": {"sigmas": ["x", 0]}}
    question["graph"]["x"] = {"class_type": "ManualSigmas", "inputs": {"sigmas": "1.0, 0.5, 0.2, 0.0"}}
    _, answer = post(server, question, path="/sweetspot/stages")
    assert "fixed_sigmas" in answer["text"]
    _, answer = post(server, question | {"fixed_sigmas": "resample"}, path="/sweetspot/stages")
    assert "3 steps" in english(answer["text"])


@pytest.mark.parametrize("more", [{"sampler": 3}, {"fixed_sigmas": []}, {"input": "nothing"}, {"node": "gone"}])
def test_refuses_what_is_no_question_about_samplers(server: Server, more: dict[str, Any]):
    assert post(server, stages({"steps": 20}, **more), path="/sweetspot/stages")[0] == 400


def test_a_circle_of_links_is_answered(server: Server):
    question = stages({"steps": 20})
    question["graph"]["images"]["inputs"] = {"samples": ["images", 0], "other": ["s0", 0]}
    assert post(server, question, path="/sweetspot/stages")[0] == 200
