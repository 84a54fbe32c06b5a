"""Whatever people or files bring, each parser gives what its docstring says, or its own error: never another one."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sweetspot.cli.contenders import parse_contenders
from sweetspot.comparison.frames import check_frames, choose_frames
from sweetspot.comparison.step_counts import AUTO, MAX_COUNTS, WORDS, parse_step_counts
from sweetspot.graphs.samplers_in import samplers_in
from sweetspot.graphs.walk import Walk
from sweetspot.presets.recognition.evidence import Evidence
from sweetspot.presets.recognition.headers import Header, HeaderError, read_header
from sweetspot.presets.recognition.model_file import evidence_of_file
from sweetspot.presets.recognition.recognise import recognise_all
from sweetspot.presets.sources.settings import SettingsError, from_a1111, from_record, from_text
from sweetspot.presets.sources.user import UserPresetsError, load_user_presets, read_user_presets
from sweetspot.samplers.kept_steps import parse_kept_steps
from sweetspot.samplers.schedules import MAX_STEPS

# The same cases in every run, a bounded number of them.
bounded = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.just(10**400) | some.floats() | some.text(max_size=12),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
PIECES = some.sampled_from(
    [
        "4",
        "25",
        "0",
        "99999",
        "8..32:8",
        "..",
        ":",
        "-1",
        "auto",
        "best",
        "first",
        "heun/simple",
        "٤",
        ",",
        ";",
        " ",
        "/",
    ]
)
LISTS = (
    some.text(max_size=40)
    | some.lists(PIECES, max_size=12).map(" ".join)
    | some.lists(PIECES, max_size=12).map(",".join)
)


@bounded
@given(LISTS)
def test_step_lists(text: str):
    try:
        steps = parse_step_counts(text)
    except ValueError as error:
        assert str(error).startswith("steps: expected")
        assert len(str(error)) < 400
        return
    assert list(steps.counts) == sorted(set(steps.counts))
    assert len(steps.counts) <= MAX_COUNTS
    assert all(1 <= count <= MAX_STEPS for count in steps.counts)
    assert set(steps.words) <= set(WORDS)
    assert steps.counts or steps.words or steps.auto == (AUTO in text)


@bounded
@given(some.lists(some.integers(1, MAX_STEPS), min_size=1, max_size=MAX_COUNTS, unique=True))
def test_every_list_of_counts_reads_back(counts: list[int]):
    assert list(parse_step_counts(", ".join(map(str, counts))).counts) == sorted(counts)


@bounded
@given(LISTS)
def test_contenders_kept_steps_and_frames(text: str):
    for parse, name in ((parse_contenders, "also"), (parse_kept_steps, "keep_steps"), (check_frames, "frames")):
        try:
            parse(text)
        except ValueError as error:
            assert str(error).startswith(f"{name}: expected")
            assert len(str(error)) < 400


@bounded
@given(LISTS, some.integers(1, 500))
def test_chosen_frames_are_frames_of_the_video(text: str, frames: int):
    try:
        chosen = choose_frames(text, frames)
    except ValueError as error:
        assert str(error).startswith("frames: ")
        return
    assert chosen == sorted(set(chosen))
    assert chosen
    assert 0 <= chosen[0] <= chosen[-1] < frames


NAMES = some.sampled_from(
    [
        "model",
        "unet_name",
        "lora_name",
        "lora_1",
        "strength_model",
        "steps",
        "cfg",
        "sigmas",
        "guider",
        "switch",
        "any_01",
        "positive",
    ]
)
LINKS = some.tuples(some.sampled_from("abcdef"), some.integers(-1, 3)).map(list)
VALUES = LINKS | some.sampled_from(["flux1-dev.safetensors", "x-4steps-lora.safetensors", "euler"]) | JSON
KINDS = some.sampled_from(
    ["KSampler", "SamplerCustomAdvanced", "UNETLoader", "LoraLoader", "ComfySwitchNode", "Any Index", "Reroute"]
)
NODES = some.fixed_dictionaries({"class_type": KINDS, "inputs": some.dictionaries(NAMES, VALUES, max_size=6)})
GRAPHS = some.dictionaries(some.sampled_from("abcdef"), NODES, max_size=6)


@bounded
@given(GRAPHS)
def test_graphs(graph: dict[str, Any]):
    """Circles, broken links and values of any kind: there is an answer, and it can be judged."""
    for node in graph:
        upstream = Walk(graph).upstream(node)
        assert all(isinstance(file, str) for file in upstream.files)
        recognise_all(Evidence.from_graph(upstream))
    for sampler in samplers_in(graph):
        assert sampler.steps is None or sampler.steps >= 1


@bounded
@given(some.binary(max_size=300), some.sampled_from([".safetensors", ".gguf", ".ckpt"]))
def test_files_of_any_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes, ending: str):
    file = tmp_path_factory.getbasetemp() / f"any{ending}"
    file.write_bytes(content)
    check_header(file)


@bounded
@given(JSON | some.dictionaries(some.text(max_size=20), some.fixed_dictionaries({"shape": JSON}), max_size=4))
def test_headers_of_any_json(tmp_path_factory: pytest.TempPathFactory, content: Any):
    text = json.dumps(content).encode()
    file = tmp_path_factory.getbasetemp() / "any.safetensors"
    file.write_bytes(struct.pack("<Q", len(text)) + text)
    check_header(file)


@bounded
@given(some.binary(max_size=200), some.integers(0, 2**64 - 1))
def test_gguf_headers(tmp_path_factory: pytest.TempPathFactory, content: bytes, count: int):
    file = tmp_path_factory.getbasetemp() / "any.gguf"
    file.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, count) + content)
    check_header(file)


def check_header(file: Path) -> None:
    try:
        header = read_header(file)
    except HeaderError as error:
        assert str(error).startswith(file.name)
        return
    assert isinstance(header, Header)
    recognise_all(evidence_of_file(file.name, header))


SETTINGS = some.dictionaries(
    some.sampled_from(
        ["steps", "num_inference_steps", "cfg", "guidance_scale", "sampler", "scheduler", "guidance", "x"]
    ),
    JSON,
)


@bounded
@given(SETTINGS, some.sampled_from(["unconditional", "conditional", "distilled"]))
def test_records_of_settings(record: dict[str, Any], convention):
    try:
        fields = from_record(record, convention=convention)
    except SettingsError:
        return
    assert fields
    assert 1 <= fields.get("steps", 1) <= 10_000
    assert 0 <= fields.get("cfg", 1.0) <= 101


@bounded
@given(some.text(max_size=80) | SETTINGS.map(json.dumps) | GRAPHS.map(json.dumps) | JSON.map(json.dumps))
def test_pasted_settings(text: str):
    for read in (from_text, from_a1111, lambda text: from_text("Steps: " + text)):
        try:
            read(text)
        except SettingsError as error:
            assert len(str(error)) < 600


@bounded
@given(
    JSON
    | some.fixed_dictionaries(
        {"version": some.integers(0, 2), "prefer": JSON, "presets": some.dictionaries(some.text(max_size=8), JSON)}
    )
)
def test_files_of_presets(tmp_path_factory: pytest.TempPathFactory, content: Any):
    """A file that can't be used says so, and nobody's run ends."""
    file = tmp_path_factory.mktemp("presets") / "step_presets.json"
    file.write_text(json.dumps(content), "utf-8")
    try:
        load_user_presets(file)
    except UserPresetsError as error:
        assert "version" in str(error)
    presets = read_user_presets(file)
    recognise_all(Evidence(files=("flux1-dev.safetensors",)))
    assert isinstance(presets.problem, str)
