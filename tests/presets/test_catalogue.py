"""The catalogue against its schema and, row by row, against the facts it was made from (`facts/recommended.csv`)."""

import csv
import json
import re
from collections import Counter
from pathlib import Path

import jsonschema
import pytest
from sweetspot.presets.catalogue import SOURCE_KINDS, Variant, find_variant, load_catalogue
from sweetspot.presets.qualities import QUALITIES, make_plan

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "presets" / "catalogue").glob("*.json"))
FACTS = Path(__file__).with_name("facts") / "recommended.csv"

# Entries that have no row of their own: the demo model, and a file that shares a row with its base.
WITHOUT_ROW = {"sweetspot_demo", "wan_animate2_distilled"}


def read_rows() -> list[dict[str, str]]:
    with FACTS.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


ROWS = read_rows()
# What other projects run these models with, beside the publishers' numbers.
THIRD_PARTY = Path(__file__).with_name("facts") / "third_party.csv"


def third_party(variant_id: str) -> set[float]:
    with THIRD_PARTY.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["id"] == variant_id]
    return {float(row[name]) for row in rows for name in ("steps_min", "steps", "steps_max")}


def entry_of(row: dict[str, str]) -> Variant:
    return find_variant(row["id"])


def numbers_in(text: str) -> set[float]:
    return {float(one) for one in re.findall(r"\d+(?:\.\d+)?", text)}


def values_of(variant: Variant, setting: str) -> set[float]:
    return {
        number
        for entry in variant.settings.get(setting, {}).values()
        for number in (entry["value"], entry.get("min", entry["value"]), entry.get("max", entry["value"]))
    }


@pytest.fixture(scope="module")
def schema() -> dict:
    return json.loads((ROOT / "presets" / "catalogue.schema.json").read_text("utf-8"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_files_keep_to_the_schema(file: Path, schema: dict):
    jsonschema.validate(json.loads(file.read_text("utf-8")), schema)


@pytest.mark.parametrize("where", ["variant", "signals", "steps", "source"])
def test_the_schema_refuses_unknown_keys(schema: dict, where: str):
    data = json.loads((ROOT / "presets" / "catalogue" / "flux_1.json").read_text("utf-8"))
    entry = data["variants"][0]
    {
        "variant": entry,
        "signals": entry["signals"],
        "steps": entry["steps"],
        "source": entry["steps"]["publisher"],
    }[where]["stepps"] = {"value": 4, "source": "nobody"}
    with pytest.raises(jsonschema.ValidationError, match="stepps"):
        jsonschema.validate(data, schema)


def test_the_schema_refuses_a_number_without_a_source(schema: dict):
    data = json.loads((ROOT / "presets" / "catalogue" / "flux_1.json").read_text("utf-8"))
    del data["variants"][0]["cfg"]["publisher"]["source"]
    with pytest.raises(jsonschema.ValidationError, match="source"):
        jsonschema.validate(data, schema)


def test_names_are_given_once():
    assert not [name for name, count in Counter(v.id for v in load_catalogue()).items() if count > 1]


def test_every_entry_has_one_row_of_its_family():
    assert Counter(row["id"] for row in ROWS) == Counter({v.id for v in load_catalogue()} - WITHOUT_ROW)
    assert all(entry_of(row).family.name == row["family"] for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['family']}: {row['variant']}")
def test_a_row_is_in_the_catalogue(row: dict[str, str]):
    variant = entry_of(row)
    assert variant.kind == row["kind"]
    classes = set(re.findall(r"\w+", row["comfy_model_class"]))
    if "none in v0" not in row["comfy_model_class"]:
        assert classes & set(variant.signals.architectures)
    told = variant.steps_in_name.get("values") or values_of(variant, "steps")
    allowed = set().union(*(numbers_in(row[f"steps_{kind}"]) for kind in ("publisher", "template", "diffusers")))
    allowed |= set().union(*(numbers_in(row[column]) for column in ("steps_min", "steps_recommended", "steps_max")))
    allowed |= numbers_in(row["variant"]) | numbers_in(row["source_1"]) | third_party(row["id"])
    assert told
    assert set(told) <= allowed
    if row["steps_recommended"].isdigit():
        assert int(row["steps_recommended"]) in told
    if row["cfg"] and "embedded" not in row["cfg"]:
        assert values_of(variant, "cfg") <= numbers_in(row["cfg"]) | numbers_in(row["cfg_template"]) | {1.0}
    assert values_of(variant, "guidance") <= numbers_in(row["guidance"]) | numbers_in(row["source_2"])


def words_in(*texts: str) -> set[str]:
    return set(re.findall(r"\w+", " ".join(texts)))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['family']}: {row['variant']}")
def test_the_rest_of_a_row_is_in_the_catalogue(row: dict[str, str]):
    settings = entry_of(row).settings
    sources = words_in(row["source_1"], row["source_2"], row["agreement"])
    for setting, column in (("sampler_name", "sampler"), ("scheduler", "scheduler")):
        told = {entry["value"] for entry in settings.get(setting, {}).values()}
        assert told <= words_in(row[column]) | sources
    shifts = {
        v for e in settings.get("shift", {}).values() for k, v in e.items() if k in ("value", "min", "max", "base")
    }
    assert shifts <= numbers_in(
        " ".join((row["shift"], row["source_1"], row["source_2"], row["agreement"], row["shift_node"]))
    ) | {8.0}
    for entry in settings.get("shift", {}).values():
        assert (entry["unit"] == "mu") == ("mu" in row["shift"])
    trained = (
        numbers_in(row["trained_timesteps"])
        | {number / 1000 for number in numbers_in(row["trained_timesteps"])}
        | {0.0}
    )
    for setting in ("sigmas", "timesteps"):
        for entry in settings.get(setting, {}).values():
            assert set(entry["value"]) <= trained or "same sigma list" in row["trained_timesteps"]
    strengths = values_of(entry_of(row), "lora_strength")
    assert strengths <= numbers_in(" ".join((row["trained_timesteps"], row["detection_signals"], row["source_1"]))) | {
        1.0
    }


@pytest.mark.parametrize("variant", load_catalogue(), ids=lambda variant: variant.id)
def test_every_number_has_its_source(variant: Variant):
    for setting, values in variant.settings.items():
        assert set(values) <= set(SOURCE_KINDS), setting
        assert all(entry["source"].strip() for entry in values.values()), setting


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("variant", load_catalogue(), ids=lambda variant: variant.id)
def test_every_variant_has_a_plan(variant: Variant, quality):
    plan = make_plan(variant, quality)
    assert plan.steps >= 1
    assert plan.cfg >= 1
    assert set(plan.sources) >= {"steps", "cfg", "sampler_name", "scheduler"}
    if plan.sigmas:
        assert len(plan.sigmas) - 1 == plan.steps
        assert list(plan.sigmas) == sorted(plan.sigmas, reverse=True)
        assert plan.sigmas[-1] == 0
    if plan.timesteps:
        assert len(plan.timesteps) == plan.steps


def test_a_name_that_is_not_in_the_catalogue_is_refused():
    with pytest.raises(ValueError, match=r"variant: expected .*, got 'flux_9'"):
        find_variant("flux_9")
