"""Several samplers against one end."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from sweetspot.comparison.markdown import to_markdown
from sweetspot.comparison.report import Report, make_report
from sweetspot.comparison.runs import Run, Series, Settings
from sweetspot.comparison.verdict.judge import judge


def series(sampler: str, scale: float, counts=(4, 8, 16, 32), cfg: float = 3.0, **settings) -> Series:
    """Return runs whose images lie on a line towards a common end, at a distance of scale / N^2."""
    rng = np.random.default_rng(0)
    end, error = rng.random((1, 32, 32, 3)) * 0.5 + 0.25, rng.normal(size=(1, 32, 32, 3))
    described = {"scheduler": "simple", "seed": 7} | settings
    told = Settings("comfyui", "flux_dev", "f", sampler, cfg=cfg, **described)
    return Series(told, [Run(n, n, n / 10, end + scale / n**2 * error) for n in counts])


def report_of(series: list[Series]) -> Report:
    return make_report([judge(one) for one in series])


def test_the_nearest_to_the_common_end_is_named_at_each_count(root: Path):
    told = report_of([series("euler", 3.0), series("dpmpp_2m", 1.0), series("heun", 2.0)]).to_dict()
    jsonschema.validate(told, json.loads((root / "comparison" / "report.schema.json").read_text("utf-8")))
    assert told["across"]["end"] == {"name": "dpmpp_2m, simple, cfg 3", "steps": 32}
    assert [(best["steps"], best["name"]) for best in told["across"]["nearest"]] == [
        (count, "dpmpp_2m, simple, cfg 3") for count in (4, 8, 16)
    ]
    assert [other["name"] for other in told["others"]] == ["dpmpp_2m, simple, cfg 3", "heun, simple, cfg 3"]
    rows = {(row["name"], row["steps"]): row["similarity"] for row in told["across"]["runs"]}
    assert rows["heun, simple, cfg 3", 8] > rows["euler, simple, cfg 3", 8]


def test_one_count_alone_cannot_tell_which_is_nearer():
    across = report_of([series("euler", 3.0, [20]), series("dpmpp_2m", 1.0, [20])]).to_dict()["across"]
    assert across["nearest"] == []


@pytest.mark.parametrize("counts", [[40, 50], [4, 8, 16]])
def test_an_end_that_is_not_known_to_have_converged_ranks_nothing(counts: list[int]):
    report = report_of([series("euler", 30.0, counts), series("dpmpp_2m", 40.0, counts)])
    across = report.to_dict()["across"]
    assert (across["end"], across["nearest"]) == (None, [])
    assert report.ranking.end is None
    assert "converged" in to_markdown(report)


def test_what_makes_other_images_on_purpose_is_left_out_and_why():
    told = report_of([series("euler", 3.0), series("lcm", 1.0), series("heun", 1.0, cfg=7.0)]).to_dict()
    assert told["across"]["runs"] == []
    left_out = told["across"]["left_out"]
    assert "injects noise" in left_out["lcm, simple, cfg 3"]
    assert "cfg 7 gives different images than cfg 3" in left_out["heun, simple, cfg 7"]


def test_the_cfg_that_counts_is_that_of_the_first_that_has_an_end():
    told = report_of(
        [series("euler_ancestral", 1.0, cfg=7.0), series("euler", 3.0, cfg=5.0), series("heun", 1.0, cfg=5.0)]
    ).to_dict()["across"]
    assert set(told["left_out"]) == {"euler_ancestral, simple, cfg 7"}
    assert told["end"]["name"] == "heun, simple, cfg 5"


def test_other_equations_and_other_starts_are_left_out():
    told = report_of([series("euler", 3.0), series("euler_cfg_pp", 1.0)]).to_dict()["across"]
    assert "euler_cfg_pp follows its own equation" in told["left_out"]["euler_cfg_pp, simple, cfg 3"]
    half = {"denoise": 0.5}
    told = report_of([series("euler", 3.0, **half), series("heun", 1.0, scheduler="karras", **half)]).to_dict()
    why = told["across"]["left_out"]["heun, karras, cfg 3, denoise 0.5"]
    assert "denoise 0.5" in why
    assert "noise level" in why


def test_one_series_has_no_rivals():
    assert report_of([series("euler", 3.0)]).to_dict()["across"] is None
