"""What a sweep runs: a TOML file, and the tasks that it stands for.

A cell is one image. A task is a ladder: all step counts of one model, contender, prompt and seed.
"""

import difflib
import hashlib
import itertools
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from ..comparison.runs import LARGEST_SEED
from ..comparison.step_counts import parse_step_counts
from ..engines.finished_runs import VERSION as SOLVERS_VERSION
from ..engines.load_pipeline import DTYPES, OFFLOADS
from ..samplers.schedulers import SCHEDULERS
from ..samplers.solvers import SOLVERS

# From so many cells on, the user is asked first.
MANY_CELLS = 100_000
DEMO = "demo"
_WEIGHTS, _CONFIGURATIONS = (".safetensors", ".bin"), (".json", ".txt", ".model")
# How many blocks of a file of weights are looked at, and their bytes.
_BLOCKS, _BLOCK = 256, 4096


@dataclass(frozen=True)
class Model:
    """A model of a sweep: a diffusers folder, a safetensors file with `config`, or `demo`; see `sweetspot compare`.

    Paths are relative to the sweep's file.
    """

    path: str
    config: str = ""
    shift: float | None = None
    guidance: float | None = None
    device: str = ""
    dtype: str = ""
    offload: str = "none"

    @property
    def name(self) -> str:
        """The file's or folder's name."""
        return Path(self.path).name


@dataclass(frozen=True)
class Contender:
    """A way to sample."""

    sampler: str = "euler"
    scheduler: str = "simple"
    cfg: float = 1.0

    @property
    def name(self) -> str:
        """A name for people."""
        return f"{self.sampler}, {self.scheduler}, cfg {self.cfg:g}"


@dataclass(frozen=True)
class Sweep:
    """A sweep.

    Attributes:
        models: what is sampled.
        prompts: what the images show.
        steps: step counts, rising.
        contenders: how they are sampled.
        negative: prompt to steer away from.
        seed: the first seed.
        seeds: how many seeds, each higher by 1 than the last.
        size: width and height in pixels.
        length: frames of a video; 1 for an image.
        threshold: similarity in % below which a difference is visible.
        price: what an hour of sampling costs; 0 if that doesn't matter.
    """

    models: tuple[Model, ...]
    prompts: tuple[str, ...]
    steps: tuple[int, ...]
    contenders: tuple[Contender, ...] = (Contender(),)
    negative: str = ""
    seed: int = 0
    seeds: int = 1
    size: tuple[int, int] = (1024, 1024)
    length: int = 1
    threshold: float = 89.5
    price: float = 0.0

    @property
    def needs_transformers(self) -> bool:
        """Whether a model is read from files, with text encoders."""
        return any(model.path != DEMO for model in self.models)

    @property
    def cells(self) -> int:
        """How many images it makes."""
        return len(self.models) * len(self.contenders) * len(self.prompts) * self.seeds * len(self.steps)

    def tasks(self) -> list["Ladder"]:
        """Return its tasks, those of one model in a row."""
        order = itertools.product(self.models, self.contenders, self.prompts, range(self.seeds))
        shared = {"negative": self.negative, "steps": self.steps, "size": self.size, "length": self.length}
        return [
            Ladder(model, contender, prompt, seed=(self.seed + number) % (LARGEST_SEED + 1), **shared)
            for model, contender, prompt, number in order
        ]


@dataclass(frozen=True)
class Ladder:
    """One task: all step counts of one model, contender, prompt and seed."""

    model: Model
    contender: Contender
    prompt: str
    seed: int
    negative: str
    steps: tuple[int, ...]
    size: tuple[int, int]
    length: int

    def key(self, steps: int) -> str:
        """Return the key of a cell: a hash of everything that determines its numbers."""
        return hashlib.sha256(f"{self._about} {steps}".encode()).hexdigest()

    @cached_property
    def _about(self) -> str:
        about = asdict(self) | {"model": _settings_of(self.model), "solvers": SOLVERS_VERSION}
        return json.dumps(about, sort_keys=True, separators=(",", ":"))

    @property
    def keys(self) -> list[str]:
        """The keys of its cells."""
        return [self.key(steps) for steps in self.steps]


