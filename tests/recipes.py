"""Follow a recipe of CONTRIBUTING.md in a copy of the pack: apply its worked example and run tests there."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", "node_modules", "out", "__pycache__", "*.egg-info", ".*_cache", ".hypothesis", "node.zip"
)


def follow(recipe: str, folder: Path, *tests: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Copy the pack into a folder, apply `docs/recipes/<recipe>.patch`, and run tests of the copy."""
    copy = folder / "sweetspot"
    shutil.copytree(ROOT, copy, ignore=_NOT_COPIED, symlinks=True)
    patch = [
        "git",
        "apply",
        "--unidiff-zero",
        "--whitespace=nowarn",
        str(ROOT / "docs" / "recipes" / f"{recipe}.patch"),
    ]
    # Outside a repository `git apply` patches files as they are.
    applied = subprocess.run(patch, cwd=copy, capture_output=True, text=True, check=False)
    assert applied.returncode == 0, applied.stderr
    pytest = Path(sys.executable).with_name("pytest.exe" if sys.platform == "win32" else "pytest")
    command = [str(pytest), "-q", "-p", "no:cacheprovider", *options, *tests]
    return subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
