"""Several samplers against one end."""

import json
from pathlib import Path

import jsonschema
import numpy as np
from sweetspot.comparison.report import build_report
from sweetspot.comparison.runs import Run, Series, Settings


def series(sampler: str, scale: float, counts=(4, 8, 16, 32), cfg: float = 3.0) -> Series:
    """Return runs whose images lie on a line towards a common end, at a distance of scale / N^2."""
    rng = np.random.default_rng(0)
    end, error = rng.random((1, 32, 32, 3)) * 0.5 + 0.25, rng.normal(size=(1, 32, 32, 3))
    settings = Settings("comfyui", "flux_dev", "f", sampler, "simple", cfg, 7)
    return Series(settings, [Run(n, n, n / 10, end + scale / n**2 * error) for n in counts])


def test_the_nearest_to_the_common_end_is_named_at_each_count(root: Path):
    told = build_report([series("euler", 3.0), series("dpmpp_2m", 1.0), series("heun", 2.0)]).to_dict()
    jsonschema.validate(told, json.loads((root / "comparison" / "report.schema.json").read_text("utf-8")))
    assert told["across"]["end"] == {"name": "dpmpp_2m, simple, cfg 3", "steps": 32}
    assert [(best["steps"], best["name"]) for best in told["across"]["nearest"]] == [
        (count, "dpmpp_2m, simple, cfg 3") for count in (4, 8, 16)
    ]
    assert [other["name"] for other in told["others"]] == ["dpmpp_2m, simple, cfg 3", "heun, simple, cfg 3"]
    rows = {(row["name"], row["steps"]): row["similarity"] for row in told["across"]["runs"]}
    assert rows["heun, simple, cfg 3", 8] > rows["euler, simple, cfg 3", 8]


def test_one_count_alone_cannot_tell_which_is_nearer():
    across = build_report([series("euler", 3.0, [20]), series("dpmpp_2m", 1.0, [20])]).to_dict()["across"]
    assert across["nearest"] == []


def test_what_makes_other_images_on_purpose_is_left_out_and_why():
    told = build_report([series("euler", 3.0), series("lcm", 1.0), series("heun", 1.0, cfg=7.0)]).to_dict()
    assert told["across"]["runs"] == []
    left_out = told["across"]["left_out"]
    assert "injects noise" in left_out["lcm, simple, cfg 3"]
    assert "other images than cfg 3" in left_out["heun, simple, cfg 7"]


def test_one_series_has_no_rivals():
    assert build_report([series("euler", 3.0)]).to_dict()["across"] is None
