"""Runs `make demo`, `make check`, `make test`, `make lint` and `make bench`, which need only Python and access to PyPI.

Works with any Python that the pack supports and imports only the standard library. It creates `.venv`, installs what
the task needs (again only if the requirements changed), and runs the task with it.
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
# `sweetspot demo` ends with this exit code if it needs the extra `standalone`; see cli/main.py.
NEEDS_STANDALONE = 3
TESTED = "client,diffusers,sweep,test,lint"
EXTRAS = {
    "demo": "client",
    "check": TESTED,
    "test": TESTED,
    "lint": TESTED,
    "bench": TESTED,
}
# Tests that need a server, or a server and a browser. Each folder gets its own pytest run, which ends its processes.
SERVER_TESTS = ("tests/comfyui", "tests/browser")

# pytest's exit code where no test ran.
NOTHING_RAN = 5
# A ComfyUI without its own environment runs in ours. Some tests import its modules, so its requirements must be there.
PREPARE_COMFYUI = (
    "from sweetspot.cli.comfyui import find_comfyui, prepare; folder = find_comfyui(); folder and prepare(folder)"
)


def main() -> int:
    """Run the task named on the command line and return its exit code. `test` accepts pytest options."""
    task = sys.argv[1] if len(sys.argv) > 1 else ""
    if task not in EXTRAS:
        print(f"usage: develop.py {'|'.join(EXTRAS)}; got {task!r}", file=sys.stderr)
        return 2
    prepare(EXTRAS[task])
    chosen = sys.argv[2:]
    if task == "demo":
        return demo()
    if task in ("check", "test", "bench"):
        require(python(), "-c", PREPARE_COMFYUI)
    if chosen and task == "test":
        return lint() or run(tool("pytest"), *chosen)
    return {"lint": lint, "check": check, "test": test, "bench": bench}[task]()


def check() -> int:
    """Lint, and run all tests that need neither a server nor a browser, on all cores."""
    return lint() or without_servers("not fuzz and not cluster")


def without_servers(marked: str) -> int:
    """Run the tests with these marks that need neither a server nor a browser."""
    without = [f"--ignore={folder}" for folder in SERVER_TESTS]
    return run(tool("pytest"), "--numprocesses=auto", "--dist=loadgroup", "--quiet", "-m", marked, *without)


def test() -> int:
    """Run all checks and tests. Goes on after a failure, so that one run shows all failures."""
    codes = [
        check(),
        without_servers("fuzz or cluster"),
        *(run(tool("pytest"), "--quiet", folder) for folder in SERVER_TESTS),
    ]
    # pytest has left out a folder that this machine can't run, and said why.
    return max(0 if code == NOTHING_RAN else code for code in codes)


def bench() -> int:
    """Measure models of real size if torch can use a GPU, and small ones otherwise; fail if a ratio got worse."""
    has_gpu = run(python(), "-c", "import sys, torch; sys.exit(not torch.cuda.is_available())") == 0
    return run(python(), "benchmarks/real_size.py", "--gate", *([] if has_gpu else ["--quick"]))


def demo() -> int:
    """Run the demo. The diffusers engine's libraries are large, so they are installed only when needed."""
    code = run(tool("sweetspot"), "demo")
    if code != NEEDS_STANDALONE:
        return code
    prepare("client,standalone")
    return run(tool("sweetspot"), "demo", "--engine", "diffusers")


def prepare(extras: str) -> None:
    """Install the pack with these extras into `.venv`; do nothing if they already are."""
    if sys.version_info < (3, 10):  # noqa: UP036 - an old Python may run this file
        sys.exit(f"Sweet Spot needs Python 3.10 or newer, this is {sys.version.split()[0]}")
    if not python().exists():
        print(f"Creating {ENVIRONMENT.name} ...", flush=True)
        venv.create(ENVIRONMENT, with_pip=True)
    wanted = [(ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    digest = hashlib.sha256(b"".join(wanted)).hexdigest()
    stamp = ENVIRONMENT / f"sweetspot-{extras.replace(',', '-')}.stamp"
    if stamp.exists() and stamp.read_text("utf-8") == digest:
        return
    constraint = ("--constraint", ROOT / "constraints.txt")
    print(f"Installing {extras} into {ENVIRONMENT.name} (the first time takes a minute or more) ...", flush=True)
    require(python(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *constraint, "uv")
    install(f"--editable={ROOT}[{extras}]")
    stamp.write_text(digest, "utf-8")


def install(*requirements: str) -> None:
    """Install into `.venv` under the project's constraints, with a progress display on a terminal."""
    require(
        tool("uv"), "pip", "install", f"--python={python()}", "--constraint", ROOT / "constraints.txt", *requirements
    )


def lint() -> int:
    """Check style and types."""
    return (
        run(tool("ruff"), "check", ".")
        or run(tool("ruff"), "format", "--check", ".")
        or run(tool("basedpyright"), f"--pythonpath={python()}")
        or lint_browser()
    )


def lint_browser() -> int:
    """Check web/: formatting, types, and web/vendor against the npm packages. Needs Node 20."""
    npm = shutil.which("npm")
    if npm is None:
        print("SKIPPED: checks of web/ (npm was not found)", flush=True)
        return 0
    stamp = ROOT / "node_modules" / "sweetspot.stamp"
    wanted = hashlib.sha256((ROOT / "package.json").read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text("utf-8") != wanted:
        # The published types have peer dependencies that only their authors' build needs.
        options = ("--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps")
        require(npm, "install", "--silent", *options)
        stamp.write_text(wanted, "utf-8")
    return run(npm, "run", "--silent", "check") or run(npm, "run", "--silent", "vendor", "--", "--check")


def python() -> Path:
    """Return the Python interpreter in `.venv`."""
    return ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def tool(name: str) -> Path:
    """Return a command in `.venv`."""
    return python().parent / (f"{name}.exe" if os.name == "nt" else name)


def run(*command: str | Path) -> int:
    """Run a command in the repository and return its exit code."""
    return subprocess.run(list(map(str, command)), cwd=ROOT, check=False).returncode


def require(*command: str | Path) -> None:
    """Run a command; if it fails, exit with its exit code."""
    code = run(*command)
    if code:
        sys.exit(code)


if __name__ == "__main__":
    sys.exit(main())
