"""The recipes in CONTRIBUTING.md work, for those that need no ComfyUI; tests/comfyui has the other one."""

import importlib.util
import re
import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git to apply the examples with")

spec = importlib.util.spec_from_file_location("sweetspot_test_recipes", Path(__file__).with_name("recipes.py"))
recipes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(recipes)

TESTS = {
    "preset": ["tests/presets/test_catalogue.py", "-k", "daydream or schema or row"],
    "model_class": ["tests/presets/recognition/test_model_file.py"],
    "measure": [
        "tests/comparison/measures/test_mean_difference.py",
        "tests/comparison/test_report.py",
        "tests/comparison/pictures",
        "-k",
        "difference or schema or markdown",
    ],
}


@pytest.mark.parametrize("recipe", TESTS)
def test_a_recipe_can_be_followed(recipe: str, tmp_path: Path):
    answer = recipes.follow(recipe, tmp_path, *TESTS[recipe])
    assert answer.returncode == 0, answer.stdout[-3000:] + answer.stderr[-3000:]
    assert " passed" in answer.stdout


def test_every_recipe_has_its_example_and_every_example_its_test(root: Path):
    text = (root / "CONTRIBUTING.md").read_text("utf-8")
    linked = re.findall(r"\(docs/recipes/(\w+)\.patch\)", text)
    assert sorted(linked) == sorted(file.stem for file in (root / "docs" / "recipes").glob("*.patch"))
    assert sorted(linked) == sorted([*TESTS, "node"])
