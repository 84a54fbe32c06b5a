"""The engine outside ComfyUI: runs a comparison on diffusers, with ComfyUI's noise, schedule and guidance."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..comparison.runs import Run, Sampling, Task
from ..samplers.schedulers import SCHEDULERS
from ..samplers.solvers import SOLVERS
from .diffusers_flow import DiffusersFlow, Guidance, flow_schedule

log = logging.getLogger("sweetspot.engines")


@dataclass(frozen=True)
class Scene:
    """The prompts and image size of all runs of a comparison.

    Attributes:
        positives: prompts, of which each run uses one.
        negative: prompt to steer away from, usually empty.
        size: width and height in pixels, multiples of 16.
    """

    positives: tuple[str, ...]
    negative: str
    size: tuple[int, int] = (128, 128)


class DiffusersEngine:
    """Runs a comparison's tasks on diffusers; see `comparison/engine.py`. Ctrl+C cancels.

    Args:
        flow: the model.
        scene: prompts and image size of all runs.
        shift: the model's linear shift.
    """

    name = "diffusers"
    device = "cpu"
    notes: Sequence[str] = ()

    def __init__(self, flow: DiffusersFlow, scene: Scene, shift: float = 1.0) -> None:
        self._flow, self._scene, self._shift = flow, scene, shift
        self._warm = False

    def check(self, sampling: Sampling) -> None:
        """Refuse settings that this engine does not support.

        Raises:
            ValueError: if there is one; names the input, what is allowed and what it got.
        """
        for name, allowed in (("sampler_name", tuple(SOLVERS)), ("scheduler", tuple(SCHEDULERS))):
            if getattr(sampling, name) not in allowed:
                got = getattr(sampling, name)
                raise ValueError(f"{name}: expected one of {', '.join(allowed)} on diffusers, got {got!r}")
        if not 0 < sampling.denoise <= 1:
            raise ValueError(f"denoise: expected more than 0 and at most 1, got {sampling.denoise:g}")

    def schedule(self, sampling: Sampling, steps: int) -> list[float]:
        """Return the noise levels of a run, falling."""
        if sampling.sigmas:
            return list(sampling.sigmas)
        return flow_schedule(steps, sampling.denoise, self._shift, sampling.scheduler).tolist()

    def exact_schedule(self, sampling: Sampling, plan: Any, steps: int) -> tuple[float, ...]:  # noqa: ARG002 - the protocol's
        """Return an empty schedule: flow-matching models that are not distilled have no fixed schedules."""
        return ()

    def check_cancelled(self) -> None:
        """Do nothing, because Python itself raises KeyboardInterrupt."""

    def run(self, tasks: Sequence[Task]) -> list[Run]:
        """Make each task's picture, after one discarded step that warms the device up."""
        return [self._run(task) for task in tasks]

    def _run(self, task: Task) -> Run:
        sampling = task.sampling
        guidance = Guidance(self._scene.positives[sampling.prompt], self._scene.negative, sampling.cfg)
        if not self._warm:
            self._flow.run(1, guidance, sampling.seed, self._scene.size)
            self._warm = True
        levels = self.schedule(sampling, task.steps)
        run = self._flow.run(
            task.steps, guidance, sampling.seed, self._scene.size, sampling.sampler_name, levels=levels
        )
        log.info("%s, seed %d: %d steps in %.2f s", sampling.sampler_name, sampling.seed, run.steps, run.seconds)
        return run
