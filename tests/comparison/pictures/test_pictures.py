"""Curve, grid and Markdown: what people without a browser see."""

import numpy as np
import pytest
from sweetspot.comparison.markdown import to_markdown
from sweetspot.comparison.pictures.chart import HEIGHT, WIDTH, Dot, Text, curve, draw_curve
from sweetspot.comparison.pictures.grid import draw_grid
from sweetspot.comparison.report import Price, Report, make_report
from sweetspot.comparison.runs import Run, Series, Settings
from sweetspot.comparison.verdict.judge import judge
from sweetspot.comparison.verdict.judgement import JudgedRun, Judgement
from sweetspot.comparison.verdict.sweet_spot import SweetSpot

HOSTILE = "<img onerror=alert(1)>|`x`\n# title & [a](b)"


def report_of(
    levels: dict[int, float], name: str = "flux_dev", batch: int = 1, size=(32, 32), price: Price | None = None
) -> Report:
    rng = np.random.default_rng(0)
    clean, error = rng.random((batch, *size, 3)) * 0.5 + 0.25, rng.normal(size=(batch, *size, 3))
    runs = [Run(n, n, n / 10, clean + level * error) for n, level in levels.items()]
    settings = Settings("comfyui", name, "f", "euler", "simple", 1.0, 7)
    return make_report([judge(Series(settings, runs))], price)


def texts_of(report: Report) -> list[Text]:
    return [shape for shape in curve(report) if isinstance(shape, Text)]


def test_the_points_of_the_curve_are_the_runs():
    report = report_of({4: 0.3, 25: 0.02, 50: 0.0})
    dots = [shape.centre for shape in curve(report) if isinstance(shape, Dot)]
    # Steps go to the right, similarity goes up: in proportion.
    across = [x for x, _ in dots]
    assert (across[1] - across[0]) / (across[2] - across[0]) == pytest.approx(21 / 46, abs=0.01)
    assert dots[0][1] > dots[1][1] > dots[2][1]
    words = [text.words for text in texts_of(report)]
    assert {"4", "25", "50", "0.4 s", "2.5 s", "5 s"} <= set(words)
    assert any("25 steps" in word for word in words)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in (text.place for text in texts_of(report)))


def test_costs_stand_below_the_steps_where_there_is_a_price():
    report = report_of({4: 0.3, 50: 0.0}, price=Price(0.5, "per step"))
    words = [text.words for text in texts_of(report)]
    assert {"2", "25"} <= set(words)
    assert "0.4 s" not in words


def test_the_curve_goes_to_the_right_with_the_steps_also_where_fewer_took_longer():
    runs = [Run(n, n, seconds, np.full((1, 32, 32, 3), n / 60)) for n, seconds in ((4, 9.0), (25, 2.5), (50, 5.0))]
    settings = Settings("comfyui", "flux_dev", "f", "euler", "simple", 1.0, 7)
    shapes = curve(make_report([judge(Series(settings, runs))]))
    across = [shape.centre[0] for shape in shapes if isinstance(shape, Dot)]
    assert across == sorted(across)


def test_the_picture_of_the_curve_marks_the_sweet_spot():
    picture = draw_curve(report_of({4: 0.3, 25: 0.02, 50: 0.0}))
    assert picture.shape == (HEIGHT, WIDTH, 3)
    mark = np.abs(picture - np.array([52, 211, 153]) / 255).max(axis=-1) < 0.01
    assert 60 < mark.sum() < 4000


@pytest.mark.parametrize("levels", [{25: 0.0}, {4: 0.0, 50: 0.0}, {1: 2.0, 2: 1.5, 3: 0.0}])
def test_any_comparison_has_a_curve(levels: dict[int, float]):
    assert draw_curve(report_of(levels)).max() > 0.5


@pytest.mark.parametrize("size", [(32, 32), (16, 200), (300, 20), (600, 400)])
@pytest.mark.parametrize("counts", [1, 3, 40])
def test_a_grid_of_any_aspect_keeps_to_its_size(size, counts: int):
    # Drawn is what was judged elsewhere: measuring 80 large images takes seconds.
    runs = [Run(n, n, n / 10, np.full((2, *size, 3), n, np.uint8)) for n in range(1, counts + 1)]
    judged = tuple(JudgedRun(run, (), 0.9, None, 20.0, 0.9, {}, 0) for run in runs)
    settings = Settings("comfyui", "flux_dev", "f", "euler", "simple", 1.0, 7)
    spot = SweetSpot(counts, "a test")
    judgement = Judgement(settings, judged, counts, spot, (counts, counts), None, (), None, None, None)
    grid = draw_grid(Report((judgement,)))
    assert grid.shape[0] * grid.shape[1] < 40e6
    # Many counts go on in the next line, so that the picture can be looked at.
    assert grid.shape[1] < 12_000


def test_markdown_has_a_line_for_each_count_and_the_verdict():
    text = to_markdown(report_of({4: 0.3, 25: 0.02, 50: 0.0}, batch=3, price=Price(2.0, "per step")))
    assert "**25 steps**" in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert len({len(row) for row in cells}) == 1
    assert [row[0] for row in cells[2:]] == ["4", "25", "50"]
    assert [row[-1] for row in cells[2:]] == ["8", "50", "100"]
    assert "3 images per step count" in text


def test_names_from_files_are_text():
    told = to_markdown(report_of({4: 0.3, 50: 0.0}, name=HOSTILE))
    assert "<img" not in told
    assert "\n# title" not in told
    assert "[a]" not in told.replace("\\[a]", "")
    assert "a\\\\\\[x]" in to_markdown(report_of({4: 0.3, 50: 0.0}, name="a\\[x](y)"))
