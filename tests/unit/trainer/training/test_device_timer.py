"""Work is timed on the device."""

import time

import pytest
import torch

from llmtrain_trainer.training.device_timer import DeviceTimer


def test_the_time_inside_the_blocks_is_summed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([1.0, 3.0, 10.0, 11.5])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    timer = DeviceTimer(torch.device("cpu"))
    for _ in range(2):
        with timer:
            pass
    assert timer.seconds() == 3.5
    timer.reset()
    assert timer.seconds() == 0


class Event:
    """A CUDA event of a GPU that takes two seconds for each piece of work."""

    made: list["Event"] = []  # noqa: RUF012
    done = 0

    def __init__(self, enable_timing: bool) -> None:
        assert enable_timing
        Event.made.append(self)

    def record(self, stream: object) -> None:
        self.at_ms = 2000.0 * (len(Event.made) // 2)

    def synchronize(self) -> None:
        Event.done = len(Event.made)

    def elapsed_time(self, stop: "Event") -> float:
        assert Event.done == len(Event.made), "read only after the GPU has finished"
        return stop.at_ms - self.at_ms


def test_a_gpu_records_the_times_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: device)
    timer = DeviceTimer(torch.device("cuda"))
    for _ in range(3):
        with timer:
            pass
    assert timer.seconds() == 6


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_real_gpu_is_timed_beyond_the_launch() -> None:
    device = torch.device("cuda")
    matrix = torch.randn(8192, 8192, device=device)
    timer = DeviceTimer(device)
    torch.cuda.synchronize()
    began = time.perf_counter()
    with timer:
        for _ in range(20):
            matrix = matrix @ matrix / 8192
    launched = time.perf_counter() - began
    assert timer.seconds() > launched
