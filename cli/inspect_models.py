"""`sweetspot inspect`: recommended settings for models, bare names and workflows, as from Model Step Preset."""

import difflib
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..graphs.model_files import MODEL_ENDINGS, is_model_file
from ..graphs.reading import NoWorkflowError
from ..graphs.walk import Lora
from ..presets.catalogue import load_catalogue
from ..presets.control_characters import escaped
from ..presets.recognition.evidence import Evidence
from ..presets.recognition.finding import Recognition
from ..presets.recognition.headers import HeaderError
from ..presets.recognition.recognise import Wishes, recognise_all
from ..presets.sources.in_file import FileSettings
from ..presets.sources.local_model import evidence_of
from ..presets.sources.sidecars import SidecarSettings
from ..presets.sources.templates import TemplateIndex
from ..presets.sources.user import UserPresets
from ..presets.splits import split_step
from .inspect_workflows import ENDINGS as WORKFLOW_ENDINGS
from .inspect_workflows import is_workflow_file, reasons_of, records_of, rows_of

_BAR = 30
# More reasons than that would hide the table.
_MOST_REASONS = 20
_COLUMNS = ("input", "variant", "confidence", "draft", "balanced", "best", "cfg", "sampler", "scheduler")


@dataclass(frozen=True)
class Inspection:
    """The answer for one input.

    Attributes:
        record: the answer as plain data; what `--json` prints.
        text: the answer as readable text.
        failed: whether the file could not be read. The answer is then based on its name alone.
    """

    record: dict[str, Any]
    text: str = ""
    failed: bool = False

    @property
    def is_sampler(self) -> bool:
        """Whether it is about a sampler of a workflow instead of a model."""
        return "node" in self.record


@dataclass(frozen=True)
class Inputs:
    """What to inspect.

    Attributes:
        paths: model files, workflow files, and folders of them.
        names: file names alone.
        loras: LoRAs applied to every model.
        architecture: name of the class in `comfy.supported_models` that the bare names are loaded as; empty if unknown.
    """

    paths: list[Path]
    names: list[str] = field(default_factory=list)
    loras: list[str] = field(default_factory=list)
    architecture: str = ""

    def check(self) -> None:
        """Refuse what can't be inspected.

        Raises:
            FileNotFoundError: a path does not exist.
            ValueError: a path is neither a model nor a workflow, or the class is unknown.
        """
        missing = [str(path) for path in self.paths if not path.exists()]
        if missing:
            raise FileNotFoundError(f"PATH: expected files or folders that exist, got {', '.join(missing)}")
        wrong = [
            path.name
            for path in self.paths
            if not (path.is_dir() or is_model_file(path.name) or is_workflow_file(path))
        ]
        if wrong:
            endings = ", ".join(MODEL_ENDINGS)
            allowed = f"model files ({endings}), workflows ({', '.join(WORKFLOW_ENDINGS)}) or folders"
            raise ValueError(f"PATH: expected {allowed}, got {', '.join(wrong)}")
        classes = known_classes()
        if self.architecture and self.architecture.lower() not in {name.lower() for name in classes}:
            near = difflib.get_close_matches(self.architecture, classes, 3, 0.4) or classes[:3]
            expected = f"a class of comfy.supported_models with known settings, e.g. {', '.join(near)}"
            raise ValueError(f"--class: expected {expected}; got {self.architecture!r}")


def known_classes() -> list[str]:
    """Return the classes of `comfy.supported_models` that the catalogue knows."""
    return sorted({name for variant in load_catalogue() for name in variant.signals.architectures})


def inspect(inputs: Inputs, templates: TemplateIndex | None, saved: UserPresets | None) -> list[Inspection]:
    """Return the answers for files, folders and bare names, in this order; for a workflow, one for each sampler.

    Raises:
        FileNotFoundError: a path does not exist.
        ValueError: an input is not allowed.
    """
    inputs.check()
    wishes = Wishes(
        prefer=saved.prefer if saved else "template",
        templates=templates,
        sidecar=SidecarSettings(),
        in_file=FileSettings(),
        types=saved.of_types() if saved else None,
        saved=saved,
    )
    loras = tuple(Lora(name) for name in inputs.loras)
    answers: list[Inspection] = []
    for file in _with_progress(list(_files_in(inputs.paths))):
        answers += [_of_file(file, loras, wishes)] if is_model_file(file.name) else _of_workflow(file, inputs, wishes)
    spelled = {name.lower(): name for name in known_classes()}
    known = Evidence(architecture=spelled.get(inputs.architecture.lower(), ""), loras=loras)
    return answers + [_answer(name, replace(known, files=(name,)), wishes) for name in inputs.names]


