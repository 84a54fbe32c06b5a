"""What is published: version, metadata, and what the Comfy registry asks."""

import subprocess
import sys
from pathlib import Path

import pytest
import sweetspot
import yaml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@pytest.fixture(scope="module")
def project(root: Path) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))


def test_the_version_is_told_once_in_two_places(project: dict):
    assert project["project"]["version"] == sweetspot.__version__


def test_inside_comfyui_nothing_more_is_needed(project: dict):
    assert project["project"]["dependencies"] == []
    assert project["tool"]["comfy"]["requires-comfyui"] == ">=0.8.0"
    assert "web" not in project["tool"]["comfy"]


def test_the_registry_takes_the_pack(root: Path):
    answer = subprocess.run(
        [sys.executable, "-m", "comfy_cli", "--skip-prompt", "node", "validate"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "All validation checks passed" in answer.stdout + answer.stderr


def test_every_package_is_in_the_wheel(project: dict, root: Path):
    folders = [folder for folder in root.iterdir() if (folder / "__init__.py").exists()]
    files = [file.relative_to(root) for folder in folders for file in folder.rglob("__init__.py")]
    packages = {".".join(("sweetspot", *file.parent.parts)) for file in files} | {"sweetspot"}
    # How the demo model was made is for developers.
    assert set(project["tool"]["setuptools"]["packages"]) == packages - {"sweetspot.demo.training"}


def test_workflows_for_github_cover_systems_and_versions(root: Path):
    jobs = yaml.safe_load((root / ".github" / "workflows" / "test.yml").read_text("utf-8"))["jobs"]
    matrix = jobs["test"]["strategy"]["matrix"]
    assert matrix["os"] == ["ubuntu-latest", "windows-latest", "macos-latest"]
    assert matrix["python"] == ["3.10", "3.11", "3.12", "3.13"]


def test_the_readme_gives_both_commands_and_its_pictures_are_there(root: Path):
    text = (root / "README.md").read_text("utf-8")
    assert "make demo" in text
    assert "make test" in text
    for target in [part.split(")")[0] for part in text.split("](")[1:]]:
        assert (root / target).exists(), target
