import json
from pathlib import Path

import jsonschema
import pytest
from sweetspot.presets.catalogue import SETTINGS, load_catalogue

FILES = sorted((Path(__file__).resolve().parents[2] / "presets" / "catalogue").glob("*.json"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_files_keep_to_the_schema(file: Path, root: Path):
    schema = json.loads((root / "presets" / "catalogue.schema.json").read_text("utf-8"))
    jsonschema.validate(json.loads(file.read_text("utf-8")), schema)


def test_the_schema_refuses_unknown_keys(root: Path):
    schema = json.loads((root / "presets" / "catalogue.schema.json").read_text("utf-8"))
    data = json.loads(FILES[0].read_text("utf-8"))
    data["variants"][0]["stepps"] = 4
    with pytest.raises(jsonschema.ValidationError, match="stepps"):
        jsonschema.validate(data, schema)


def test_names_are_given_once():
    names = [variant.plan.variant for variant in load_catalogue()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("variant", load_catalogue(), ids=lambda variant: variant.plan.variant)
def test_every_number_has_its_source(variant):
    assert set(variant.plan.sources) == set(SETTINGS)
    assert all(variant.plan.sources.values())
