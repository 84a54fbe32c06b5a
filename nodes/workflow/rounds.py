"""Takes one comparison of a workflow further: to the next branches, or to its report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from comfy_api.latest import io

from ...comparison.runs import Task
from ...graphs.step_names import is_step_count
from ...graphs.values import Graph
from ..comparing.answer import answer
from .branches import make_branch
from .comparison import MissingRuns, WorkflowComparison
from .progress import BranchProgress
from .watch import BranchWatch

END, VERDICT = "SweetSpotBranchEnd", "SweetSpotBranchVerdict"
_OUTPUTS = 7
_NUMBERS = count()


@dataclass(eq=False)
class Rounds:
    """One comparison and what its answer needs.

    Attributes:
        comparison: the comparison.
        words: the step counts that words in the step list stand for.
        shown: what the node shows. ComfyUI keeps what a node shows when it first returns, before its branches have run,
            so this is filled in place once the report is there.
    """

    comparison: WorkflowComparison
    words: Mapping[str, int]
    shown: dict[str, Any]

    def __repr__(self) -> str:
        """Return a short text, because ComfyUI shows inputs in error messages."""
        return "a comparison"

    def start(self, cls: Any) -> io.NodeOutput:
        """Return the verdict as a node of its own, which asks for branches.

        Also if everything is kept: ComfyUI frees what earlier branches made, models among it, only when a node brings
        new nodes. Their ids are new each time, because ComfyUI may run a node several times in a prompt.
        """
        prefix = f"{cls.hidden.unique_id}.{next(_NUMBERS)}."
        verdict = f"{prefix}verdict"
        graph: Graph = {verdict: {"class_type": VERDICT, "inputs": {"rounds": self}}}
        return self._expanded(graph, verdict)

    async def go_on(self, cls: Any) -> io.NodeOutput:
        """Return the finished outputs, or the branches that have to run first.

        Args:
            cls: the class of the node that goes on, with its hidden inputs.
        """
        try:
            report = await self.comparison.report()
        except MissingRuns as missing:
            return self._expanded(*self._branches(missing.tasks, f"{cls.hidden.unique_id}."))
        outputs, shown = answer(cls, report, self.words, self._places())
        self.shown |= {name: shown[name][0] for name in ("report", "viewer", "markdown", "text")}
        self.shown["images"] = shown["images"]
        return io.NodeOutput(*outputs, ui=shown)

    def _expanded(self, graph: Graph, verdict: str) -> io.NodeOutput:
        outputs = [[verdict, number] for number in range(_OUTPUTS)]
        return io.NodeOutput(*outputs, expand=graph, ui={"comparison": [self.shown]})

    def _places(self) -> list[tuple[str, str]]:
        """Return the inputs to write a step count to; none if other inputs would have to move with them."""
        found = self.comparison.subject.found
        numbers = [place for place in found.places if is_step_count(place.name) or place.name == "value"]
        return [] if found.bounds else [(place.node, place.name) for place in numbers]

    def _branches(self, tasks: Sequence[Task], prefix: str) -> tuple[Graph, str]:
        """Return the nodes of all branches with the verdict behind them, and the verdict's id."""
        comparison, subject = self.comparison, self.comparison.subject
        progress = BranchProgress.register(comparison, tasks)
        where = f"node {subject.found.stage.node} ({subject.found.stage.title})"
        graph: Graph = {}
        previous: dict[str, Any] = {}
        for number, task in enumerate(tasks):
            watch, changed = BranchWatch(task.steps, where), subject.changed(task)
            branch, output = make_branch(
                subject.graph, changed, subject.output, subject.found, f"{prefix}{number}_{task.steps}_steps:", watch
            )
            progress.watch(branch, task, watch, f"{prefix}{number}_{task.steps}_steps:")
            end = f"{prefix}{number}_end"
            inputs = {"images": output, "comparison": comparison, "task": task, "watch": watch, **previous}
            graph |= {**branch, end: {"class_type": END, "inputs": inputs}}
            previous = {"previous": [end, 0]}
        verdict = f"{prefix}verdict"
        graph[verdict] = {"class_type": VERDICT, "inputs": {"rounds": self, **previous}}
        return graph, verdict
