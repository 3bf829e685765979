"""Scalars are written in the background, and TensorBoard's own reader reads them back."""

import io
import threading
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.protocol import GenerationStart, Progress
from llmtrain_trainer.tensorboard import recorder as recorder_module
from llmtrain_trainer.tensorboard.event_file import EventFile
from llmtrain_trainer.tensorboard.recorder import SummaryWriterThread
from llmtrain_trainer.tensorboard.scalars import scalars

TIMEOUT_SECONDS = 20.0


def progress(step: int, generation: int = 1, began: int = 0, loss: float = 4.0, **fields: object) -> Progress:
    return Progress.model_validate(
        {
            "generation": generation,
            "step": step,
            "steps": 100,
            "loss": loss,
            "learningRate": 0.5,
            "gradientNorm": 1.5,
            "tokens": step,
            "tokensPerSecond": 1000.0,
            "generation_start": GenerationStart(step=began, source="Memory", seconds=0.0),
            **fields,
        }
    )


def read(folder: Path, tag: str) -> list[tuple[int, float]]:
    """Return the steps and values that TensorBoard shows."""
    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    accumulator.Reload()
    return [(event.step, event.value) for event in accumulator.Scalars(tag)]


def test_an_unknown_value_has_no_tag() -> None:
    assert scalars(progress(1)) == {
        "train/loss": 4.0,
        "train/learning_rate": 0.5,
        "train/gradient_norm": 1.5,
        "speed/tokens_per_second": 1000.0,
    }
    assert scalars(progress(1, mfu=0.25))["speed/mfu"] == 0.25


def test_tensorboard_reads_every_step(tmp_path: Path, log: JsonLog) -> None:
    recorder = SummaryWriterThread(tmp_path, log)
    for step in (1, 2, 3):
        recorder.offer(7, progress(step, loss=5.0 - step))
    recorder.flush(TIMEOUT_SECONDS)
    assert read(tmp_path, "train/loss") == [(1, 4.0), (2, 3.0), (3, 2.0)]
    assert read(tmp_path, "speed/tokens_per_second") == [(1, 1000.0), (2, 1000.0), (3, 1000.0)]


def test_an_evaluation_is_written_once_at_its_own_step(tmp_path: Path, log: JsonLog) -> None:
    recorder = SummaryWriterThread(tmp_path, log)
    for step, evaluated, loss in ((5, None, None), (6, 5, 3.5), (7, 5, 3.5), (8, 8, 3.0)):
        recorder.offer(1, progress(step, heldOutStep=evaluated, heldOutLoss=loss))
    recorder.flush(TIMEOUT_SECONDS)
    assert read(tmp_path, "evaluation/loss") == [(5, 3.5), (8, 3.0)]


@pytest.mark.parametrize(
    ("same", "generation", "term"),
    [
        pytest.param(False, 2, 9, id="another rank becomes rank 0"),
        pytest.param(True, 2, 9, id="the same rank is rank 0 again"),
        pytest.param(False, 1, 10, id="a new coordinator counts from 1"),
    ],
)
def test_replayed_steps_replace_the_former_ones(
    same: bool, generation: int, term: int, tmp_path: Path, log: JsonLog
) -> None:
    first = SummaryWriterThread(tmp_path, log)
    for step in (1, 2, 3, 4):
        first.offer(9, progress(step, heldOutStep=4 if step == 4 else None, heldOutLoss=9.0))
    first.flush(TIMEOUT_SECONDS)
    second = first if same else SummaryWriterThread(tmp_path, log)
    for step in (3, 4, 5):
        evaluated = 4 if step >= 4 else None
        second.offer(term, progress(step, generation, began=2, loss=2.0, heldOutStep=evaluated, heldOutLoss=1.0))
    second.flush(TIMEOUT_SECONDS)
    assert read(tmp_path, "train/loss") == [(1, 4.0), (2, 4.0), (3, 2.0), (4, 2.0), (5, 2.0)]
    assert read(tmp_path, "evaluation/loss") == [(4, 1.0)]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_step_never_waits_and_the_newest_steps_are_kept(
    tmp_path: Path, log: JsonLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, unblock = threading.Event(), threading.Event()
    flush = EventFile.flush

    def flush_slowly(self: EventFile) -> None:
        stuck.set()
        assert unblock.wait(TIMEOUT_SECONDS)
        flush(self)

    monkeypatch.setattr(EventFile, "flush", flush_slowly)
    monkeypatch.setattr(recorder_module, "MAX_QUEUED_STEPS", 5)
    recorder = SummaryWriterThread(tmp_path, log)
    recorder.offer(1, progress(1))
    assert stuck.wait(TIMEOUT_SECONDS)
    for step in range(2, 50):
        recorder.offer(1, progress(step))
    recorder.flush(0.01)
    unblock.set()
    recorder.flush(TIMEOUT_SECONDS)
    assert [step for step, _ in read(tmp_path, "train/loss")] == [1, 45, 46, 47, 48, 49]


def test_a_volume_that_cannot_be_written_costs_the_scalars_and_one_warning(
    tmp_path: Path, log: JsonLog, lines: io.StringIO
) -> None:
    folder = tmp_path / "tensorboard"
    folder.write_text("a file is in the way")
    recorder = SummaryWriterThread(folder, log, backoff_seconds=0.0)
    for step in (1, 2):
        recorder.offer(1, progress(step))
        recorder.flush(TIMEOUT_SECONDS)
    assert lines.getvalue().count("scalarsFailed") == 1
    assert "FileExistsError" in lines.getvalue()
    folder.unlink()
    recorder.offer(1, progress(3))
    recorder.flush(TIMEOUT_SECONDS)
    assert [step for step, _ in read(folder, "train/loss")] == [3]


def test_a_full_volume_costs_only_the_scalars_that_did_not_fit(
    tmp_path: Path, log: JsonLog, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = SummaryWriterThread(tmp_path, log, backoff_seconds=0.0)
    recorder.offer(1, progress(1))
    recorder.flush(TIMEOUT_SECONDS)
    with monkeypatch.context() as full:
        full.setattr("tensorboardX.record_writer.open_file", lambda path: open("/dev/full", "wb"))  # noqa: SIM115
        for step in (2, 3):
            recorder.offer(1, progress(step, generation=2, began=1))
            recorder.flush(TIMEOUT_SECONDS)
    recorder.offer(1, progress(4, generation=2, began=1))
    recorder.flush(TIMEOUT_SECONDS)
    assert read(tmp_path, "train/loss") == [(1, 4.0), (4, 4.0)]
    assert lines.getvalue().count("No space left on device") == 1


def test_writing_backs_off_after_an_error(tmp_path: Path, log: JsonLog) -> None:
    folder = tmp_path / "tensorboard"
    folder.write_text("a file is in the way")
    recorder = SummaryWriterThread(folder, log)
    recorder.offer(1, progress(1))
    recorder.flush(TIMEOUT_SECONDS)
    folder.unlink()
    recorder.offer(1, progress(2))
    recorder.flush(TIMEOUT_SECONDS)
    assert not folder.exists()
