"""One comparison of a workflow: which branches it needs, what came of them, and the verdict.

The rounds, the search and the judge are those of every comparison. They ask an engine for runs. This engine has only
what branches have brought so far, so it stops at the first run that is missing. ComfyUI then makes the missing
branches, and the question is asked again.
"""

import logging
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import comfy.model_management

from ...comparison.contenders import Contender
from ...comparison.measures.levels import to_levels
from ...comparison.report import Report
from ...comparison.rounds import Question, compare
from ...comparison.runs import Run, Sampling, Task
from ...comparison.verdict.measuring import Measuring
from ...graphs.numbers import Place
from ...graphs.seeds import with_seeds
from ...graphs.steps import Found, with_steps
from ...graphs.values import Graph, Link
from ...samplers.schedules import MAX_STEPS
from ..comparing.fingerprints import fingerprint
from ..comparing.images import embed
from ..comparing.kept_runs import KEPT
from .noise_test import TestedSamplers, is_noisy, tasks_of_noise_test
from .signature import signature_of
from .watch import BranchWatch

log = logging.getLogger("sweetspot.nodes.workflow.comparison")

UNKNOWN = "unknown"
_NOISY = TestedSamplers()


class MissingRuns(Exception):  # noqa: N818 - not an error: it says what to do next
    """The comparison goes on once these tasks have run."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        super().__init__(f"{len(tasks)} runs are missing")
        self.tasks = tasks


@dataclass(frozen=True)
class Subject:
    """The part of a workflow that is compared.

    Attributes:
        graph: the prompt graph in API form.
        output: the output with the images.
        found: where its step count is set.
        seeds: the inputs that hold its seeds.
        frames: which frames of a video are compared; None if the images are no video.
        clip_vision: CLIP_VISION for the semantic distance; None for no such distance.
        full_precision: whether images are kept as they come, instead of as 8-bit levels.
        keep: whether runs are kept for later comparisons.
    """

    graph: Graph
    output: Link
    found: Found
    seeds: tuple[Place, ...]
    frames: str | None = None
    clip_vision: Any = None
    full_precision: bool = False
    keep: bool = True

    def changed(self, task: Task, first_seed: int) -> Graph:
        """Return the graph of one task.

        Raises:
            ValueError: if the step count can't be set.
        """
        graph = with_seeds(self.graph, self.seeds, (task.sampling.seed - first_seed) % (1 << 64))
        return graph if task.steps == self.found.steps else with_steps(graph, self.found, task.steps)


@dataclass(eq=False, repr=False)
class WorkflowComparison:
    """The state of one comparison while its branches run.

    Attributes:
        subject: what is compared.
        contender: its settings, as far as they are known.
        question: what the comparison should find out.
        notes: what the user should know.
    """

    subject: Subject
    contender: Contender
    question: Question
    notes: list[str] = field(default_factory=list)

    name = "comfyui"

    def __post_init__(self) -> None:
        """Start with no runs."""
        self._runs: dict[tuple[int, int], Run] = {}
        self._keys: dict[tuple[int, int], str] = {}
        # Whether the sampler was tested for noise, with what result, and under which key that is kept.
        self._noisy: bool | None = None
        self._test_key = ""
        self._measuring = Measuring(self.device, self.check_cancelled)

    @property
    def device(self) -> str:
        """The device that measures: ComfyUI's own where that is an NVIDIA or AMD GPU, and the CPU otherwise."""
        device = comfy.model_management.get_torch_device()
        return str(device) if device.type == "cuda" else "cpu"

    def check(self, sampling: Sampling) -> None:
        """Accept everything: the graph itself is valid."""

    def schedule(self, sampling: Sampling, steps: int) -> Sequence[float]:  # noqa: ARG002 - see `Engine`
        """Return nothing, because only a run shows the graph's schedule."""
        return ()

    def exact_schedule(self, plan: Any, steps: int) -> tuple[float, ...]:  # noqa: ARG002 - see `Engine`
        """Return nothing: the graph makes its own schedule."""
        return ()

    def check_cancelled(self) -> None:
        """Raise ComfyUI's own exception if the user has cancelled."""
        comfy.model_management.throw_exception_if_processing_interrupted()

    def run(self, tasks: Sequence[Task]) -> list[Run]:
        """Return the runs of tasks.

        Raises:
            MissingRuns: if any has not run yet.
        """
        missing = [task for task in tasks if _key_of(task) not in self._runs]
        if missing:
            raise MissingRuns(missing)
        self._estimate_times()
        return [self._runs[_key_of(task)] for task in tasks]

    def check_counts(self, counts: Sequence[int]) -> None:
        """Refuse step counts that can't be set in this graph.

        Raises:
            ValueError: names the count and why.
        """
        for count in counts:
            self.subject.changed(Task(self.contender.sampling, count), self.contender.sampling.seed)

    async def report(self) -> Report:
        """Return the report, from runs that were made or are kept.

        Raises:
            MissingRuns: if branches have to run first.
        """
        if self._noisy is None and self.subject.keep:
            self._test_key = await self._store_key(Task(self.contender.sampling, MAX_STEPS))
            self._noisy = _NOISY.known(self._test_key)
        while True:
            try:
                return self._judged()
            except MissingRuns as missing:
                left = [task for task in missing.tasks if not await self._recall(task)]
                if left:
                    raise MissingRuns(left) from None

    def finish(self, task: Task, images: Any, watch: BranchWatch) -> None:
        """Take the images of a branch, as floats of shape (images, height, width, channels).

        Raises:
            Exception: what the vision model raises.
        """
        embeddings = embed(self.subject.clip_vision, images)
        levels = images if self.subject.full_precision else to_levels(images)
        calls, seconds, timing = watch.measured()
        run = Run(task.steps, calls, seconds, levels, embeddings=embeddings, timing=timing)
        self._learn_sampler(watch)
        self._runs[_key_of(task)] = run
        self._keep(task, run)

    def _judged(self) -> Report:
        report = compare(self, [self.contender], self.question, self._measuring)
        tests = tasks_of_noise_test(report, self.contender, can_reseed=bool(self.subject.seeds))
        if self.question.noisy or not tests:
            return report
        if self._noisy is None:
            neighbour, other_seed = self.run(tests)
            self._noisy = is_noisy(report, neighbour, other_seed, self._measuring)
            _NOISY.note(self._test_key, self._noisy)
        if not self._noisy:
            return report
        self.question = replace(self.question, noisy=True)
        return compare(self, [self.contender], self.question, self._measuring)

    def _learn_sampler(self, watch: BranchWatch) -> None:
        """Take the sampler's name from a run if the graph didn't show it."""
        names = set(watch.sampler_names) - {""}
        if self.contender.sampling.sampler_name == UNKNOWN and len(names) == 1:
            sampling = replace(self.contender.sampling, sampler_name=names.pop())
            self.contender = replace(self.contender, sampling=sampling)

    def _estimate_times(self) -> None:
        """Work out the time of runs that the graph itself made from the seconds per step of the others."""
        timed = [run for run in self._runs.values() if run.timing in ("sampling", "node", "first run")]
        warm = [run for run in timed if run.timing != "first run"] or timed
        for key, run in self._runs.items():
            if run.timing == "unknown" and warm:
                seconds = statistics.median(each.seconds / each.steps for each in warm) * run.steps
                calls = round(statistics.median(each.model_calls / each.steps for each in warm) * run.steps)
                self._runs[key] = replace(run, seconds=seconds, model_calls=calls, timing="estimated")

    async def _recall(self, task: Task) -> bool:
        """Take a kept run for a task, and return whether there is one."""
        if not self.subject.keep:
            return False
        key = _key_of(task)
        if key not in self._keys:
            self._keys[key] = await self._store_key(task)
        run = KEPT.get(self._keys[key], task.steps) if self._keys[key] else None
        if run is not None:
            self._runs[key] = run
        return run is not None

    async def _store_key(self, task: Task) -> str:
        """Return the key under which a task's run is kept; empty if it can't be identified."""
        subject = self.subject
        try:
            changed = subject.changed(task, self.contender.sampling.seed)
            signature = await signature_of(changed, subject.output)
            meaning = fingerprint(subject.clip_vision) if subject.clip_vision is not None else ""
        except Exception as error:  # noqa: BLE001 - another pack's nodes may raise anything
            # This only turns reuse off.
            log.warning("This comparison can't be reused later, because its graph can't be identified: %s", error)
            return ""
        return f"workflow {signature} {subject.frames} {subject.full_precision} {meaning}"

    def _keep(self, task: Task, run: Run) -> None:
        key = self._keys.get(_key_of(task))
        if key:
            KEPT.put(key, run)


def _key_of(task: Task) -> tuple[int, int]:
    return task.steps, task.sampling.seed
