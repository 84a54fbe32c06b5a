"""`sweetspot doctor`: what of ComfyUI, the extras and the folders is there, and what to do about the rest."""

import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from .comfyui import PACK, ComfyUIError, find_comfyui

State = Literal["ok", "missing", "broken"]
OK, MISSING, BROKEN = "ok", "missing", "broken"
VERSION = 1
_EXTRAS = {
    "client": ("comfy-cli",),
    "standalone": ("torch", "diffusers", "safetensors", "numpy", "Pillow"),
    "diffusers": ("transformers", "accelerate"),
    "sweep": ("ray", "pyarrow"),
}
_NODE = "SweetSpotPreset"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what.
        state: `ok`, `missing` if it isn't there and need not be, `broken` if it is there but doesn't work.
        found: what was found.
        fix: what to do; empty if nothing.
    """

    name: str
    state: State
    found: str
    fix: str = ""


def run_doctor(server: str, out: Path, presets: Path | None, *, as_json: bool) -> int:
    """Print one line for each check, and return 1 if anything is broken, else 0."""
    checks = list(checks_of(server, out, presets))
    if as_json:
        print(json.dumps({"version": VERSION, "checks": [asdict(check) for check in checks]}, indent=2))
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            fix = f"; {check.fix}" if check.fix else ""
            print(f"{check.state:<8} {check.name:<{width}}  {check.found}{fix}")
    return int(any(check.state == BROKEN for check in checks))


def checks_of(server: str, out: Path, presets: Path | None) -> Iterator[Check]:
    """Yield the checks.

    Args:
        server: address of a ComfyUI that may be running.
        out: a folder that should be writable.
        presets: file of the user's presets; None for the one in ComfyUI's user folder.
    """
    try:
        folder = find_comfyui()
    except ComfyUIError as error:
        folder = None
        yield Check("ComfyUI", BROKEN, str(error), "unset COMFYUI_PATH or correct it")
    else:
        yield _comfyui(folder)
    if folder is not None:
        yield from (_python(folder), _pack(folder))
    yield _server(server)
    for extra, packages in _EXTRAS.items():
        yield _extra(extra, packages)
    yield from (_guarded("templates", _templates), _guarded("your presets", lambda: _presets(presets)), _out(out))


def _comfyui(folder: Path | None) -> Check:
    if folder is None:
        return Check("ComfyUI", MISSING, "none found", "comfy install, or set COMFYUI_PATH to its folder")
    file = folder / "comfyui_version.py"
    found = re.search(r'"([0-9.]+)"', file.read_text("utf-8")) if file.is_file() else None
    return Check("ComfyUI", OK, f"{found[1] if found else 'unknown version'} in {folder}")


def _python(folder: Path) -> Check:
    named = os.environ.get("COMFYUI_PYTHON")
    own = [folder / name / "bin" / "python" for name in (".venv", "venv")]
    own += [folder / name / "Scripts" / "python.exe" for name in (".venv", "venv")]
    python = Path(named) if named else next((file for file in own if file.is_file()), Path(sys.executable))
    ask = (
        "import platform, torch; d = 'cuda: ' + torch.cuda.get_device_name() if torch.cuda.is_available() else 'cpu'; "
        "print(f'Python {platform.python_version()}, torch {torch.__version__}, {d}')"
    )
    name = "ComfyUI's Python"
    try:
        answer = subprocess.run([str(python), "-c", ask], capture_output=True, text=True, timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check(name, BROKEN, f"{python}: {error}", "set COMFYUI_PYTHON to the interpreter that runs ComfyUI")
    if answer.returncode:
        last = (answer.stderr.strip().splitlines() or ["it fails"])[-1]
        return Check(name, BROKEN, f"{python}: {last}", f"{python} -m pip install -r {folder / 'requirements.txt'}")
    return Check(name, OK, answer.stdout.strip())


def _pack(folder: Path) -> Check:
    places = folder / "custom_nodes"
    try:
        found = [entry for entry in places.iterdir() if entry.resolve() == PACK or _is_ours(entry)]
    except OSError as error:
        return Check("pack in ComfyUI", BROKEN, str(error), "create the folder custom_nodes")
    if found:
        return Check("pack in ComfyUI", OK, str(found[0]))
    return Check("pack in ComfyUI", MISSING, f"not in {places}", f"ln -s {PACK} {places / 'sweetspot'}")


def _is_ours(folder: Path) -> bool:
    file = folder / "pyproject.toml"
    return file.is_file() and bool(re.search(r'^name = "sweetspot"$', file.read_text("utf-8", "replace"), re.MULTILINE))


def _server(address: str) -> Check:
    address = (address if "//" in address else f"http://{address}").rstrip("/")
    try:
        with urllib.request.urlopen(f"{address}/object_info/{_NODE}", timeout=10) as answer:
            knows = _NODE in json.load(answer)
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        return Check("server", MISSING, f"none at {address} ({why})", "start ComfyUI, or pass --server URL")
    with_pack = "with" if knows else "without"
    return Check(
        "server", OK, f"{address}, {with_pack} this pack", "" if knows else "restart it once the pack is in it"
    )


def _extra(extra: str, packages: tuple[str, ...]) -> Check:
    versions, missing = [], []
    for package in packages:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(package)
    if missing:
        return Check(f"extra {extra}", MISSING, ", ".join(missing), f"pip install 'sweetspot[{extra}]'")
    return Check(f"extra {extra}", OK, ", ".join(versions))


def _guarded(name: str, look: Callable[[], Check]) -> Check:
    try:
        return look()
    except (ValueError, OSError, ComfyUIError) as error:
        return Check(name, BROKEN, str(error))


def _templates() -> Check:
    from .user_presets import template_folders

    count = sum(1 for folder in template_folders() for _ in folder.rglob("*.json"))
    if not count:
        return Check("templates", MISSING, "none", "pip install comfyui-workflow-templates")
    return Check("templates", OK, f"{count} files")


def _presets(chosen: Path | None) -> Check:
    from .user_presets import known_presets, presets_file

    saved = known_presets(chosen)
    if saved is None:
        return Check("your presets", MISSING, "no ComfyUI with a user folder", "pass --presets FILE")
    if saved.problem:
        return Check("your presets", BROKEN, saved.problem, "correct the file, or delete it")
    file = presets_file(chosen)
    return Check("your presets", OK, f"{len(saved.presets)} in {file}")


def _out(out: Path) -> Check:
    existing = next((place for place in (out, *out.absolute().parents) if place.exists()), out)
    if existing.is_dir() and os.access(existing, os.W_OK):
        return Check("--out", OK, f"{out} can be written")
    return Check("--out", BROKEN, f"{existing} can't be written", "pass --out with another folder")
