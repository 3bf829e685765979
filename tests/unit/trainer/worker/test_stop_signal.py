"""Each stop signal is deferred to the next step boundary, and interrupts everything else."""

import signal

import pytest

from llmtrain_trainer.errors import StopRequested
from llmtrain_trainer.worker.stop_signal import StopSignal

SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_deferred_to_the_end_of_a_step(stop_signal: StopSignal, number: signal.Signals) -> None:
    with stop_signal.deferred():
        signal.raise_signal(number)
        assert stop_signal.requested
    with pytest.raises(StopRequested), stop_signal.deferred():
        pass


@pytest.mark.parametrize("number", SIGNALS)
def test_outside_of_a_step_a_signal_interrupts_at_once(stop_signal: StopSignal, number: signal.Signals) -> None:
    with pytest.raises(StopRequested):
        signal.raise_signal(number)
    assert stop_signal.requested
