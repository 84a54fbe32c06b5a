"""The engine inside ComfyUI: runs one model from the same noise at several step counts, with one progress bar."""

import contextlib
import logging
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import comfy.model_management
import numpy as np
import torch

from ...comparison.measures.levels import to_levels
from ...comparison.runs import Run, Sampling, Task
from ...presets.plan import StepPlan
from ...presets.trained import at_steps
from ...samplers.solvers import find_solver
from ...words import Message, Messages
from ..model.plan_on_model import exact_sigmas
from ..running.stock import KSamplerSettings, check_sampler, sample_traced, sample_watched, schedule_of
from .decoding import fits_beside_model
from .fingerprints import fingerprint
from .images import decode, embed, measuring_device
from .joint_run import JointRun
from .kept_runs import KEPT, begin_comparison, keep
from .may_share import why_not_share
from .naming import naming
from .progress import ComparisonProgress
from .shared_calls import OFF, SharedCalls

log = logging.getLogger("sweetspot.nodes.comparing.engine")


@dataclass(frozen=True)
class Subject:
    """What all runs of a comparison share.

    Attributes:
        models: ModelPatchers, for the tasks to choose from; the first one is the comparison's own.
        positives: conditionings, one for each prompt.
        negative: conditioning.
        latent: latent dict.
        vae: decodes the images.
        clip_vision: CLIP_VISION for the semantic distance; None for no such distance.
        frames: which frames of a video to keep.
        full_precision: whether images are kept as the VAE decodes them, instead of as 8-bit levels.
    """

    models: tuple[Any, ...]
    positives: tuple[Any, ...]
    negative: Any
    latent: dict[str, Any]
    vae: Any
    clip_vision: Any = None
    frames: str = "first, middle, last"
    full_precision: bool = False


@dataclass(frozen=True)
class _Sampled:
    """A run that is not decoded yet.

    Attributes:
        number: its place among the tasks.
        task: what it ran.
        latent: latent dict.
        run: the run, without images.
    """

    number: int
    task: Task
    latent: dict[str, Any]
    run: Run


