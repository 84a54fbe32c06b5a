"""Recognition against settings that other people publish for names that they use (`facts/field_names.csv`).

Their settings are choices, not truth: where two sources differ, both count.
"""

import csv
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from sweetspot.graphs.walk import Lora
from sweetspot.presets.recognition.evidence import Evidence
from sweetspot.presets.recognition.finding import CERTAIN, LIKELY, Recognition
from sweetspot.presets.recognition.recognise import recognise

TABLE = Path(__file__).parents[1] / "facts" / "field_names.csv"
FEW = 12


@dataclass
class Case:
    """One name with what its sources use.

    Attributes:
        role: model, lora or part.
        name: the file.
        loras: the LoRAs over it.
        architecture: its class, empty if the table's makers could not tell.
        steps: the lowest and highest step count that each names.
        cfgs: their cfgs.
    """

    role: str
    name: str
    loras: tuple[str, ...]
    architecture: str = ""
    steps: set[tuple[int, int]] = field(default_factory=set)
    cfgs: set[float] = field(default_factory=set)


@cache
def cases(role: str) -> list[Case]:
    found: dict[tuple[str, str], Case] = {}
    with TABLE.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["role"] == role:
                loras = tuple(name for name in row["loras"].split(";") if name)
                case = found.setdefault((row["name"], row["loras"]), Case(role, row["name"], loras, row["class"]))
                counts = [int(float(count)) for count in row["steps"].split("-") if count]
                case.steps |= {(counts[0], counts[-1])} if counts else set()
                case.cfgs |= {float(row["cfg"])} if row["cfg"] else set()
    return list(found.values())


@cache
def answers(role: str, by: str) -> list[tuple[Case, Recognition]]:
    chosen = [case for case in cases(role) if by == "name" or case.architecture]
    return [(case, recognise(evidence_of(case, by))) for case in chosen]


def evidence_of(case: Case, by: str) -> Evidence:
    architecture = case.architecture if by == "class" else ""
    files = (case.name,) if case.name else ()
    return Evidence(architecture, files=files, loras=tuple(Lora(name, 1.0) for name in case.loras))


def in_range(case: Case, found: Recognition) -> bool:
    plan = found.plan
    counts = [count for count in (plan.steps, plan.steps_min, plan.steps_max, *(plan.trained_steps or ())) if count]
    return found.finding.variant is not None and any(
        low - 1 <= max(counts) and high + 1 >= min(counts) for low, high in case.steps
    )


def few_agrees(case: Case, found: Recognition) -> bool:
    return (found.plan.steps <= FEW) in {count <= FEW for counts in case.steps for count in counts}


def cfg_agrees(case: Case, found: Recognition) -> bool:
    return (found.plan.cfg <= 1) in {cfg <= 1 for cfg in case.cfgs}


@pytest.mark.parametrize(
    ("by", "agrees", "share"),
    [
        ("name", in_range, 0.80),
        ("name", few_agrees, 0.96),
        ("name", cfg_agrees, 0.95),
        ("class", in_range, 0.92),
        ("class", few_agrees, 0.97),
        ("class", cfg_agrees, 0.97),
    ],
)
def test_models(by: str, agrees, share: float):
    named = "cfgs" if agrees is cfg_agrees else "steps"
    told = [agrees(case, found) for case, found in answers("model", by) if getattr(case, named)]
    assert len(told) > 250
    assert sum(told) / len(told) >= share


def test_what_is_sure_about_few_steps_is_right():
    sure = [(c, f) for c, f in answers("model", "name") if c.steps and f.finding.confidence in (LIKELY, CERTAIN)]
    wrong = [case.name for case, found in sure if not few_agrees(case, found)]
    assert len(sure) > 100
    assert len(wrong) <= 0.005 * len(sure)


def test_accelerators_give_few_steps():
    told = defaultdict(list)
    for case, found in answers("lora", "class"):
        if case.steps and max(case.steps)[1] <= FEW:
            told[found.plan.steps <= FEW].append(case.loras)
    # Two entries are reward LoRAs and one is a ControlNet, run beside an accelerator that the table doesn't name.
    assert len(told[False]) <= 3
    assert len(told[True]) > 30


def test_parts_are_no_models():
    models = [case.name for case, found in answers("part", "name") if found.finding.variant is not None]
    # Most of the rest are whole models that the table's makers count as parts.
    assert len(models) <= 0.025 * len(cases("part"))
