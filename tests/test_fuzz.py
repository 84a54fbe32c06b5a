"""Many generated inputs for every parser, from a fixed seed: an answer or the parser's own error, in bounded work."""

import io
import json
import random
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from PIL import Image, PngImagePlugin
from sweetspot.comparison.pictures.metadata import read_image_metadata
from sweetspot.comparison.step_counts import MAX_COUNTS, parse_step_counts
from sweetspot.graphs.samplers_in import samplers_in
from sweetspot.graphs.values import MOST_READ
from sweetspot.graphs.walk import MOST_NAMES, Walk
from sweetspot.presets.recognition.evidence import Evidence
from sweetspot.presets.recognition.headers import HeaderError, read_header
from sweetspot.presets.recognition.model_file import evidence_of_file
from sweetspot.presets.recognition.recognise import recognise_all
from sweetspot.presets.sources.json_edit import with_value
from sweetspot.presets.sources.settings import SettingsError, from_image, from_text
from sweetspot.presets.sources.user import UserPresetsError, load_user_presets, save_preset

pytestmark = pytest.mark.fuzz
many = settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.just(10**400) | some.floats() | some.text(max_size=12),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=12), inner, max_size=4),
    max_leaves=16,
)


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Return the bytes with a few of them changed, cut out, doubled, or cut off."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(changed) + 1)
        kind = chance.randrange(5)
        if kind == 0 and place < len(changed):
            changed[place] = chance.randrange(256)
        elif kind == 1:
            del changed[place : place + chance.randrange(40)]
        elif kind == 2:
            changed[place:place] = changed[place : place + chance.randrange(40)]
        elif kind == 3:
            changed[place:place] = chance.choice([b"\xff" * 8, b"\0" * 4, b"{", b"[" * 50, b'"', b"1e999", b"9" * 30])
        else:
            del changed[chance.randrange(len(changed) + 1) :]
    return bytes(changed)


def safetensors(names: dict[str, Any]) -> bytes:
    header = json.dumps(names).encode()
    return struct.pack("<Q", len(header)) + header


def gguf() -> bytes:
    pairs = {b"general.architecture": b"flux", b"general.name": b"FLUX.1 dev", b"flux.x": b"y"}
    body = b"".join(
        struct.pack("<Q", len(name)) + name + struct.pack("<IQ", 8, len(text)) + text for name, text in pairs.items()
    )
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs)) + body


FILES = {
    "a.safetensors": safetensors(
        {
            "__metadata__": {"modelspec.architecture": "flux-1-dev", "modelspec.title": "x"},
            "double_blocks.0.img_attn.norm.key_norm.scale": {"dtype": "F16", "shape": [128], "data_offsets": [0, 256]},
            "img_in.weight": {"dtype": "F16", "shape": [3072, 64], "data_offsets": [256, 512]},
        }
    ),
    "a.gguf": gguf(),
}


@pytest.mark.parametrize("name", FILES)
def test_headers(tmp_path: Path, name: str):
    chance, file = random.Random(name), tmp_path / name
    for _ in range(1500):
        file.write_bytes(mutated(FILES[name], chance))
        try:
            header = read_header(file)
        except HeaderError as error:
            assert str(error).startswith(name)
            continue
        recognise_all(evidence_of_file(name, header))


def picture(ending: str) -> bytes:
    stream, chunks = io.BytesIO(), PngImagePlugin.PngInfo()
    prompt = {"3": {"class_type": "KSampler", "inputs": {"steps": 20, "cfg": 7, "model": ["4", 0]}}}
    chunks.add_text("prompt", json.dumps(prompt))
    chunks.add_itxt("parameters", "a cat\nSteps: 20, Sampler: Euler, CFG scale: 7", zip=True)
    exif = Image.Exif()
    exif[272] = f"prompt:{json.dumps(prompt)}"
    Image.new("RGB", (8, 8)).save(stream, ending, pnginfo=chunks, exif=exif)
    return stream.getvalue()


@pytest.mark.parametrize("ending", ["png", "jpeg", "webp"])
def test_images(ending: str):
    chance, content = random.Random(ending), picture(ending)
    for _ in range(800):
        try:
            from_image(read_image_metadata(io.BytesIO(mutated(content, chance))))
        except (OSError, SettingsError) as error:
            assert len(str(error)) < 1000


