"""Follows the branches of a comparison: which one runs, how long it will take, and how long its samplers took."""

import logging
import time
from collections.abc import Sequence
from typing import Any

from comfy_execution.progress import ProgressHandler, add_progress_handler

from ...comparison.runs import Task
from ...graphs.values import Graph
from ..comparing.live_runs import PROGRESS
from ..running.live import send_to_browser
from .comparison import WorkflowComparison
from .subject import is_check
from .watch import BranchWatch

log = logging.getLogger("sweetspot.nodes.workflow.progress")

_SECONDS_BETWEEN = 0.1


class BranchProgress(ProgressHandler):
    """Hears from ComfyUI which node runs, and reports to the browser which step count that belongs to.

    Args:
        comparison: the comparison.
        tasks: what the branches run.
    """

    def __init__(self, comparison: WorkflowComparison, tasks: Sequence[Task]) -> None:
        super().__init__(f"sweetspot_{id(comparison)}_{len(tasks)}_{time.monotonic_ns()}")
        self._comparison, self._tasks = comparison, tasks
        self._branch_of: dict[str, tuple[int, str]] = {}
        self._watches: dict[str, BranchWatch] = {}
        self._started: dict[str, float] = {}
        self._done: dict[str, float] = {}
        self._seconds = self._sent = 0.0
        self._registry: Any = None

    @classmethod
    def register(cls, comparison: WorkflowComparison, tasks: Sequence[Task]) -> "BranchProgress":
        """Return a new one that ComfyUI reports to until the prompt ends."""
        progress = cls(comparison, tasks)
        add_progress_handler(progress)
        return progress

    def watch(self, branch: Graph, task: Task, watch: BranchWatch, prefix: str) -> None:
        """Follow the nodes of a branch.

        Args:
            branch: its nodes.
            task: what it runs.
            watch: takes the time of its sampler nodes.
            prefix: how the ids of its nodes start.
        """
        place = self._tasks.index(task)
        self._branch_of |= {node_id: (place, node_id.removeprefix(prefix)) for node_id in branch}
        samplers = [prefix + sampler for sampler in self._comparison.subject.found.samplers]
        self._watches |= {sampler: watch for sampler in samplers if sampler in branch}

    def set_registry(self, registry: Any) -> None:
        """Take what knows which node shows a branch's progress."""
        self._registry = registry

    def start_handler(self, node_id: str, state: Any, prompt_id: str) -> None:  # noqa: ARG002 - see ProgressHandler
        """Note when a node starts, and report it."""
        if node_id in self._branch_of:
            self._started[node_id] = time.perf_counter()
            # ComfyUI reports errors of these nodes for the comparison, so that the log has to say where they arose.
            steps, original = self._tasks[self._branch_of[node_id][0]].steps, self._branch_of[node_id][1]
            log.info("Comparing at %d steps: node %s (%s)", steps, original, self._title(original))
            self._report(node_id, prompt_id, 0.0)

    def update_handler(
        self,
        node_id: str,
        value: float,
        max_value: float,
        state: Any,  # noqa: ARG002 - see ProgressHandler
        prompt_id: str,
        image: Any = None,  # noqa: ARG002 - see ProgressHandler
    ) -> None:
        """Report how far a sampler is."""
        if node_id in self._watches and time.perf_counter() - self._sent > _SECONDS_BETWEEN:
            self._report(node_id, prompt_id, value / max(max_value, 1))

    def finish_handler(self, node_id: str, state: Any, prompt_id: str) -> None:  # noqa: ARG002 - see ProgressHandler
        """Take the time of a sampler node."""
        started = self._started.pop(node_id, None)
        if started is None or node_id not in self._watches:
            return
        watch, seconds = self._watches[node_id], time.perf_counter() - started
        watch.node_seconds = (watch.node_seconds or 0.0) + seconds
        self._seconds += seconds
        self._done[node_id] = watch.steps

    def _report(self, node_id: str, prompt_id: str, share: float) -> None:
        self._sent = time.perf_counter()
        place, original = self._branch_of[node_id]
        steps = self._tasks[place].steps
        send_to_browser(
            PROGRESS,
            {
                "node": self._registry and self._registry.dynprompt.get_display_node_id(node_id),
                "prompt_id": prompt_id,
                "steps": [steps],
                "step": round(share * steps) if node_id in self._watches else None,
                "title": self._title(original),
                "seconds_left": self._seconds_left(node_id, share),
                "check": is_check(self._tasks[place].sampling),
            },
        )

    def _title(self, node_id: str) -> str:
        node = self._comparison.subject.graph.get(node_id, {})
        return (node.get("_meta") or {}).get("title") or node.get("class_type") or ""

    def _seconds_left(self, node_id: str, share: float) -> float | None:
        """Return the seconds that are left by the pace so far; None before anything has run."""
        running = self._watches.get(node_id)
        done = sum(self._done.values()) + (share * running.steps if running else 0.0)
        now = self._started.get(node_id)
        seconds = self._seconds + (time.perf_counter() - now if running and now else 0.0)
        total = sum(watch.steps for watch in self._watches.values())
        return seconds / done * (total - done) if done > 0 else None
