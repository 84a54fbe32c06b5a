"""The engine on a ComfyUI server: a workflow is queued once for each step count and seed, with nothing else changed."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..comparison.frames import choose_frames
from ..comparison.runs import Run, Sampling, Task
from ..graphs.above import Above
from ..graphs.judged_image import Judged
from ..graphs.numbers import Place
from ..graphs.seeds import seed_at, with_seeds
from ..graphs.steps import with_steps
from ..graphs.values import Graph, link_of
from ..samplers.solvers import SOLVERS
from .comfy_server import ComfyServer, Ran, ServerError
from .finished_runs import FinishedRuns

# Classes whose files hold exactly what they were given, one for each image.
_WITH_FILES = ("SaveImage", "PreviewImage")
_PREVIEW, _PREFIX = "sweetspot_preview", "filename_prefix"
_NO_CHECK = "A ComfyUI server runs no check with another solver, so confidence is at most medium."


@dataclass(frozen=True)
class ServedWorkflow:
    """A workflow whose step count varies.

    Attributes:
        graph: the prompt graph in API form.
        judged: the image that is judged, and where the step count is set.
        seeds: the inputs that hold the seeds.
        frames: which frames of a video to compare.
    """

    graph: Graph
    judged: Judged
    seeds: tuple[Place, ...]
    frames: str = "first, middle, last"

    @property
    def first_seed(self) -> int:
        """The workflow's own seed; 0 if it has none."""
        return seed_at(self.graph, self.seeds[0]) if self.seeds else 0

    @property
    def shown_by(self) -> str:
        """The node whose files hold the judged image."""
        node = self.judged.node
        return node if node and self.graph[node]["class_type"] in _WITH_FILES else _PREVIEW

    def prompt(self, task: Task) -> Graph:
        """Return the graph of a task: its step count and seed, and file names that tell them.

        Raises:
            ValueError: if the step count can't be set.
        """
        higher_by = (task.sampling.seed - self.first_seed) % (1 << 64)
        graph = with_seeds(self.graph, self.seeds, higher_by)
        graph = graph if task.steps == self.judged.found.steps else with_steps(graph, self.judged.found, task.steps)
        suffix = f"_{task.steps}_steps_seed_{task.sampling.seed}"
        named = {node_id: _renamed(node, suffix) for node_id, node in graph.items()}
        if self.shown_by == _PREVIEW:
            named[_PREVIEW] = {"class_type": "PreviewImage", "inputs": {"images": list(self.judged.output)}}
        return named

    def warm_up(self, task: Task) -> Graph:
        """Return a graph that warms up what a task needs, with as few steps as can be; it saves nothing."""
        # Of another seed, because the server would otherwise know the result of the real run.
        sampling = task.sampling.with_seed(1)
        graph = self.prompt(Task(sampling, task.steps))
        for steps in range(1, task.steps):
            try:
                graph = self.prompt(Task(sampling, steps))
            except ValueError:
                continue
            break
        kept = {node_id: graph[node_id] for node_id in Above(graph, self.judged.output).nodes}
        return {**kept, _PREVIEW: {"class_type": "PreviewImage", "inputs": {"images": list(self.judged.output)}}}