@many
@given(some.dictionaries(some.text(max_size=8), JSON, max_size=5), some.text(max_size=30))
def test_pasted_settings(content: dict[str, Any], text: str):
    for pasted in (json.dumps(content), text, f"Steps: {text}, Sampler: {text}"):
        try:
            from_text(pasted)
        except SettingsError as error:
            assert len(str(error)) < 1000


@many
@given(JSON, some.dictionaries(some.text(max_size=6), JSON, max_size=4), some.integers(1, 10_000))
def test_presets_survive_a_save(tmp_path_factory: pytest.TempPathFactory, content: Any, others: Any, steps: int):
    file = tmp_path_factory.mktemp("presets") / "step_presets.json"
    file.write_text(json.dumps({"version": 1, "theme": content, "presets": others}, indent=3), "utf-8")
    before = json.loads(file.read_text("utf-8"))
    load_user_presets(file)
    save_preset(file, "mine.safetensors", {"steps": steps})
    after = json.loads(file.read_text("utf-8"))
    assert after["presets"].pop("mine")["balanced"]["steps"] == steps
    before["presets"].pop("mine", None)
    assert json.dumps(after) == json.dumps(before)


@many
@given(
    some.dictionaries(some.text(max_size=4), JSON, max_size=4),
    some.lists(some.text(max_size=4), min_size=1, max_size=3),
)
def test_one_value_of_a_json_text_is_changed(content: dict[str, Any], path: list[str]):
    text = json.dumps(content)
    try:
        changed = json.loads(with_value(text, path, 7))
    except ValueError:
        return
    value = changed
    for name in path:
        value = value[name]
    assert value == 7


@many
@given(some.text(alphabet="0123456789.,:; -abestdrfulnc\u0664", max_size=60))
def test_step_lists(text: str):
    try:
        steps = parse_step_counts(text)
    except ValueError as error:
        assert str(error).startswith("steps: expected")
        return
    assert len(steps.counts) <= MAX_COUNTS


def random_graph(chance: random.Random) -> dict[str, Any]:
    """Return a graph of up to 400 nodes of the kinds that can multiply work: switches, merges, stacks, reroutes."""
    count = chance.choice([3, 20, 400])
    kinds = ["ComfySwitchNode", "AnySwitch", "ModelMerge", "LoRA Stack", "Reroute", "UNETLoader", "KSampler", "X"]
    names = ["model", "model1", "model_2", "switch", "on_true", "on_false", "value", "steps", "cfg", "guider", "sigmas"]
    graph = {}
    for node in range(count):
        # Mostly to nodes further on, so that there are long ways; sometimes back, which makes circles.
        links = [[str(min(node + chance.randint(-1, 4), count)), 0] for _ in range(chance.randint(0, 4))]
        inputs: dict[str, Any] = {chance.choice(names): link for link in links}
        if chance.random() < 0.3:
            inputs[chance.choice(["unet_name", "lora_name_1"])] = f"{node}.safetensors"
        if chance.random() < 0.1:
            inputs[chance.choice(names)] = chance.choice([True, None, {}, 10**400, float("nan"), "x", [["0", 0], 0]])
        graph[str(node)] = {"class_type": chance.choice(kinds), "inputs": inputs}
    return graph


def test_graphs():
    chance = random.Random(4)
    for _ in range(600):
        graph = random_graph(chance)
        walk = Walk(graph)
        found = walk.upstream("0")
        assert len(found.files) <= MOST_NAMES
        recognise_all(Evidence.from_graph(found))
        assert sum(1 for _ in samplers_in(graph)) <= MOST_READ


def test_a_preset_of_any_name_is_found_again(tmp_path: Path):
    chance, file = random.Random(7), tmp_path / "step_presets.json"
    letters = "abc 日\u202e\x1b\\/.\"'{}[]:,+_\ud800\n"
    for number in range(150):
        name = "".join(chance.choices(letters, k=chance.randint(1, 30)))
        try:
            saved = save_preset(file, name, {"steps": number + 1})
        except UserPresetsError:
            continue
        found = saved.find(Evidence(files=(name,)), "balanced")
        assert found is not None
        assert found[0]["steps"] == number + 1
