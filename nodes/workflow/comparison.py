"""One comparison of a workflow: which branches it needs, what came of them, and the verdict.

The rounds, the search and the judge are those of every comparison. They ask an engine for runs. This engine has only
what branches have brought so far, so it stops at the first run that is missing. ComfyUI then makes the missing
branches, and the question is asked again.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import comfy.model_management

from ...comparison.contenders import Contender
from ...comparison.measures.levels import to_levels
from ...comparison.report import Report
from ...comparison.rounds import Question, compare
from ...comparison.runs import Run, Sampling, Task
from ...comparison.verdict.measuring import Measuring
from ...samplers.schedules import MAX_STEPS
from ...words import Message
from ..comparing.images import embed
from ..comparing.kept_runs import KEPT, keep
from ..comparing.live_runs import LiveRuns
from .facts import Facts, KeptFacts
from .noise_test import is_noisy, tasks_of_noise_test
from .subject import Subject, is_check
from .watch import BranchWatch

UNKNOWN = "unknown"
_MOST_TRIED = 1000
_FACTS = KeptFacts()

_Key = tuple[int, int, tuple[float, ...]]


class MissingRuns(Exception):  # noqa: N818 - not an error: it says what to do next
    """The comparison goes on once these tasks have run."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        super().__init__(f"{len(tasks)} runs are missing")
        self.tasks = tasks


