"""Watches the samplers of one branch: their time and model calls, apart from loading, decoding and everything else."""

import contextlib
import copy
import weakref
from dataclasses import dataclass, field
from typing import Any

import comfy.model_patcher
import comfy.samplers
from comfy.patcher_extension import WrappersMP

from ...comparison.runs import Timing
from ..comparing.naming import naming
from ..running.stock import KSamplerSettings, schedule_of
from ..running.watched_run import WatchedRun
from ..running.watched_sampler import sampler_name

_KEY = "sweetspot_branch"
# Models that have run before, so that a first run can be marked.
_WARM: "weakref.WeakSet[Any]" = weakref.WeakSet()


@dataclass(eq=False)
class BranchWatch:
    """What was seen of one branch.

    Attributes:
        steps: the branch's step count.
        where: the sampler, for errors.
        seconds: sampling time.
        model_calls: evaluations of the denoiser.
        node_seconds: time of the sampler nodes, with everything that they do; None until they have run.
        sampler_names: ComfyUI's names of the samplers that ran; empty for one without a name.
        levels: the noise levels that they visited.
        levels_of_two: by scheduler, the noise levels of two steps on the model: `simple` and `karras`.
        is_cold: whether a model ran for the first time.
        model: refers to the model that ran last, without keeping it; None if none did.
    """

    steps: int
    where: str = ""
    seconds: float = 0.0
    model_calls: int = 0
    node_seconds: float | None = None
    sampler_names: list[str] = field(default_factory=list)
    is_cold: bool = False
    model: "weakref.ref[Any] | None" = None
    levels: tuple[float, ...] = ()
    levels_of_two: dict[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def sampler_name(self) -> str:
        """ComfyUI's name of the sampler; empty if it has none, or there are several."""
        names = set(self.sampler_names)
        return names.pop() if len(names) == 1 else ""

    def on(self, watched: Any) -> Any:
        """Return a MODEL or GUIDER whose runs are watched; anything else is returned as it is."""
        if isinstance(watched, comfy.model_patcher.ModelPatcher):
            model = watched.clone()
            model.add_wrapper_with_key(WrappersMP.SAMPLER_SAMPLE, _KEY, self._sample)
            return model
        if isinstance(watched, comfy.samplers.CFGGuider):
            guider = copy.copy(watched)
            guider.model_patcher = self.on(watched.model_patcher)
            guider.model_options = guider.model_patcher.model_options
            return guider
        return watched

    def _sample(self, executor: Any, guider: Any, sigmas: Any, *rest: Any, **options: Any) -> Any:
        name = sampler_name(executor.class_obj)
        run = WatchedRun(None, name)
        model = guider.inner_model
        self.model = weakref.ref(model)
        self.is_cold = self.is_cold or model not in _WARM
        with naming(self.steps, where=self.where):
            samples = run.sample(executor, guider, sigmas, *rest, **options)
        _WARM.add(model)
        trace = run.trace()
        self.seconds += trace.seconds
        self.model_calls += trace.model_calls
        self.sampler_names.append(name)
        self._note_levels(guider, sigmas)
        return samples

    def _note_levels(self, guider: Any, sigmas: Any) -> None:
        visited: list[float] = sigmas.tolist()
        # Samplers in a row share the level at which one hands over to the next.
        self.levels = (*self.levels, *(level for level in visited if not self.levels or level < self.levels[-1]))
        for scheduler in ("simple", "karras"):
            settings = KSamplerSettings(0, 1.0, "euler", scheduler, 1.0)
            # A model may not support both; the run is finished anyway.
            with contextlib.suppress(Exception):
                self.levels_of_two[scheduler] = tuple(schedule_of(guider.model_patcher, 2, settings).tolist())

    def measured(self) -> tuple[int, float, Timing]:
        """Return model calls and seconds, and how they came about."""
        if self.sampler_names:
            return self.model_calls, self.seconds, "first run" if self.is_cold else "sampling"
        if self.node_seconds is not None:
            return 0, self.node_seconds, "node"
        return 0, 0.0, "unknown"