class ComfyEngine:
    """Runs a comparison's tasks in this ComfyUI and reuses earlier runs; see `comparison/engine.py`.

    Args:
        subject: what all runs share.
        progress: the progress bar.
        cache_bytes: bytes of finished images to keep for later comparisons; 0 turns keeping and reusing off.
        together: `auto`, `on` or `off`: whether step counts share model calls if they can.
    """

    name = "comfyui"

    def __init__(
        self, subject: Subject, progress: ComparisonProgress, cache_bytes: int = 0, together: str = OFF
    ) -> None:
        self._subject, self._progress, self._together = subject, progress, together
        self._cache_bytes = cache_bytes
        self._warm: set[int] = set()
        self._notes: dict[str, None] = {}
        self._keys = _Keys()
        self._has_begun = False
        self._waiting: list[_Sampled] = []

    @property
    def device(self) -> str:
        """The model's device where that is an NVIDIA or AMD GPU, and the CPU otherwise."""
        return measuring_device(self._subject.models[0])

    @property
    def notes(self) -> list[str]:
        """What the user should know about how it ran, without repeats."""
        return list(self._notes)

    def check(self, sampling: Sampling) -> None:
        """Refuse sampler and scheduler names that this ComfyUI doesn't have.

        Raises:
            ValueError: names the input, what is allowed and what was given.
        """
        check_sampler(_ksampler(sampling))

    def schedule(self, sampling: Sampling, steps: int) -> list[float]:
        """Return the noise levels that the KSampler would visit, falling."""
        return schedule_of(self._model_of(sampling), steps, _ksampler(sampling)).tolist()

    def exact_schedule(self, sampling: Sampling, plan: StepPlan, steps: int) -> tuple[float, ...]:
        """Return the noise levels that a plan fixes for this step count; empty if it fixes none."""
        exact = exact_sigmas(self._model_of(sampling), at_steps(plan, steps))
        return () if exact is None else tuple(exact.tolist())

    def check_cancelled(self) -> None:
        """Raise ComfyUI's own exception if the user has cancelled."""
        comfy.model_management.throw_exception_if_processing_interrupted()

    def run(self, tasks: Sequence[Task]) -> list[Run]:
        """Sample and decode each task from its seed's noise, in the given order; earlier results are reused.

        Where model and VAE don't fit into the device's memory together, all are sampled before any is decoded, so that
        each of them is loaded only once. A first run of one step is discarded, so that times don't include loading and
        warming up the model.

        Raises:
            comfy.model_management.InterruptProcessingException: if the user cancels, during or between runs.
            Exception: an error from sampling or decoding, of the same type, with the step count before its message.
                Finished runs are kept.
        """
        if not self._has_begun:
            self._has_begun = True
            self._keys = _keys_of(self._subject) if self._cache_bytes else self._keys
            begin_comparison(self._cache_bytes, self._keys.models)
        self._progress.expect(sum(task.steps for task in tasks))
        runs = {number: run for number, task in enumerate(tasks) if (run := self._kept(task)) is not None}
        for number, run in runs.items():
            self._progress.sampled(tasks[number])
            self._progress.finish(tasks[number], run)
        missing = {number: task for number, task in enumerate(tasks) if number not in runs}
        try:
            for _, group in groupby(missing, key=lambda number: missing[number].sampling):
                runs |= self._run_group({number: missing[number] for number in group})
        except (Exception, comfy.model_management.InterruptProcessingException):
            # Keep what is sampled. If that fails too, the first error is still the one to report.
            with contextlib.suppress(Exception):
                self._decode_waiting()
            raise
        runs |= self._decode_waiting()
        return [runs[number] for number in range(len(tasks))]

    def _run_group(self, tasks: Mapping[int, Task]) -> dict[int, Run]:
        """Sample tasks that differ only in their step counts, and return those that are decoded already."""
        several = list(tasks.values())
        self._warm_up(several[0])
        why = self._why_alone(several)
        if not why:
            return self._run_joined(tasks)
        if why != OFF:
            self._notes[_not_batched(why)] = None
        runs: dict[int, Run] = {}
        for number, task in tasks.items():
            runs |= self._take(self._run_alone(number, task))
        return runs

    def _take(self, sampled: _Sampled) -> dict[int, Run]:
        """Decode a run now if that moves no model out of the device's memory; otherwise later, with all others."""
        self._progress.sampled(sampled.task)
        if not fits_beside_model(self._subject.vae, sampled.latent["samples"]):
            self._waiting.append(sampled)
            return {}
        return {sampled.number: self._finish(sampled)}

    def _decode_waiting(self) -> dict[int, Run]:
        waiting, self._waiting = self._waiting, []
        return {sampled.number: self._finish(sampled) for sampled in waiting}

    def _why_alone(self, tasks: Sequence[Task]) -> str:
        if self._together == OFF or len(tasks) < 2:
            return OFF
        subject, sampling = self._subject, tasks[0].sampling
        model = self._model_of(sampling)
        schedules = [schedule_of(model, task.steps, _ksampler(task.sampling)) for task in tasks]
        if not all(len(levels) >= 2 and bool((levels[1:] < levels[:-1]).all()) for levels in schedules):
            return Message("alone.levels", "a schedule has no steps, or two equal levels")
        return why_not_share(
            model, sampling.sampler_name, self._positive_of(sampling), subject.negative, subject.latent
        )

    def _warm_up(self, task: Task) -> None:
        if task.sampling.model not in self._warm:
            # Not every scheduler can make a schedule of one step.
            settings = _ksampler(replace(task.sampling, scheduler="simple", sigmas=()))
            subject, ignore = self._subject, lambda *_: self.check_cancelled()
            model, positive = self._model_of(task.sampling), self._positive_of(task.sampling)
            sample_traced(model, 1, settings, positive, subject.negative, subject.latent, on_step=ignore)
            # Another model may have to make room for this one.
            self._warm = {task.sampling.model}

    def _run_alone(self, number: int, task: Task) -> _Sampled:
        subject = self._subject
        self.check_cancelled()
        with naming(task.steps):
            sampled, trace = sample_traced(
                self._model_of(task.sampling),
                task.steps,
                _ksampler(task.sampling),
                self._positive_of(task.sampling),
                subject.negative,
                subject.latent,
                self._progress.for_run(task),
            )
        return _Sampled(number, task, sampled, Run(task.steps, trace.model_calls, trace.seconds, _NOTHING))

    def _run_joined(self, tasks: Mapping[int, Task]) -> dict[int, Run]:
        """Run tasks in shared model calls. Runs that finished before an error are kept."""
        subject, sampling = self._subject, next(iter(tasks.values())).sampling
        settings, model, positive = _ksampler(sampling), self._model_of(sampling), self._positive_of(sampling)
        counts = [task.steps for task in tasks.values()]
        schedules = [schedule_of(model, steps, settings).cpu() for steps in counts]
        calls = [find_solver(settings.sampler_name).model_calls(steps) for steps in counts]
        shared = SharedCalls(self._together)
        joint = JointRun(schedules, settings.sampler_name, shared, self._progress.for_runs(counts, calls))
        try:
            with naming(*counts):
                sample_watched(joint, model, max(counts), settings, positive, subject.negative, subject.latent)
        except (Exception, comfy.model_management.InterruptProcessingException):
            # Keep what is finished. If that fails too, the first error is still the one to report.
            with contextlib.suppress(Exception):
                if self._key_of(next(iter(tasks.values()))):
                    self._take_joined(tasks, joint, shared)
            raise
        self._note_sharing(counts, shared)
        return self._take_joined(tasks, joint, shared)

    def _note_sharing(self, counts: Sequence[int], shared: SharedCalls) -> None:
        if shared.shared:
            values = {"counts": ", ".join(map(str, sorted(counts)))}
            batched = "Runs of {counts} steps were batched into shared model calls."
            times = "Times are estimated (single-run call time x calls); images match KSampler except for rounding."
            not_all = Message("note.not_all", "Not all calls were shared: {why}.", {"why": shared.note})
            parts = Message("note.batched", batched, values), not_all if shared.note else ""
            self._notes[Messages(*parts, Message("note.times", times))] = None
        elif shared.note:
            self._notes[_not_batched(shared.note)] = None

    def _take_joined(self, tasks: Mapping[int, Task], joint: JointRun, shared: SharedCalls) -> dict[int, Run]:
        runs: dict[int, Run] = {}
        numbered = list(tasks.items())
        for place, finished in sorted(joint.finished.items()):
            number, task = numbered[place]
            seconds, together = finished.model_calls * shared.seconds_alone, shared.shared
            run = Run(task.steps, finished.model_calls, seconds, _NOTHING, together=together, own_solver=True)
            runs |= self._take(_Sampled(number, task, {"samples": finished.latent}, run))
        return runs

    def _finish(self, sampled: _Sampled) -> Run:
        """Decode the run and keep it for later comparisons."""
        task = sampled.task
        with naming(task.steps):
            images = decode(self._subject.vae, sampled.latent, self._subject.frames)
            embeddings = embed(self._subject.clip_vision, images)
        levels = images if self._subject.full_precision else to_levels(images)
        run = replace(sampled.run, images=levels, embeddings=embeddings)
        if key := self._key_of(task):
            model = task.sampling.model
            keep(key, run, self._keys.models[model], weakref.ref(self._subject.models[model].model))
        self._progress.finish(task, run)
        return run

    def _kept(self, task: Task) -> Run | None:
        key = self._key_of(task)
        run = KEPT.get(key, task.steps) if key else None
        # With batching off, the user expects the KSampler's exact result, so don't reuse a batched run.
        return None if run is not None and run.own_solver and self._together == OFF else run

    def _key_of(self, task: Task) -> str:
        """Return the key under which a run is kept; empty if nothing is."""
        key = self._keys.of(task.sampling)
        if not key:
            return ""
        # The levels, too: another pack may have changed how a scheduler makes them.
        with naming(task.steps):
            levels = self.schedule(task.sampling, task.steps)
        return f"{key} {replace(task.sampling, model=0, prompt=0)} {levels}"

    def _model_of(self, sampling: Sampling) -> Any:
        return self._subject.models[sampling.model]

    def _positive_of(self, sampling: Sampling) -> Any:
        return self._subject.positives[sampling.prompt]


