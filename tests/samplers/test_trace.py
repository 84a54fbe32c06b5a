import json

import pytest
import torch
from sweetspot.samplers.trace import TraceRecorder


def record(denoised: list[torch.Tensor], sigmas: list[float], calls_a_step: int = 1):
    recorder = TraceRecorder(steps_asked=len(sigmas) - 1)
    recorder.start(sigmas)
    for step, clean in enumerate(denoised):
        for _ in range(calls_a_step):
            recorder.model_called()
        recorder.stepped(step, clean)
    recorder.finish(denoised[-1])
    return recorder.trace()


def test_change_is_relative_to_the_newer_prediction():
    trace = record([torch.tensor([3.0, 0.0]), torch.tensor([3.0, 4.0])], [1.0, 0.5, 0.0])
    assert trace.steps[0].change is None
    # ||(0, 4)|| / ||(3, 4)|| = 4/5
    assert trace.steps[1].change == pytest.approx(0.8)


def test_levels_calls_and_times_belong_to_their_steps():
    trace = record([torch.ones(2), torch.ones(2)], [1.0, 0.5, 0.0], calls_a_step=2)
    assert [(step.sigma, step.sigma_next) for step in trace.steps] == [(1.0, 0.5), (0.5, 0.0)]
    assert [step.model_calls for step in trace.steps] == [2, 2]
    assert trace.model_calls == 4
    assert sum(step.seconds for step in trace.steps) <= trace.seconds
    assert (trace.steps_asked, trace.steps_scheduled, trace.steps_run) == (2, 2, 2)


def test_a_sampler_that_overwrites_its_prediction_does_not_change_the_record():
    clean = torch.tensor([1.0, 0.0])
    recorder = TraceRecorder(2)
    recorder.start([1.0, 0.5, 0.0])
    recorder.stepped(0, clean)
    clean += 1
    recorder.stepped(1, clean)
    recorder.finish(clean)
    assert recorder.trace().steps[1].change > 0


def test_more_steps_than_the_schedule_end_on_its_last_level():
    trace = record([torch.ones(1)] * 3, [1.0, 0.5, 0.0])
    assert (trace.steps[2].sigma, trace.steps[2].sigma_next) == (0.0, 0.0)


def test_a_run_that_never_started_is_empty():
    trace = TraceRecorder(25).trace()
    assert (trace.steps_asked, trace.steps_scheduled, trace.steps_run, trace.model_calls) == (25, 0, 0, 0)
    assert trace.seconds == 0


def test_json_holds_every_step():
    trace = record([torch.zeros(2), torch.zeros(2)], [1.0, 0.5, 0.0])
    told = json.loads(trace.to_json())
    assert told["steps_run"] == 2
    assert told["steps"][1]["change"] == 0
