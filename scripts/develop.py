"""`make demo`, `make check`, `make test` and `make lint`: all they need is Python and a package registry.

Runs with any Python that the pack supports and imports only the standard library. It creates `.venv` beside the pack,
installs what the task needs (again only when that has changed), and continues in there.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
# The exit code with which `sweetspot demo` asks for the extra `standalone`: cli/main.py sets it.
NEEDS_STANDALONE = 3
EXTRAS = {
    "demo": "client",
    "check": "client,standalone,test,lint",
    "test": "client,standalone,test,lint",
    "lint": "client,standalone,test,lint",
}
# Tests that need a server, or a server and a browser. Each folder has a run of its own, whose processes end with it.
SERVER_TESTS = ("tests/comfyui", "tests/browser")

# pytest's exit code where no test ran.
NOTHING_RAN = 5
# A ComfyUI without an environment of its own runs in ours, and some tests use its modules.
PREPARE_COMFYUI = (
    "from sweetspot.cli.comfyui import find_comfyui, prepare; folder = find_comfyui(); folder and prepare(folder)"
)


def main() -> int:
    """Do the task named on the command line and return its exit code. After `test`, options of pytest may follow."""
    task = sys.argv[1] if len(sys.argv) > 1 else ""
    if task not in EXTRAS:
        print(f"usage: develop.py {'|'.join(EXTRAS)}; got {task!r}", file=sys.stderr)
        return 2
    prepare(EXTRAS[task])
    chosen = sys.argv[2:]
    if task == "demo":
        return demo()
    if chosen and task == "test":
        return lint() or run(tool("pytest"), *chosen)
    return {"lint": lint, "check": check, "test": test}[task]()


def check() -> int:
    """Check form and types, and run every test that needs no server and no browser, on all cores."""
    require(python(), "-c", PREPARE_COMFYUI)
    without = [f"--ignore={folder}" for folder in SERVER_TESTS]
    return lint() or run(tool("pytest"), "--numprocesses=auto", "--dist=loadgroup", "--quiet", *without)


def test() -> int:
    """Run everything, and go on after a failure, so that one run shows them all."""
    codes = [check(), *(run(tool("pytest"), "--quiet", folder) for folder in SERVER_TESTS)]
    # pytest has left out a folder that this machine can't run, and said why.
    return max(0 if code == NOTHING_RAN else code for code in codes)


def demo() -> int:
    """Run the demo. The diffusers engine's libraries are large, so they are installed only if it is needed."""
    code = run(tool("sweetspot"), "demo")
    if code != NEEDS_STANDALONE:
        return code
    prepare("client,standalone")
    return run(tool("sweetspot"), "demo", "--engine", "diffusers")


def prepare(extras: str) -> None:
    """Install the pack with these extras into `.venv`; does nothing if they are installed already."""
    if sys.version_info < (3, 10):  # noqa: UP036 - this file is what meets an old Python
        sys.exit(f"Sweet Spot needs Python 3.10 or newer, this is {sys.version.split()[0]}")
    if not python().exists():
        print(f"Making {ENVIRONMENT.name} ...", flush=True)
        venv.create(ENVIRONMENT, with_pip=True)
    wanted = [(ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    digest = hashlib.sha256(b"".join(wanted)).hexdigest()
    stamp = ENVIRONMENT / f"sweetspot-{extras.replace(',', '-')}.stamp"
    if stamp.exists() and stamp.read_text("utf-8") == digest:
        return
    print(f"Installing {extras} into {ENVIRONMENT.name} (the first time takes a minute or more) ...", flush=True)
    require(python(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv")
    install(f"--editable={ROOT}[{extras}]")
    stamp.write_text(digest, "utf-8")


def install(*requirements: str) -> None:
    """Install into `.venv` under the project's constraints, with a progress display on a terminal."""
    require(
        tool("uv"), "pip", "install", f"--python={python()}", "--constraint", ROOT / "constraints.txt", *requirements
    )


def lint() -> int:
    """Check form and types."""
    return (
        run(tool("ruff"), "check", ".")
        or run(tool("ruff"), "format", "--check", ".")
        or run(tool("basedpyright"), f"--pythonpath={python()}")
        or lint_browser()
    )


def lint_browser() -> int:
    """Check the types of the browser's modules, and web/vendor against npm's packages. Both need Node 20."""
    npm = shutil.which("npm")
    if npm is None:
        print("LEFT OUT: types of web/ - no npm found", flush=True)
        return 0
    stamp = ROOT / "node_modules" / "sweetspot.stamp"
    wanted = hashlib.sha256((ROOT / "package.json").read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text("utf-8") != wanted:
        # The published types require libraries that only their authors' build needs.
        options = ("--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps")
        require(npm, "install", "--silent", *options)
        stamp.write_text(wanted, "utf-8")
    return run(npm, "run", "--silent", "check") or run(npm, "run", "--silent", "vendor", "--", "--check")


def python() -> Path:
    """Return the environment's interpreter."""
    return ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def tool(name: str) -> Path:
    """Return one of the environment's commands."""
    return python().parent / (f"{name}.exe" if os.name == "nt" else name)


def run(*command: str | Path) -> int:
    """Run a command in the pack's folder and return its exit code."""
    return subprocess.run(list(map(str, command)), cwd=ROOT, check=False).returncode


def require(*command: str | Path) -> None:
    """Run a command and end with its exit code if it fails."""
    code = run(*command)
    if code:
        sys.exit(code)


if __name__ == "__main__":
    sys.exit(main())
