"""The layout's rules: what may import what, what an import costs, and how long files and functions may be."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STANDARD = set(sys.stdlib_module_names)
HEAVY = ("diffusers", "ray", "pyarrow", "kornia", "matplotlib", "pandas")
COMFYUI = {
    "comfy",
    "comfy_api",
    "comfy_execution",
    "comfy_extras",
    "execution",
    "folder_paths",
    "latent_preview",
    "nodes",
    "server",
}

# folder -> what it may import besides the standard library, and which of our folders below it.
ALLOWED = {
    "samplers": ({"torch"}, set()),
    "graphs": (set(), set()),
    "presets": (set(), {"graphs"}),
    "comparison": ({"numpy", "PIL", "torch"}, {"samplers"}),
    "engines": (
        {"torch", "numpy", "PIL", "diffusers", "safetensors", "comfy_cli", "websocket"},
        {"comparison", "graphs", "samplers"},
    ),
    "demo": ({"torch", "safetensors"}, {"engines", "presets"}),
    "demo/training": (
        {"torch", "numpy", "scipy", "PIL", "safetensors", "diffusers"},
        {"demo", "engines", "comparison", "samplers"},
    ),
    "sweeps": ({"pyarrow", "ray", "tomli", "torch"}, {"demo", "engines", "comparison", "samplers"}),
    "cli": ({"rich"}, {"sweeps", "demo", "engines", "comparison", "presets", "graphs"}),
    "nodes": (
        {*COMFYUI, "torch", "torchaudio", "numpy", "safetensors", "aiohttp"},
        {"demo", "comparison", "presets", "graphs", "samplers"},
    ),
}
# What every folder may import.
BELOW_ALL = {ROOT / "words.py"}
# Within a folder, rooms that stand below the others.
ROOMS = {
    "presets/recognition": {"presets/sources"},
    "comparison/measures": {"comparison/verdict", "comparison/pictures"},
    "comparison/verdict": {"comparison/pictures"},
    "nodes/model": {"nodes/running", "nodes/comparing"},
    "nodes/running": {"nodes/comparing"},
}


def files_of(folder: str) -> list[Path]:
    """Return a folder's Python files, without those of a folder that has rules of its own."""
    nested = [ROOT / other for other in ALLOWED if other.startswith(f"{folder}/")]
    files = sorted((ROOT / folder).rglob("*.py"))
    return [file for file in files if not any(file.is_relative_to(other) for other in nested)]


ALL_FILES = [file for folder in ALLOWED for file in files_of(folder)]


def imports_of(file: Path) -> tuple[set[str], set[Path]]:
    """Return the outside packages and our own files or folders that a file imports, at its top or deeper."""
    outside, ours = set(), set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            outside.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            outside.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.ImportFrom):
            start = file.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            ours.update(target for alias in node.names for target in [target_of(start, alias.name)] if target != file)
    return outside - STANDARD, ours


def target_of(start: Path, name: str) -> Path:
    """Return the file that `from start import name` reads."""
    if start.with_suffix(".py").is_file():
        return start.with_suffix(".py")
    inside = start / f"{name}.py"
    return inside if inside.is_file() else start / "__init__.py"


def folder_of(file: Path) -> str:
    return next(folder for folder in reversed(ALLOWED) if file.is_relative_to(ROOT / folder))


def test_every_folder_has_a_rule():
    packages = {file.parent.name for file in ROOT.glob("*/__init__.py") if file.parent.name != "tests"}
    assert packages == {folder for folder in ALLOWED if "/" not in folder}


@pytest.mark.parametrize("folder", ALLOWED)
def test_imports_go_one_way(folder: str):
    outside_allowed, ours_allowed = ALLOWED[folder]
    assert files_of(folder)
    for file in files_of(folder):
        outside, ours = imports_of(file)
        assert outside <= outside_allowed, file
        assert {folder_of(target) for target in ours - BELOW_ALL} <= {folder, *ours_allowed}, file


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_do_not_import_those_above_them(room: str):
    for file in files_of(room):
        for target in imports_of(file)[1]:
            assert not any(target.is_relative_to(ROOT / above) for above in ROOMS[room]), f"{file} -> {target}"


def test_no_files_import_each_other_in_a_circle():
    imports = {file: imports_of(file)[1] for file in ALL_FILES}
    finished, circles = set(), []

    def visit(file: Path, way: list[Path]) -> None:
        if file in way:
            circles.append([step.relative_to(ROOT).as_posix() for step in way[way.index(file) :]])
        elif file not in finished:
            for target in imports.get(file, ()):
                visit(target, [*way, file])
            finished.add(file)

    for file in ALL_FILES:
        visit(file, [])
    assert not circles


def test_only_nodes_import_comfyui():
    for file in ALL_FILES:
        if folder_of(file) != "nodes":
            assert not imports_of(file)[0] & COMFYUI, file


def test_no_file_hides_a_module_of_the_standard_library():
    """A script's own folder comes first on Python's path: cli/inspect.py once broke `inspect` there."""
    on_a_path = [ROOT, *(ROOT / folder for folder in ("scripts", "benchmarks", "cli", "demo/training"))]
    assert not [module for folder in on_a_path for module in folder.iterdir() if module.stem in STANDARD]


def test_importing_the_pack_loads_nothing_heavy():
    code = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('sweetspot', {str(ROOT / '__init__.py')!r})\n"
        "spec.loader.exec_module(importlib.util.module_from_spec(spec))\n"
        f"loaded = sorted(set(sys.modules) & {{'torch', 'numpy', *{HEAVY!r}}})\n"
        "sys.exit(f'loaded: {loaded}' if loaded else 0)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("file", ALL_FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_files_and_functions_stay_short(file: Path):
    text = file.read_text("utf-8")
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < 60, node.name
