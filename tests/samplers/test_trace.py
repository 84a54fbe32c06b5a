import json

import pytest
import torch
from sweetspot.samplers.trace import ModelCall, NotFiniteError, TraceRecorder

CPU = torch.device("cpu")


def record(denoised: list[torch.Tensor], sigmas: list[float], calls_a_step: int = 1, halves: int = 2):
    """Run a recorder as a sampler that calls the model so often a step and reports after its first call."""
    recorder = TraceRecorder(steps_asked=len(sigmas) - 1)
    recorder.start(torch.tensor(sigmas), CPU)
    for step, clean in enumerate(denoised):
        level = torch.tensor([sigmas[min(step, len(sigmas) - 1)]])
        recorder.called(ModelCall(level, 3.0, halves, halves < 2), clean)
        recorder.stepped(step, clean)
        for _ in range(calls_a_step - 1):
            recorder.called(ModelCall(level / 2, 3.0, halves, halves < 2), clean)
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
    assert 0 < sum(step.seconds for step in trace.steps) <= trace.seconds * 1.0001
    assert (trace.steps_asked, trace.steps_scheduled, trace.steps_run) == (2, 2, 2)


def test_a_skipped_half_is_told_and_counted():
    guided = record([torch.ones(2)], [1.0, 0.0], halves=2)
    alone = record([torch.ones(2)], [1.0, 0.0], halves=1)
    assert (guided.halves, guided.steps[0].half_skipped) == (2, False)
    assert (alone.halves, alone.steps[0].half_skipped) == (1, True)
    assert (guided.model_calls, alone.model_calls) == (1, 1)


def test_the_level_is_the_one_the_model_saw():
    recorder = TraceRecorder(1)
    recorder.start(torch.tensor([1.0, 0.0]), CPU)
    recorder.called(ModelCall(torch.tensor([0.8]), None, 1, False), torch.ones(1))
    recorder.stepped(0, torch.ones(1))
    recorder.finish(torch.ones(1))
    trace = recorder.trace(lambda sigma: sigma * 1000)
    assert trace.steps[0].sigma == pytest.approx(0.8)
    assert trace.steps[0].timestep == pytest.approx(800)
    assert trace.steps[0].cfg is None


def test_a_sampler_that_overwrites_its_prediction_does_not_change_the_record():
    clean = torch.tensor([1.0, 0.0])
    recorder = TraceRecorder(2)
    recorder.start(torch.tensor([1.0, 0.5, 0.0]), CPU)
    recorder.stepped(0, clean)
    clean += 1
    recorder.stepped(1, clean)
    recorder.finish(clean)
    assert recorder.trace().steps[1].change > 0


def test_a_result_that_is_reported_once_more_is_no_step():
    recorder = TraceRecorder(1)
    recorder.start(torch.tensor([1.0, 0.0]), CPU)
    recorder.called(ModelCall(torch.ones(1), 1.0, 1, False), torch.ones(2))
    recorder.stepped(0, torch.ones(2))
    recorder.stepped(1, torch.ones(2))
    recorder.finish(torch.ones(2))
    assert recorder.trace().steps_run == 1


def test_a_run_that_never_started_is_empty():
    trace = TraceRecorder(25).trace()
    assert (trace.steps_asked, trace.steps_scheduled, trace.steps_run, trace.model_calls) == (25, 0, 0, 0)
    assert trace.seconds == 0


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_names_step_and_level(bad: float):
    recorder = TraceRecorder(3)
    recorder.start(torch.tensor([1.0, 0.6, 0.25, 0.0]), CPU)
    recorder.called(ModelCall(torch.tensor([1.0]), 1.0, 1, False), torch.ones(2))
    recorder.stepped(0, torch.ones(2))
    with pytest.raises(NotFiniteError, match=r"^step 2 of 3 \(sigma 0\.6\): the model gave NaN or Inf"):
        recorder.called(ModelCall(torch.tensor([0.6]), 1.0, 1, False), torch.tensor([1.0, bad]))


def test_a_second_call_of_a_step_names_that_step():
    recorder = TraceRecorder(4)
    recorder.start(torch.tensor([1.0, 0.75, 0.5, 0.25, 0.0]), CPU)

    def call(sigma: float, value: float = 1.0) -> None:
        recorder.called(ModelCall(torch.tensor([sigma]), 1.0, 1, False), torch.tensor([value]))

    for sigma in (1.0, 0.75):
        call(sigma)
        recorder.stepped(0, torch.ones(1))
        call(sigma - 0.25)
    call(0.5)
    recorder.stepped(2, torch.ones(1))
    with pytest.raises(NotFiniteError, match=r"^step 3 of 4 \(sigma 0\.25\)"):
        call(0.25, float("nan"))


def test_a_sampler_may_end_above_the_schedules_last_level():
    recorder = TraceRecorder(1, ends_at=0.3)
    recorder.start(torch.tensor([1.0, 0.3, 0.0]), CPU)
    recorder.called(ModelCall(torch.ones(1), 1.0, 1, False), torch.ones(1))
    recorder.stepped(0, torch.ones(1))
    recorder.finish(torch.ones(1))
    assert recorder.trace().steps[-1].sigma_next == 0.3


def test_json_holds_every_step_and_no_number_that_json_lacks():
    trace = record([torch.zeros(2), torch.zeros(2)], [float("inf"), 0.5, 0.0])
    told = json.loads(trace.to_json(), parse_constant=pytest.fail)
    assert told["steps_run"] == 2
    assert told["steps"][0]["sigma"] is None
    assert told["steps"][1]["change"] == 0


def test_notes_are_added_and_empty_ones_left_out():
    assert TraceRecorder(1).trace().with_notes("", "told").notes == ("told",)


def test_people_are_told_asked_beside_run():
    told = record([torch.ones(2)] * 2, [1.0, 0.5, 0.2, 0.0]).with_notes("stopped").describe()
    assert told.startswith("3 steps requested, 2 ran (3 in the schedule); ")
    assert told.endswith("2 model calls, 4 halves computed\nstopped")
