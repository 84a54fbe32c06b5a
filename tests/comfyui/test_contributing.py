"""The recipe for a node in CONTRIBUTING.md works, in a ComfyUI that loads the changed copy."""

import importlib.util
from pathlib import Path

RECIPES = Path(__file__).resolve().parents[1] / "recipes.py"
spec = importlib.util.spec_from_file_location("sweetspot_test_recipes", RECIPES)
recipes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(recipes)

TESTS = ("tests/comfyui/test_pack.py", "tests/comfyui/test_locales.py", "tests/comfyui/test_plan_steps.py")


def test_the_recipe_for_a_node_can_be_followed(tmp_path: Path):
    answer = recipes.follow("node", tmp_path, *TESTS)
    assert answer.returncode == 0, answer.stdout[-3000:] + answer.stderr[-3000:]
