"""The house's rules: what may import what, and what an import costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STANDARD = set(sys.stdlib_module_names)
HEAVY = ("diffusers", "kornia", "matplotlib", "pandas")

# package -> what it may import beside the standard library, and which of our packages.
ALLOWED = {
    "samplers": ({"torch"}, {"samplers"}),
    "graphs": (set(), {"graphs"}),
    "presets": ({"safetensors"}, {"presets", "graphs"}),
    "comparison": ({"numpy", "PIL"}, {"comparison", "samplers"}),
    "engines": ({"torch", "diffusers", "safetensors"}, {"engines", "comparison", "samplers"}),
    "demo": (
        {"torch", "numpy", "scipy", "PIL", "safetensors", "diffusers"},
        {"demo", "engines", "comparison", "presets", "graphs", "samplers"},
    ),
    "cli": (set(), {"cli", "demo", "engines", "comparison", "presets", "graphs", "samplers"}),
    "nodes": (
        {
            "comfy",
            "comfy_api",
            "comfy_execution",
            "comfy_extras",
            "folder_paths",
            "nodes",
            "latent_preview",
            "server",
            "torch",
            "numpy",
            "safetensors",
            "aiohttp",
        },
        {"nodes", "demo", "comparison", "presets", "graphs", "samplers"},
    ),
}


def files_of(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports_of(file: Path) -> tuple[set[str], set[str]]:
    """Return the outside packages and our own packages that a file imports, at its top or deeper."""
    outside, ours = set(), set()
    depth = len(file.relative_to(ROOT).parts)
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            outside.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            outside.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.ImportFrom) and node.level == depth:
            ours.update([node.module.split(".")[0]] if node.module else [alias.name for alias in node.names])
        elif isinstance(node, ast.ImportFrom):
            ours.add(file.relative_to(ROOT).parts[0])
    return outside - STANDARD, ours


def test_every_package_has_a_rule():
    packages = {file.parent.name for file in ROOT.glob("*/__init__.py") if file.parent.name != "tests"}
    assert packages == set(ALLOWED)


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_go_one_way(package: str):
    outside_allowed, ours_allowed = ALLOWED[package]
    assert files_of(package)
    for file in files_of(package):
        outside, ours = imports_of(file)
        assert outside <= outside_allowed, file
        assert ours <= ours_allowed, file


def test_only_nodes_import_comfyui():
    for package in set(ALLOWED) - {"nodes"}:
        for file in files_of(package):
            assert not {name for name in imports_of(file)[0] if name.startswith("comfy")}, file


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


@pytest.mark.parametrize("package", ALLOWED)
def test_files_and_functions_stay_short(package: str):
    for file in files_of(package):
        text = file.read_text("utf-8")
        assert text.count("\n") <= 400, file
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno - node.lineno < 60, f"{file}: {node.name}"