def read_sweep(file: Path) -> Sweep:
    """Return the sweep in a TOML file.

    Raises:
        ValueError: names the key, what is allowed and what came.
        OSError: if the file, or the file of prompts that it names, can't be read.
    """
    try:
        content = _toml(file.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{file.name}: expected TOML: {error}") from None
    values = dict(content)
    if "prompts_file" in values:
        if "prompts" in values:
            raise ValueError("prompts: expected prompts or prompts_file, got both")
        lines = (file.parent / _text("prompts_file", values.pop("prompts_file"))).read_text("utf-8").splitlines()
        values["prompts"] = [line.strip() for line in lines if line.strip()]
    _check_keys("", values, [each.name for each in fields(Sweep)])
    for name in ("models", "prompts", "steps", "contenders"):
        if not values.get(name, name == "contenders"):
            raise ValueError(f"{name}: expected at least one, got none")
    tables = [_table(Model, "models", each) for each in _list("models", values["models"])]
    values["models"] = tuple(_placed(model, file.parent) for model in tables)
    if "contenders" in values:
        values["contenders"] = tuple(
            _table(Contender, "contenders", e) for e in _list("contenders", values["contenders"])
        )
    values["prompts"] = tuple(_text("prompts", prompt) for prompt in _list("prompts", values["prompts"]))
    values["steps"] = _steps(values["steps"])
    values["size"] = _size(values.get("size", "1024x1024"))
    return _checked(Sweep(**values))


def _checked(sweep: Sweep) -> Sweep:
    for name, least, most in (("seeds", 1, LARGEST_SEED), ("seed", 0, LARGEST_SEED), ("length", 1, LARGEST_SEED)):
        value = getattr(sweep, name)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            wanted = f"{least} to {most}" if name == "seed" else f"at least {least}"
            raise ValueError(f"{name}: expected {wanted}, got {value!r}")
    _text("negative", sweep.negative)
    if not 0 < _number("threshold", sweep.threshold) < 100:
        raise ValueError(f"threshold: expected a percentage above 0 and below 100, got {sweep.threshold!r}")
    if _number("price", sweep.price) < 0:
        raise ValueError(f"price: expected 0 or more, got {sweep.price!r}")
    _check_contenders(sweep.contenders)
    given = {
        "models": [model.name for model in sweep.models],
        "contenders": [contender.name for contender in sweep.contenders],
        "prompts": list(sweep.prompts),
    }
    for what, names in given.items():
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"{what}: expected each one only once, got {twice} twice")
    return sweep


def _check_contenders(contenders: Sequence[Contender]) -> None:
    for contender in contenders:
        for name, allowed in (("sampler", SOLVERS), ("scheduler", SCHEDULERS)):
            if _text(f"contenders.{name}", getattr(contender, name)) not in allowed:
                got = getattr(contender, name)
                raise ValueError(f"contenders.{name}: expected one of {', '.join(allowed)}, got {got!r}")
        if not contender.cfg >= 1:
            raise ValueError(f"contenders.cfg: expected at least 1, got {contender.cfg:g}")


def _steps(given: Any) -> tuple[int, ...]:
    text = given if isinstance(given, str) else ",".join(map(str, _list("steps", given)))
    found = parse_step_counts(text)
    if found.auto or found.words:
        raise ValueError(f"steps: expected numbers, because a sweep runs them all; got {text!r}")
    return tuple(sorted(found.resolved({})))


def _size(given: Any) -> tuple[int, int]:
    parts = given.lower().split("x") if isinstance(given, str) else given
    if isinstance(parts, list) and len(parts) == 2 and all(str(part).strip().isdigit() and int(part) for part in parts):
        return int(parts[0]), int(parts[1])
    raise ValueError(f"size: expected width x height, e.g. 1024x768; got {given!r}")


def _table(kind: type[Any], name: str, given: Any) -> Any:
    if not isinstance(given, dict):
        raise ValueError(f"{name}: expected tables [[{name}]], got {given!r}")  # noqa: TRY004 - a mistake in a file
    _check_keys(f"{name}.", given, [each.name for each in fields(kind)])
    if kind is Model and not isinstance(given.get("path"), str):
        raise ValueError(f"models.path: expected a folder, a file or demo, got {given.get('path')!r}")
    default = {each.name: each.default for each in fields(kind)}
    texts = {key for key in given if isinstance(default[key], str) or key == "path"}
    values: dict[str, Any] = {
        key: (_text if key in texts else _number)(f"{name}.{key}", value) for key, value in given.items()
    }
    for key, allowed in (("dtype", ("", *DTYPES)), ("offload", OFFLOADS)):
        if values.get(key, allowed[0]) not in allowed:
            raise ValueError(f"{name}.{key}: expected one of {', '.join(filter(None, allowed))}, got {values[key]!r}")
    return kind(**values)