@dataclass(eq=False, repr=False)
class WorkflowComparison:
    """The state of one comparison while its branches run. It is the engine of `comparison/engine.py`.

    Attributes:
        subject: what is compared.
        contender: its settings, as far as they are known.
        question: what the comparison should find out.
        live: shows finished runs on the node.
    """

    subject: Subject
    contender: Contender
    question: Question
    live: LiveRuns

    name = "comfyui"

    def __post_init__(self) -> None:
        """Start with no runs."""
        self._runs: dict[_Key, Run] = {}
        self._keys: dict[_Key, str] = {}
        self._facts: Facts | None = None
        self._no_check = ""
        self._left_out: set[int] = set()
        self._measuring = Measuring(self.device, self.check_cancelled)

    @property
    def device(self) -> str:
        """The device that measures: ComfyUI's own where that is an NVIDIA or AMD GPU, and the CPU otherwise."""
        device = comfy.model_management.get_torch_device()
        return str(device) if device.type == "cuda" else "cpu"

    @property
    def notes(self) -> list[str]:
        """What the user should know about where the step count is set."""
        found = self.subject.found
        others = [str(stage) for stage in found.stages if stage.node not in found.samplers]
        only = "Only {stage} was varied; the others kept their steps: {others}."
        kept = Message("note.only", only, {"stage": str(found.stage), "others": "; ".join(others)}) if others else ""
        left_out = Message(
            "note.left_out",
            "auto left out {counts} steps, which this workflow can't run.",
            {"counts": ", ".join(map(str, sorted(self._left_out)))},
        )
        resampled = Message(
            "note.resampled",
            "The workflow's own list of {count} steps was resampled for the other counts.",
            {"count": found.steps},
        )
        return [
            *filter(None, (found.note, kept, self._no_check)),
            *([left_out] if self._left_out else []),
            *([resampled] if any(place.name == "sigmas" for place in found.places) else []),
        ]

    def check(self, sampling: Sampling) -> None:
        """Refuse the settings of a check that this workflow can't run.

        Raises:
            ValueError: if it can't.
        """
        if not is_check(sampling):
            return
        try:
            self.subject.changed(Task(sampling, len(sampling.sigmas) - 1))
        except ValueError:
            self._no_check = Message(
                "note.no_check",
                "There is no check with another solver, because it needs one KSampler, SamplerCustom or "
                "SamplerCustomAdvanced, so confidence is at most medium.",
            )
            raise

    def schedule(self, sampling: Sampling, steps: int) -> Sequence[float]:
        """Return the noise levels that a run has shown; of the workflow's own run, those of another count."""
        of_two = self._facts.levels_of_two.get(sampling.scheduler, ()) if self._facts else ()
        is_plain = steps == 2 and sampling.denoise == 1
        if _settings(sampling) != _settings(self.contender.sampling) or (is_plain and of_two):
            return of_two
        shown = [run for key, run in self._runs.items() if run.levels and not key[2]]
        nearest = min(shown, key=lambda run: abs(run.steps - steps), default=None)
        return nearest.levels if nearest is not None else ()

    def exact_schedule(self, sampling: Sampling, plan: Any, steps: int) -> tuple[float, ...]:  # noqa: ARG002 - see `Engine`
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

    def can_run(self, steps: int) -> bool:
        """Return whether a step count can be set in this graph."""
        try:
            self.subject.changed(Task(self.contender.sampling, steps))
        except ValueError:
            return False
        return True

    def _may_run(self, steps: int) -> bool:
        """Return whether a search may run a step count; those that can't run are noted."""
        if not self.can_run(steps):
            self._left_out.add(steps)
        return steps not in self._left_out

    def check_counts(self, counts: Sequence[int]) -> None:
        """Refuse step counts that can't be set in this graph.

        Raises:
            ValueError: names the count and why.
        """
        for count in counts:
            try:
                self.subject.changed(Task(self.contender.sampling, count))
            except ValueError as error:
                least = next((more for more in range(1, _MOST_TRIED) if self.can_run(more)), None)
                advice = f"; the smallest count that this workflow can run is {least}" if least else ""
                raise ValueError(f"{error}{advice}") from None

    async def report(self) -> Report:
        """Return the report, from runs that were made or are kept.

        Raises:
            MissingRuns: if branches have to run first.
        """
        if self._facts is None:
            # The key has one fixed step count, so that the facts hold for all.
            own = Task(self.contender.sampling, MAX_STEPS)
            self._facts = _FACTS.of(await self.subject.key(own) if self.subject.keep else "")
        while True:
            try:
                return self._judged(self._facts)
            except MissingRuns as missing:
                left = [task for task in missing.tasks if not await self._recall(task)]
                if left:
                    raise MissingRuns(left) from None

    def finish(self, task: Task, values: list[Any], watch: BranchWatch) -> None:
        """Take what a branch's output gave.

        Raises:
            ValueError: if it can't be compared.
            Exception: what the vision model raises.
        """
        images, clip = self.subject.media.taken(values)
        embeddings = embed(self.subject.clip_vision, images)
        kept = images if self.subject.full_precision else to_levels(images)
        calls, seconds, timing = watch.measured()
        more = {"embeddings": embeddings, "timing": timing, "levels": watch.levels, "clip": clip}
        run = Run(task.steps, calls, seconds, kept, **more)
        if self._facts is not None and not is_check(task.sampling):
            self._facts.levels_of_two |= watch.levels_of_two
            self._facts.sampler_name = self._facts.sampler_name or watch.sampler_name
        self._runs[_key_of(task)] = run
        self.live.finished(task, run)
        if key := self._keys.get(_key_of(task)):
            keep(key, run, self.contender.source, watch.model)

    def _judged(self, facts: Facts) -> Report:
        if self.contender.sampling.sampler_name == UNKNOWN and facts.sampler_name:
            sampling = replace(self.contender.sampling, sampler_name=facts.sampler_name)
            self.contender = replace(self.contender, sampling=sampling)
        report = self._compared(noisy=False)
        tests = tasks_of_noise_test(report, self.contender, can_reseed=bool(self.subject.seeds))
        if not tests or not self.can_run(tests[0].steps):
            return report
        if tests[0].steps > facts.tested_at:
            neighbour, other_seed = self.run(tests)
            facts.noisy = is_noisy(report, neighbour, other_seed, self._measuring)
            facts.tested_at = tests[0].steps
        return self._compared(noisy=True) if facts.noisy else report

    def _compared(self, *, noisy: bool) -> Report:
        question = replace(self.question, noisy=noisy, possible=self._may_run)
        return compare(self, [self.contender], question, self._measuring)

    def _estimate_times(self) -> None:
        """Work out the time of runs that the graph itself made from the seconds per step of the others."""
        timed = [run for key, run in self._runs.items() if not key[2] and run.timing not in ("unknown", "estimated")]
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
            self._keys[key] = await self.subject.key(task)
        run = KEPT.get(self._keys[key], task.steps) if self._keys[key] else None
        if run is not None:
            self._runs[key] = run
            self.live.finished(task, run)
        return run is not None


def _key_of(task: Task) -> _Key:
    return task.steps, task.sampling.seed, task.sampling.sigmas


def _settings(sampling: Sampling) -> Sampling:
    return replace(sampling, seed=0)
