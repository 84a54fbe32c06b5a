"""Nothing waits for the device while a run is traced.

A meta tensor has no values: reading one on the host is an error, as it would be a wait on a GPU.
"""

import torch
from sweetspot.samplers.guidance_window import similarity
from sweetspot.samplers.kept_steps import KeptSteps
from sweetspot.samplers.lockstep import sample_lockstep
from sweetspot.samplers.settling import remaining_change
from sweetspot.samplers.solvers import SOLVERS
from sweetspot.samplers.trace import ModelCall, TraceRecorder

META = torch.device("meta")


def test_a_host_read_of_a_meta_tensor_is_an_error():
    """The premise of the others."""
    try:
        float(torch.ones((), device=META))
    except (RuntimeError, NotImplementedError):
        return
    raise AssertionError("a meta tensor could be read")


def test_tracing_and_keeping_read_nothing():
    recorder, kept = TraceRecorder(3), KeptSteps((1, 2, -1))
    recorder.start(torch.tensor([1.0, 0.6, 0.3, 0.0]), META)
    kept.start(3)
    for step in range(3):
        prediction = torch.ones(2, 4, 8, 8, device=META)
        recorder.called(ModelCall(torch.ones(1, device=META), 3.0, 2, False), prediction)
        recorder.stepped(step, prediction)
        kept.stepped(step, prediction)
        assert recorder.last_change is None
    assert recorder.steps_run == 3
    assert kept.numbers == [1, 2]


def test_the_estimates_are_left_on_the_device():
    clean = torch.ones(2, 4, 8, 8, device=META)
    assert remaining_change(clean, clean, 0.3, 0.6).device == META
    assert similarity(clean, clean).device == META


def test_runs_that_advance_together_read_nothing():
    schedules = [torch.tensor([1.0, 0.5, 0.0]), torch.tensor([1.0, 0.7, 0.4, 0.0])]
    for solver in SOLVERS:
        ends = sample_lockstep(lambda x, _: x * 0.5, torch.ones(4, 8, 8, device=META), schedules, solver)
        assert [end.device for end in ends] == [META, META]
