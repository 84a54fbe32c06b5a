"""`sweetspot inspect`: recommended settings for a model file or a bare name, the same as Model Step Preset's."""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..graphs.model_files import MODEL_ENDINGS, is_model_file
from ..graphs.walk import Lora
from ..presets.control_characters import escaped
from ..presets.recognition.evidence import Evidence
from ..presets.recognition.finding import Recognition
from ..presets.recognition.headers import HeaderError, read_header
from ..presets.recognition.model_file import evidence_of_file
from ..presets.recognition.recognise import Wishes, recognise_all
from ..presets.sources.templates import TemplateIndex
from ..presets.sources.user import UserPresets

_BAR = 30
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
    text: str
    failed: bool = False


def inspect(
    paths: list[Path], names: list[str], loras: list[str], templates: TemplateIndex | None, saved: UserPresets | None
) -> list[Inspection]:
    """Return the answers for files, folders and bare names, in this order.

    Raises:
        FileNotFoundError: a path does not exist.
        ValueError: a path is not a model file.
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise FileNotFoundError(f"PATH: expected files or folders that exist, got {', '.join(missing)}")
    wrong = [path.name for path in paths if not (path.is_dir() or is_model_file(path.name))]
    if wrong:
        raise ValueError(f"PATH: expected model files ({', '.join(MODEL_ENDINGS)}) or folders, got {', '.join(wrong)}")
    wishes = Wishes(prefer=saved.prefer if saved else "template", templates=templates, saved=saved)
    lora_records = tuple(Lora(name) for name in loras)
    files = list(_files_in(paths))
    answers = [_of_file(file, lora_records, wishes) for file in _with_progress(files)]
    return answers + [_answer(name, Evidence(files=(name,), loras=lora_records), wishes) for name in names]


def to_json(answers: list[Inspection]) -> str:
    """Return all answers as a JSON list in the order of the inputs."""
    text = json.dumps([answer.record for answer in answers], indent=2, ensure_ascii=False)
    return escaped(text, keep="\n")


def to_text(answers: list[Inspection]) -> str:
    """Return a single answer in full, several as a table."""
    if len(answers) == 1:
        return answers[0].text
    rows = [_COLUMNS, *(tuple(map(escaped, _row(answer.record))) for answer in answers)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)


def _files_in(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(f for f in path.rglob("*") if f.suffix.lower() in MODEL_ENDINGS and f.is_file())
        else:
            yield path


def _of_file(file: Path, loras: tuple[Lora, ...], wishes: Wishes) -> Inspection:
    try:
        header = read_header(file)
    except (HeaderError, OSError) as error:
        return _answer(str(file), Evidence(files=(file.name,), loras=loras), wishes, str(error))
    return _answer(str(file), evidence_of_file(file.name, header, loras), wishes)


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
