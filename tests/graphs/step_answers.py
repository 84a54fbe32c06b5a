"""Answers that people gave by hand: which inputs set the step count of an output."""

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweetspot.graphs.above import Above
from sweetspot.graphs.numbers import whole
from sweetspot.graphs.step_names import is_bound, is_step_count
from sweetspot.graphs.steps import Found, find_steps, with_steps

FACTS = Path(__file__).parent / "facts"
STEPS = 36

Graph = dict[str, Any]


@dataclass
class Answer:
    """What was answered for one output of a workflow."""

    id: str
    output: tuple[str, int]
    set: list[list[str]]
    scale: list[list[str]]
    refused: list[str]

    @property
    def workflow(self) -> str:
        return self.id.rpartition("#")[0]

    def verdict(self, graph: Graph) -> str:
        """Return `right`, `refused` if there was no need to refuse, or what is wrong."""
        found = find_steps(graph, self.output)
        if not isinstance(found, Found):
            if found.why in self.refused:
                return "right"
            return f"refused as {found.why}, expected {self.refused}" if not self.set else "refused"
        if not self.set:
            return f"found {found.places}, expected {self.refused}"
        ours, theirs = step_numbers(with_steps(graph, found, STEPS), self.output), self._expected(graph, found)
        different = {place: (ours.get(place), theirs.get(place)) for place in ours.keys() | theirs.keys()}
        different = {place: values for place, values in different.items() if values[0] != values[1]}
        return f"sets {different}" if different else "right"

    def _expected(self, graph: Graph, found: Found) -> dict[tuple[str, str], Any]:
        changed, values = copy.deepcopy(graph), Above(graph, self.output).values
        for node_id, name in self.set:
            changed[node_id]["inputs"][name] = STEPS
        for node_id, name in self.scale:
            at = values.value(graph[node_id]["inputs"][name])
            changed[node_id]["inputs"][name] = round(at * STEPS / found.steps)
        return step_numbers(changed, self.output)


def step_numbers(graph: Graph, output: tuple[str, int]) -> dict[tuple[str, str], Any]:
    """Return all step counts and bounds above an output, as the nodes receive them."""
    above = Above(graph, output)
    return {
        (node_id, name): number_or_text(above.values.value(value))
        for node_id in above.nodes
        for name, value in above.inputs(node_id).items()
        if is_step_count(name) or is_bound(name) or name == "step"
    }


def number_or_text(value: Any) -> Any:
    number = whole(value)
    return value if number is None else number


def answers(kind: str) -> list[Answer]:
    """Return the answers for `template:`, `field:` or `more:` workflows."""
    rows = [json.loads(line) for line in (FACTS / "step_answers.jsonl").read_text("utf-8").splitlines()]
    return [
        Answer(
            row["id"],
            (str(row["output"][0]), row["output"][1]),
            row.get("set", []),
            row.get("scale", []),
            row.get("refused", row.get("or", [])),
        )
        for row in rows
        if row["id"].startswith(kind)
    ]


def workflows() -> dict[str, Graph]:
    """Return public workflows in API form, without their texts."""
    rows = [json.loads(line) for line in (FACTS / "workflows.jsonl").read_text("utf-8").splitlines()]
    return {
        row["id"]: {node_id: {"class_type": kind, "inputs": inputs} for node_id, (kind, inputs) in row["graph"].items()}
        for row in rows
    }