def _ksampler(sampling: Sampling) -> KSamplerSettings:
    sigmas = torch.tensor(sampling.sigmas, dtype=torch.float32) if sampling.sigmas else None
    return KSamplerSettings(
        sampling.seed, sampling.cfg, sampling.sampler_name, sampling.scheduler, sampling.denoise, sigmas=sigmas
    )


_NOTHING = np.zeros((0, 0, 0, 3), dtype=np.uint8)


@dataclass(frozen=True)
class _Keys:
    """What identifies the parts of a comparison, for keeping its runs. All are empty if that can't be determined.

    Attributes:
        models: one for each model.
        prompts: one for each prompt.
        rest: one for everything else but the settings.
    """

    models: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    rest: str = ""

    def of(self, sampling: Sampling) -> str:
        """Return the key of runs with this model and prompt."""
        return f"{self.models[sampling.model]} {self.prompts[sampling.prompt]} {self.rest}" if self.rest else ""


def _keys_of(subject: Subject) -> _Keys:
    try:
        return _Keys(
            tuple(map(fingerprint, subject.models)),
            tuple(map(fingerprint, subject.positives)),
            fingerprint(vars(replace(subject, models=(), positives=()))),
        )
    except Exception as error:  # noqa: BLE001 - another pack's objects may raise anything
        # An unusual model or VAE from another pack must not end the comparison. It only turns reuse off.
        log.warning("This comparison can't be reused later, because its inputs can't be identified: %s", error)
        return _Keys()


def _not_batched(why: str) -> Message:
    return Message("note.not_batched", "Runs were not batched: {why}.", {"why": why})
