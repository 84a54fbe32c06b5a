"""The page that Save Comparison writes: one file that anybody can open."""

import base64
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from sweetspot.comparison.pictures.page import draw_page
from sweetspot.comparison.report import Report, make_report
from sweetspot.comparison.runs import Run, Series, Settings
from sweetspot.comparison.verdict.judge import judge

SETTINGS = Settings("comfyui", "flux_dev", "a file", "euler", "simple", 3.0, 7)
HOSTILE = "</script><img src=x onerror=alert(1)>"


def report_of(noise: dict[int, float], *others: str, batch: int = 1) -> Report:
    rng = np.random.default_rng(0)
    clean, error = rng.random((batch, 64, 96, 3)) * 0.5 + 0.25, rng.normal(size=(batch, 64, 96, 3))
    runs = [Run(n, n, n / 10, (clean + level * error).astype(np.float32)) for n, level in noise.items()]
    names = ["", *others]
    return make_report([judge(Series(replace(SETTINGS, label=name), runs)) for name in names])


class Elements(HTMLParser):
    """Collects a page's elements, and the texts inside of some of them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts.setdefault(self._open[-1], []).append(data.strip())


def shown_in(page: str) -> dict:
    return json.loads(re.search(r'<script id="shown" type="application/json">(.*?)</script>', page, re.DOTALL)[1])


def test_it_begins_with_the_verdict_and_needs_no_other_file():
    report = report_of({4: 0.3, 25: 0.0, 50: 0.0})
    page = draw_page(report)
    elements = Elements(page)
    assert elements.texts["h1"][0] == str(report.headline) == elements.texts["title"][0]
    addresses = [attrs[name] for _, attrs in elements.found for name in ("src", "href") if name in attrs]
    assert addresses
    assert all(address.startswith("data:image/jpeg;base64,") for address in addresses)
    assert "http" not in page.replace("http-equiv", "")
    assert "{{" not in page


def test_its_pictures_are_the_runs_and_it_opens_with_sweet_spot_and_reference():
    report = report_of({4: 0.3, 25: 0.0, 50: 0.0}, batch=12)
    shown = shown_in(draw_page(report))
    assert shown["start"] == [1, 2]
    runs = shown["series"][0]["runs"]
    assert [run["label"].split(" steps")[0] for run in runs] == ["4", "25", "50"]
    assert [len(run["images"]) for run in runs] == [8, 8, 8]
    data = runs[1]["images"][3].removeprefix("data:image/jpeg;base64,")
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))), dtype=float) / 255
    assert np.abs(picture - report.first.runs[1].run.images[3]).mean() < 0.05


@pytest.mark.parametrize("noise", [{4: 0.4, 8: 0.0}, {4: 0.4, 8: 0.3, 16: 0.0, 32: 0.0}])
def test_it_opens_with_two_different_images(noise: dict[int, float]):
    report = report_of(noise)
    left, right = shown_in(draw_page(report))["start"]
    assert left != right
    assert report.first.reference in (report.first.counts[left], report.first.counts[right])


def test_each_contender_has_its_table_and_names_stay_text():
    page = draw_page(report_of({4: 0.3, 50: 0.0}, HOSTILE))
    elements = Elements(page)
    assert [tag for tag, _ in elements.found].count("table") == 2
    assert HOSTILE in "".join(elements.texts["h2"])
    assert not any("onerror" in attrs for _, attrs in elements.found)
    assert shown_in(page)["series"][1]["name"] == HOSTILE
