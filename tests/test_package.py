"""What is published: version, metadata, what the Comfy registry asks for, and what users get."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import sweetspot
import yaml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PICTURES = "https://raw.githubusercontent.com/sweet-spot-nodes/sweet-spot/main/"


@pytest.fixture(scope="module")
def project(root: Path) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))


def test_the_version_is_the_same_in_both_places(project: dict):
    assert project["project"]["version"] == sweetspot.__version__


def test_inside_comfyui_nothing_more_is_needed(project: dict):
    assert project["project"]["dependencies"] == []
    assert project["tool"]["comfy"]["requires-comfyui"] == ">=0.8.0"
    assert "web" not in project["tool"]["comfy"]


def test_the_registrys_pictures_are_there(project: dict, root: Path):
    for name in ("Icon", "Banner"):
        assert (root / project["tool"]["comfy"][name].removeprefix(PICTURES)).is_file()
    assert project["project"]["urls"]["Documentation"]


def test_the_registry_takes_the_pack(root: Path):
    answer = comfy(root, "node", "validate")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "All validation checks passed" in answer.stdout + answer.stderr


def comfy(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    whole = [sys.executable, "-m", "comfy_cli", "--skip-prompt", *command]
    return subprocess.run(whole, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def packed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The text of each file that `comfy node pack` gives to users; of weights and pictures the name alone."""
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        pytest.skip("there is no git checkout to pack")
    copy = tmp_path_factory.mktemp("packed")
    listed = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listed, cwd=root, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(lambda name: name and (root / name).is_file(), files):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith((".safetensors", ".png", ".jpg")):
            (copy / name).touch()
        else:
            shutil.copy(root / name, copy / name)
    subprocess.run([git, "init", "--quiet"], cwd=copy, check=True)
    subprocess.run([git, "add", "--all"], cwd=copy, check=True)
    answer = comfy(copy, "node", "pack")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    with zipfile.ZipFile(copy / "node.zip") as archive:
        return {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}


def test_users_get_what_they_need_and_nothing_else(packed: dict[str, str], root: Path):
    folders = {name.split("/")[0] for name in packed if "/" in name}
    code = {"cli", "comparison", "demo", "engines", "graphs", "nodes", "presets", "samplers", "sweeps"}
    assert folders == code | {"example_workflows", "locales", "subgraphs", "web"}
    assert {name for name in packed if "/" not in name} == {
        "LICENSE",
        "README.md",
        "__init__.py",
        "pyproject.toml",
        "words.py",
    }
    assert not [name for name in packed if "training/" in name or name.endswith((".d.ts", ".schema.json"))]
    for file in (root / "nodes").rglob("*.py"):
        assert file.relative_to(root).as_posix() in packed


def test_only_the_shell_starts_processes(packed: dict[str, str]):
    starting = {name for name, text in packed.items() if name.endswith(".py") and "subprocess" in text}
    assert starting
    assert all(name.startswith("cli/") for name in starting)


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
    assert matrix["python"] == ["3.10", "3.11", "3.12", "3.13", "3.14"]


@pytest.mark.parametrize("name", ["publish.yml", "test.yml"])
def test_what_runs_on_github_is_pinned_and_only_publishing_sees_the_token(root: Path, name: str):
    text = (root / ".github" / "workflows" / name).read_text("utf-8")
    steps = [step for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"]]
    actions = [step["uses"] for step in steps if "uses" in step]
    assert actions
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in actions)
    installs = [line for step in steps for line in step.get("run", "").splitlines() if "pip install" in line]
    assert all("--constraint constraints.txt" in line for line in installs)
    with_token = [step for step in steps if "secrets." in str(step)]
    assert [step.get("name") for step in with_token] == (["Publish"] if name == "publish.yml" else [])
    assert all("secrets." not in step["run"] for step in with_token)


def test_tools_that_the_commands_install_are_pinned(root: Path, project: dict):
    pinned = {
        line.split("==")[0] for line in (root / "constraints.txt").read_text("utf-8").splitlines() if "==" in line
    }
    extras = project["project"]["optional-dependencies"]
    names = {re.match(r"[\w-]+", each)[0] for extra in ("client", "lint") for each in extras[extra]}
    assert names | {"uv"} <= pinned


def test_the_version_is_one_everywhere_and_has_its_section(root: Path, project: dict):
    version = project["project"]["version"]
    assert f'__version__ = "{version}"' in (root / "__init__.py").read_text("utf-8")
    citation = yaml.safe_load((root / "CITATION.cff").read_text("utf-8"))
    assert str(citation["version"]) == version
    assert f"## {version} - {citation['date-released']}" in (root / "CHANGELOG.md").read_text("utf-8")


def test_the_readme_gives_its_commands_and_its_links_lead_somewhere(root: Path):
    text = (root / "README.md").read_text("utf-8")
    for command in ("make demo", "make check", "make test"):
        assert command in text
    pictures, links = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text), re.findall(r"(?<!!)\[[^\]]*\]\(([^)]+)\)", text)
    # A picture has to work outside the repository, too: on the registry's page.
    assert pictures
    assert all(target.startswith(PICTURES) for target in pictures)
    for target in [*pictures, *links]:
        assert (root / target.removeprefix(PICTURES)).exists(), target