def to_json(answers: list[Inspection]) -> str:
    """Return all answers as a JSON list in the order of the inputs."""
    text = json.dumps([answer.record for answer in answers], indent=2, ensure_ascii=False)
    return escaped(text, keep="\n")


def to_text(answers: list[Inspection]) -> str:
    """Return a single model in full, several as a table, samplers as another, and what could not be read."""
    models = [answer for answer in answers if not answer.is_sampler and "error" not in answer.record]
    samplers = [answer.record for answer in answers if answer.is_sampler]
    parts = [models[0].text] if len(models) == 1 else []
    if len(models) > 1:
        parts.append(_table([_COLUMNS, *(_row(answer.record) for answer in models)]))
        parts += ["\n".join(escaped(answer.record["warnings"][-1]) for answer in models if answer.failed)]
    if samplers:
        parts.append(_table(list(rows_of(samplers))))
        reasons = reasons_of(samplers)
        parts += ["\n".join(map(escaped, reasons))] if 0 < len(reasons) <= _MOST_REASONS else []
    return "\n\n".join([*filter(None, parts), *(answer.text for answer in answers if "error" in answer.record)])


def _table(rows: list[tuple[str, ...]]) -> str:
    rows = [tuple(map(escaped, row)) for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)


def _files_in(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            files = (file for file in path.rglob("*") if is_model_file(file.name) or is_workflow_file(file))
            yield from sorted(file for file in files if file.is_file())
        else:
            yield path


def _of_workflow(file: Path, inputs: Inputs, wishes: Wishes) -> list[Inspection]:
    """Return an answer for each sampler. In a folder, other JSON files and images are left out."""
    try:
        records = records_of(file, tuple(Lora(name) for name in inputs.loras), wishes)
    except (NoWorkflowError, OSError) as error:
        if file not in inputs.paths:
            return []
        return [Inspection({"input": str(file), "error": str(error)}, f"Not read: {escaped(str(error))}", failed=True)]
    return [Inspection(record) for record in records]


def _of_file(file: Path, loras: tuple[Lora, ...], wishes: Wishes) -> Inspection:
    name = f"{file.parent.name}/{file.name}" if file.parent.name else file.name
    try:
        evidence = evidence_of(file, name, loras)
    except (HeaderError, OSError) as error:
        return _answer(str(file), Evidence(files=(name,), loras=loras), wishes, str(error))
    return _answer(str(file), evidence, wishes)


def _answer(name: str, evidence: Evidence, wishes: Wishes, problem: str = "") -> Inspection:
    recognitions = recognise_all(evidence, wishes)
    balanced = recognitions["balanced"]
    record = _record(name, balanced, {quality: each.plan.steps for quality, each in recognitions.items()})
    text = balanced.text
    if problem:
        record["warnings"].append(problem)
        text += f"\nWarning: {escaped(problem)}"
    return Inspection(record, f"{escaped(name)}\n{text}", bool(problem))


def _record(name: str, recognition: Recognition, steps: dict[str, int]) -> dict[str, Any]:
    plan, finding = recognition.plan, recognition.finding
    counts = [*steps.values(), *(count for count in (plan.steps_min, plan.steps_max) if count)]
    return {
        "input": name,
        "variant": plan.variant,
        "family": finding.variant.family.name if finding.variant else "",
        "confidence": finding.confidence,
        "steps": {**steps, "min": plan.steps_min or min(counts), "max": plan.steps_max or max(counts)},
        "cfg": plan.cfg,
        "guidance": plan.guidance,
        "sampler": plan.sampler_name,
        "scheduler": plan.scheduler,
        "shift": {"value": plan.shift.value, "unit": plan.shift.unit} if plan.shift else None,
        "split_step": split_step(plan) or None,
        "resolution": plan.resolution,
        "clip_skip": plan.clip_skip,
        "signals": [*finding.signals, *(f"conflicting evidence: {text}" for text in finding.contradictions)],
        "sources": [f"{setting}: {source}" for setting, source in plan.sources.items()],
        "warnings": list(plan.warnings),
    }


def _row(record: dict[str, Any]) -> tuple[str, ...]:
    steps = record["steps"]
    cells = (record["variant"], record["confidence"], steps["draft"], steps["balanced"], steps["best"])
    return (Path(record["input"]).name, *map(str, cells), f"{record['cfg']:g}", record["sampler"], record["scheduler"])


def _with_progress(files: list[Path]) -> Iterable[Path]:
    """Yield the files; on a terminal, show a progress bar on standard error."""
    if len(files) < 2 or not sys.stderr.isatty():
        yield from files
        return
    for number, file in enumerate(files, 1):
        filled = _BAR * number // len(files)
        print(f"\r[{'#' * filled}{' ' * (_BAR - filled)}] {number}/{len(files)}", end="", file=sys.stderr, flush=True)
        yield file
    print(file=sys.stderr)