def _placed(model: Model, folder: Path) -> Model:
    """Return a model whose paths don't depend on the folder in which a worker runs."""
    if model.path == DEMO:
        for key in ("config", "dtype", "guidance"):
            if getattr(model, key):
                raise ValueError(f"models.{key}: expected none for the demo model, got {getattr(model, key)!r}")
        return model

    def absolute(path: str) -> str:
        # Not resolve(), which follows links: a model is known by its own name.
        return os.path.abspath(folder / path) if path else ""  # noqa: PTH100

    return replace(model, path=absolute(model.path), config=absolute(model.config))


def _check_keys(where: str, given: Mapping[str, Any], known: list[str]) -> None:
    known = [*known, "prompts_file"] if not where else known
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"{where}{key}: expected one of {', '.join(known)}{hint}")


def _list(name: str, given: Any) -> list[Any]:
    if not isinstance(given, list):
        raise ValueError(f"{name}: expected a list, got {given!r}")  # noqa: TRY004 - a mistake in a file
    return given


def _number(name: str, given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise ValueError(f"{name}: expected a number, got {given!r}")  # noqa: TRY004 - a mistake in a file
    return float(given)


def _text(name: str, given: Any) -> str:
    if not isinstance(given, str):
        raise ValueError(f"{name}: expected a text, got {given!r}")  # noqa: TRY004 - a mistake in a file
    return given


def _toml(text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)


@cache
def _settings_of(model: Model) -> dict[str, Any]:
    """Return what of a model determines its images: its settings and its files, not where they are."""
    about = asdict(model) | {"path": model.name, "config": Path(model.config).name if model.config else ""}
    for name in ("device", "offload"):
        del about[name]
    return about | {
        "files": [_contents(Path(place)) for place in (model.path, model.config) if place and place != DEMO]
    }


def _contents(place: Path) -> str:
    """Return a hash of a model's configurations, and of parts of its weights: their headers, and some of their data."""
    if not place.exists():
        raise ValueError(f"models.path: expected a folder or a file, got {place}, which doesn't exist")
    digest = hashlib.sha256()
    files = [place] if place.is_file() else sorted(file for file in place.rglob("*") if file.is_file())
    for file in files:
        relative = "" if place.is_file() else file.relative_to(place).as_posix()
        if file.suffix in _WEIGHTS:
            digest.update(f"{relative} {file.stat().st_size}\n".encode())
            digest.update(_sample_of(file))
        elif file.suffix in _CONFIGURATIONS:
            digest.update(f"{relative} {file.stat().st_size}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def _sample_of(file: Path) -> bytes:
    """Return evenly spaced blocks of a file, so that other weights of the same shapes are told apart in no time."""
    size = file.stat().st_size
    stride = max(size // _BLOCKS, _BLOCK)
    with file.open("rb") as stream:
        blocks = []
        for start in range(0, size, stride):
            stream.seek(start)
            blocks.append(stream.read(_BLOCK))
    return b"".join(blocks)


@dataclass(frozen=True)
class Row:
    """The numbers of a cell.

    Attributes:
        key: identifies the cell.
        model: the model's name.
        contender: the contender's name.
        prompt: what the image shows.
        seed: the seed.
        steps: the step count.
        similarity: how similar the image looks to that of the largest count, 0 to 1; nan without an image.
        model_calls: evaluations of the denoiser.
        seconds: time of the sampling; not the same in each run.
        place: the device and the dtype that made it.
        error: why there is no image; empty if there is one.
    """

    key: str
    model: str
    contender: str
    prompt: str
    seed: int
    steps: int
    similarity: float = field(default=float("nan"))
    model_calls: int = 0
    seconds: float = 0.0
    place: str = ""
    error: str = ""