class ServerEngine:
    """Runs a comparison's tasks on a ComfyUI server; see `comparison/engine.py`. Ctrl+C cancels.

    Args:
        server: the server.
        workflow: what runs.
        finished: keeps finished runs, because the server keeps only the last prompt's.
        progress: called with what runs, the step that is done, and the number of steps.
    """

    name, device = "comfyui", "cpu"

    def __init__(
        self,
        server: ComfyServer,
        workflow: ServedWorkflow,
        finished: FinishedRuns,
        progress: Callable[[str, int, int], None] = lambda _what, _done, _steps: None,
    ) -> None:
        self._server, self._workflow, self._finished, self._progress = server, workflow, finished, progress
        self._warm = False

    @property
    def notes(self) -> Sequence[str]:
        """What the user should know about where the step count is set."""
        return [*filter(None, [self._workflow.judged.found.note]), _NO_CHECK]

    def check(self, sampling: Sampling) -> None:
        """Refuse a check with another solver, which needs this pack on the server.

        Raises:
            ValueError: if it is one.
        """
        if sampling.sigmas:
            raise ValueError("check: expected none on a ComfyUI server, got one")

    def check_counts(self, sampling: Sampling, counts: Sequence[int]) -> None:
        """Refuse step counts that can't be set in this workflow.

        Raises:
            ValueError: names the count and why.
        """
        for count in counts:
            self._workflow.prompt(Task(sampling, count))

    def can_run(self, sampling: Sampling, steps: int) -> bool:
        """Return whether a step count can be set in this workflow."""
        try:
            self._workflow.prompt(Task(sampling, steps))
        except ValueError:
            return False
        return True

    def schedule(self, sampling: Sampling, steps: int) -> Sequence[float]:  # noqa: ARG002 - the protocol's
        """Return nothing: only the server knows the noise levels."""
        return ()

    def exact_schedule(self, sampling: Sampling, plan: Any, steps: int) -> tuple[float, ...]:  # noqa: ARG002 - likewise
        """Return nothing: the workflow makes its own schedule."""
        return ()

    def check_cancelled(self) -> None:
        """Do nothing, because Python itself raises KeyboardInterrupt."""

    def run(self, tasks: Sequence[Task]) -> list[Run]:
        """Return a run for each task, one after the other.

        Raises:
            ServerError: if the server is gone or a node fails; names the step count. Finished runs are kept.
        """
        return [self._run(task) for task in tasks]

    def _run(self, task: Task) -> Run:
        prompt = self._workflow.prompt(task)
        about = {"prompt": prompt, "judged": self._workflow.judged.output, "frames": self._workflow.frames}
        kept = self._finished.get(task, about)
        if kept is not None:
            return kept
        try:
            if not self._warm:
                # If it fails, so does the run itself, or only so few steps can't run.
                with contextlib.suppress(ServerError):
                    self._server.run(self._workflow.warm_up(task), (), _quiet)
                self._warm = True
            on_step = partial(self._progress, f"seed {task.sampling.seed}, {task.steps} steps")
            ran = self._server.run(prompt, self._workflow.judged.found.samplers, on_step)
            images = self._images(ran)
        except ServerError as error:
            raise ServerError(f"{task.steps} steps: {error}") from error
        calls = SOLVERS[task.sampling.sampler_name].model_calls(task.steps) if self._counts_calls(task) else 0
        seconds = ran.seconds
        timing = "unknown" if seconds is None else "sampling" if calls else "node"
        run = Run(task.steps, calls, seconds or 0.0, images, timing=timing)
        return self._finished.put(task, about, run)

    def _counts_calls(self, task: Task) -> bool:
        return task.sampling.sampler_name in SOLVERS and len(self._workflow.judged.found.samplers) == 1

    def _images(self, ran: Ran) -> NDArray[np.uint8]:
        shown = ran.outputs.get(self._workflow.shown_by) or {}
        saved = [entry for entry in shown.get("images") or [] if isinstance(entry, dict) and "filename" in entry]
        if not saved:
            raise ServerError(f"output: expected images from node {self._workflow.shown_by}, got none")
        if self._workflow.judged.is_video:
            saved = [saved[frame] for frame in choose_frames(self._workflow.frames, len(saved))]
        images = [self._server.image(entry) for entry in saved]
        if len({image.shape for image in images}) > 1:
            raise ServerError(f"output: expected images of one size, got {sorted({image.shape for image in images})}")
        return np.stack(images)


def _quiet(_step: int, _steps: int) -> None:
    """Show nothing."""


def _renamed(node: Mapping[str, Any], suffix: str) -> dict[str, Any]:
    """Return a node whose files are named by step count and seed, if it writes any."""
    prefix = node["inputs"].get(_PREFIX)
    if not isinstance(prefix, str) or link_of(prefix):
        return dict(node)
    return {**node, "inputs": {**node["inputs"], _PREFIX: prefix + suffix}}
