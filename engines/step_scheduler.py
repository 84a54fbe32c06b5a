"""A diffusers scheduler that runs one of our solvers on exact noise levels, whatever levels the pipeline asks for.

Every pipeline calls `set_timesteps` once and `step` after each model call, so this is the one place where a pipeline's
sampler can be chosen, watched and cancelled. Its own schedulers differ from ComfyUI's samplers of the same name.
"""

import math
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..samplers.noise_levels import NoiseLevels
from ..samplers.solvers import Request, check_schedule, find_solver

try:
    from diffusers.configuration_utils import ConfigMixin, register_to_config
    from diffusers.schedulers.scheduling_utils import SchedulerMixin, SchedulerOutput
except ImportError as error:
    raise ImportError("the standalone engine needs diffusers: pip install 'sweetspot[standalone]'") from error

PREDICTIONS = FLOW, EPSILON, V = ("flow_prediction", "epsilon", "v_prediction")
_TIMESTEPS = 1000

# Called after each model call with its number, from 0, and the predicted clean sample; may raise to stop the run.
OnCall = Callable[[int, Tensor], None]


@dataclass(frozen=True)
class Plan:
    """What a run does.

    Attributes:
        levels: falling noise levels; the last one may be 0.
        solver: one of `samplers/solvers.py`.
        on_call: called after each model call.
    """

    levels: tuple[float, ...]
    solver: str = "euler"
    on_call: OnCall = lambda _number, _clean: None


class StepScheduler(SchedulerMixin, ConfigMixin):
    """Runs the plan that it was given last; pipelines use it like any scheduler.

    Args:
        prediction_type: what the model predicts: `flow_prediction` (noise minus data), `epsilon` (the noise), or
            `v_prediction`.
        num_train_timesteps: the timestep of level 1 of a flow-matching model.
    """

    config_name = "scheduler_config.json"
    order = 1
    # Some pipelines read these.
    begin_index = step_index = 0

    @register_to_config
    def __init__(self, prediction_type: str = FLOW, num_train_timesteps: int = _TIMESTEPS) -> None:  # noqa: ARG002 - kept by the decorator
        if prediction_type not in PREDICTIONS:
            raise ValueError(f"prediction_type: expected one of {', '.join(PREDICTIONS)}, got {prediction_type!r}")
        self._trained: NoiseLevels | None = None
        self._plan, self._asked, self._dtype = Plan((1.0, 0.0)), [1.0], torch.float32

    def plan(self, plan: Plan, trained: NoiseLevels | None = None, dtype: torch.dtype = torch.float32) -> None:
        """Set what the next run does.

        Args:
            plan: levels and solver.
            trained: the levels of the model's timesteps; needed unless it is a flow-matching model.
            dtype: of the model's weights. Samples stay float32 between its calls, as in ComfyUI.

        Raises:
            ValueError: there is no such solver, the levels don't fall, or the model's levels are missing.
        """
        if self._is_flow == (trained is not None):
            needed = "none" if self._is_flow else "the model's levels"
            raise ValueError(f"trained: expected {needed} with {self._prediction}, got {trained}")
        check_schedule(torch.tensor(plan.levels), "levels")
        self._plan, self._trained, self._dtype = plan, trained, dtype
        self._asked = asked_levels(plan.solver, plan.levels)
        self.set_timesteps()

    @property
    def init_noise_sigma(self) -> float:
        """By what a pipeline multiplies noise of deviation 1, where it does: as in ComfyUI, for a whole schedule."""
        return 1.0 if self._is_flow else math.hypot(1.0, self._plan.levels[0])

    def set_timesteps(
        self,
        num_inference_steps: int | None = None,  # noqa: ARG002 - the plan decides, here and below
        device: Any = None,
        *,
        sigmas: Any = None,  # noqa: ARG002
        timesteps: Any = None,  # noqa: ARG002
        **_: Any,
    ) -> None:
        """Begin a run; its time counts from here.

        `timesteps` and `sigmas` have an entry for each model call, because pipelines loop over them.
        """
        asked = torch.tensor(self._asked)
        self.sigmas = torch.cat([asked, asked.new_zeros(1)])
        self.timesteps = self._timesteps_of(asked).to(device)
        self.num_inference_steps = len(self._plan.levels) - 1
        self._running: Generator[Request, Tensor, Tensor] | None = None
        self._noisy: Tensor | None = None
        self._call = 0
        if torch.device(device or "cpu").type == "cuda":
            # What the GPU still has to do for the prompts is not part of the run.
            torch.cuda.synchronize(device)
        self.began = time.perf_counter()

    def set_begin_index(self, begin_index: int = 0) -> None:
        """Do nothing: a run always begins at its first level."""

    def scale_model_input(self, sample: Tensor, timestep: Any = None) -> Tensor:  # noqa: ARG002 - diffusers' signature
        """Return the sample with a deviation of 1, for models to whose data noise is added."""
        scale = 1.0 if self._is_flow else math.hypot(1.0, self._asked[self._call])
        return (sample / scale).to(self._dtype)

    def step(
        self,
        model_output: Tensor,
        timestep: Any,  # noqa: ARG002 - diffusers' signature
        sample: Tensor,
        *_: Any,
        return_dict: bool = True,
        **__: Any,
    ) -> Any:
        """Return where the solver wants to evaluate the model next, or the end of the run.

        Args:
            model_output: what the model predicts.
            timestep: where it was evaluated; the plan knows it.
            sample: the noisy sample that it was evaluated at.
            return_dict: whether to return an object instead of a tuple.
        """
        # Some pipelines keep the sample in the model's dtype, which would round it at each step.
        noisy = sample.float() if self._noisy is None else self._noisy
        level = self._asked[self._call]
        clean = self._clean(noisy, model_output.float(), level)
        if self._running is None:
            levels = torch.tensor(self._plan.levels, device=sample.device)
            self._running = find_solver(self._plan.solver).steps(noisy, levels)
            next(self._running)
        self._plan.on_call(self._call, clean)
        self._call += 1
        try:
            following, _level = self._running.send(clean)
            self._noisy, dtype = following, sample.dtype
        except StopIteration as end:
            # Not every pipeline converts what it decodes.
            following, dtype = end.value, self._dtype
        following = following.to(dtype)
        return SchedulerOutput(prev_sample=following) if return_dict else (following,)

    def _clean(self, noisy: Tensor, predicted: Tensor, level: float) -> Tensor:
        """Return the clean sample that a prediction stands for."""
        if self._prediction == V:
            scale = 1 + level**2
            return noisy / scale - predicted * level / scale**0.5
        return noisy - level * predicted

    def _timesteps_of(self, levels: Tensor) -> Tensor:
        if self._trained is None:
            return levels * self.config["num_train_timesteps"]
        return torch.stack([self._trained.timestep(level) for level in levels]).float()

    @property
    def _prediction(self) -> str:
        return self.config["prediction_type"]

    @property
    def _is_flow(self) -> bool:
        return self._prediction == FLOW


def asked_levels(solver: str, levels: Sequence[float]) -> list[float]:
    """Return the noise level of each model call of a solver, in order.

    Args:
        solver: one of `samplers/solvers.py`.
        levels: falling noise levels.
    """
    running = find_solver(solver).steps(torch.zeros(1), torch.tensor(levels))
    asked = []
    try:
        _, level = next(running)
        while True:
            asked.append(float(level))
            _, level = running.send(torch.zeros(1))
    except StopIteration:
        return asked
