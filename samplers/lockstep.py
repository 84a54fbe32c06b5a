"""Advances several schedules of one solver together, one batched model call per step, one noise level per sample.

Each schedule is a run of its own. In every round the runs' requests are put into one batch, the model is called
once, and each run gets its part. A run that has reached its end leaves the batch. Each run computes what it would
compute alone; only the model sees a batch. If a batch is too large for the device, fewer runs share a call, and no
results are lost.
"""

import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .solvers import Request, check_schedule, find_solver

# Predicted clean images for a batch x, shape (batch, ...), at one noise level per sample, shape (batch,).
BatchDenoiser = Callable[[Tensor, Tensor], Tensor]
RunCallback = Callable[[int, int, Tensor], None]
FinishedCallback = Callable[[int, Tensor, int], None]


@dataclass
class Batching:
    """How many samples one model call takes; it may be changed between calls.

    Attributes:
        most: the most samples; a call that runs out of memory halves it and is repeated.
        is_out_of_memory: whether an error means that the device is out of memory.
        free: frees the memory that a failed call left allocated.
    """

    most: int = sys.maxsize
    is_out_of_memory: Callable[[Exception], bool] = lambda error: isinstance(error, torch.cuda.OutOfMemoryError)
    free: Callable[[], None] = torch.cuda.empty_cache


@dataclass
class _Run:
    number: int
    generator: Generator[Request, Tensor, Tensor]
    request: Request
    calls: int = 0


def sample_lockstep(
    denoise: BatchDenoiser,
    x: Tensor | Sequence[Tensor],
    schedules: Sequence[Tensor],
    solver: str = "euler",
    callback: RunCallback | None = None,
    finished: FinishedCallback | None = None,
    batching: Batching | None = None,
) -> list[Tensor]:
    """Carry one sample along each schedule, all at once.

    The longest run sets the number of rounds. If several runs begin with the same noise at the same level, they share
    their first call.

    Args:
        denoise: predicted clean images for x of shape (batch, ...) at noise levels of shape (batch,), one per sample.
        x: the noisy start without a batch axis, shape (...): one for all runs, or one per run; left unchanged.
        schedules: one falling schedule per run, shape (N + 1,), all levels above 0 except possibly the last; lengths
            may differ.
        solver: euler, heun, dpmpp_2m or res_multistep.
        callback: called after each model call with the run's number, the number of its call and D, shape (...).
        finished: called when a run reaches its end, with its number, the sample, shape (...), and its model calls.
        batching: how many samples a call takes; all if None.

    Returns:
        The samples at the schedules' ends, in the order of the schedules, each of x's shape.

    Raises:
        ValueError: if the solver is unknown, a schedule does not fall, or the numbers of starts and schedules differ.
    """
    batching = batching or Batching()
    starts = [x] * len(schedules) if isinstance(x, Tensor) else list(x)
    method = find_solver(solver)
    if len(starts) != len(schedules):
        raise ValueError(f"x: expected one start, or one for each of {len(schedules)} schedules, got {len(starts)}")
    for number, sigmas in enumerate(schedules):
        check_schedule(sigmas, f"schedules[{number}]")
    results: dict[int, Tensor] = {}
    runs = []
    for number, (start, sigmas) in enumerate(zip(starts, schedules, strict=True)):
        generator = method.steps(start, sigmas)
        runs.append(_Run(number, generator, next(generator)))
    while runs:
        for run, denoised in zip(runs, _denoise_all(denoise, [run.request for run in runs], batching), strict=True):
            if callback is not None:
                callback(run.number, run.calls, denoised)
            run.calls += 1
            try:
                run.request = run.generator.send(denoised)
            except StopIteration as end:
                results[run.number] = end.value
                if finished is not None:
                    finished(run.number, end.value, run.calls)
        runs = [run for run in runs if run.number not in results]
    return [results[number] for number in range(len(schedules))]


def _denoise_all(denoise: BatchDenoiser, requests: list[Request], batching: Batching) -> list[Tensor]:
    """Denoise all requests; equal ones (the same tensor at the same level) share a place in the batch."""
    places: dict[tuple[int, float], int] = {}
    order, batch = [], []
    for sample, sigma in requests:
        key = (id(sample), float(sigma))
        if key not in places:
            places[key] = len(batch)
            batch.append((sample, sigma))
        order.append(places[key])
    denoised: list[Tensor] = []
    while len(denoised) < len(batch):
        denoised += _denoise_some(denoise, batch[len(denoised) :], batching)
    return [denoised[place] for place in order]


def _denoise_some(denoise: BatchDenoiser, batch: list[Request], batching: Batching) -> list[Tensor]:
    """Call the model for as many requests as fit into one call, and return their results."""
    while True:
        part = batch[: max(1, batching.most)]
        samples, sigmas = (torch.stack(column) for column in zip(*part, strict=True))
        try:
            return list(denoise(samples, sigmas))
        except Exception as error:
            if len(part) == 1 or not batching.is_out_of_memory(error):
                raise
        # Outside the except block: until it ends, the error's traceback keeps the failed call's tensors alive.
        batching.most = (len(part) + 1) // 2
        batching.free()
