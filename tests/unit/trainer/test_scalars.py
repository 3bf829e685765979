"""TensorBoard reads what was trained, whoever wrote it, and a volume that refuses costs nothing else."""

import io
import itertools
import json
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

from llmtrain_api.membership import Progress
from llmtrain_trainer.elastic.scalars import Curves, Scalars
from llmtrain_trainer.log import Log


def progress(step: int, *, steps: int = 100, held_out_loss: float | None = None) -> Progress:
    return Progress(
        generation=1, step=step, steps=steps, loss=5 - step / 100, learning_rate=0.001, gradient_norm=0.5,
        tokens=step * 10, tokens_per_second=1000.0, held_out_loss=held_out_loss,
    )  # fmt: skip


def write(folder: Path, log: Log, *steps: Progress) -> None:
    scalars = Scalars(folder, log, clock=map(float, itertools.count()).__next__)  # a second between two steps
    for step in steps:
        scalars.offer(step)
    scalars.close(10)


def read(folder: Path, tag: str) -> list[tuple[int, float]]:
    found = EventAccumulator(str(folder))
    found.Reload()
    return [(event.step, event.value) for event in found.Scalars(tag)]


def test_tensorboard_reads_every_step(tmp_path: Path, log: Log) -> None:
    write(tmp_path / "tensorboard", log, progress(1), progress(2, held_out_loss=4.0), progress(3, held_out_loss=4.0))
    assert read(tmp_path / "tensorboard", "train/loss") == [(n, pytest.approx(5 - n / 100)) for n in (1, 2, 3)]
    assert read(tmp_path / "tensorboard", "evaluation/loss") == [(2, 4.0)], "an evaluation is drawn once"
    found = EventMultiplexer().AddRunsFromDirectory(str(tmp_path)).Reload()
    assert set(found.Runs()["tensorboard"]["scalars"]) == {
        "train/loss", "train/learning_rate", "train/gradient_norm", "speed/tokens_per_second", "evaluation/loss",
    }  # fmt: skip


def test_steps_done_again_replace_what_was_there(tmp_path: Path, log: Log) -> None:
    write(tmp_path, log, *(progress(step) for step in range(1, 6)), *(progress(step) for step in range(3, 8)))
    assert [step for step, _ in read(tmp_path, "train/loss")] == [1, 2, 3, 4, 5, 6, 7]


def test_the_next_first_rank_goes_on(tmp_path: Path, log: Log) -> None:
    write(tmp_path, log, *(progress(step) for step in range(1, 6)))
    write(tmp_path, log, *(progress(step) for step in range(4, 8)))
    assert len(list(tmp_path.iterdir())) == 2
    assert [step for step, _ in read(tmp_path, "train/loss")] == [1, 2, 3, 4, 5, 6, 7]


def test_fast_steps_are_not_all_drawn() -> None:
    curves = Curves()
    drawn = [step for step in range(1, 101) if curves.points(progress(step), now_seconds=step / 10)]
    assert drawn == [*range(1, 98, 3), 100]
    tags = [tag for tag, _, _ in curves.points(progress(99, held_out_loss=3.0), now_seconds=10.0)]
    assert "evaluation/loss" in tags, "an evaluation is always drawn"


def test_a_volume_that_refuses_costs_a_warning(tmp_path: Path) -> None:
    (tmp_path / "tensorboard").write_text("a file is in the way")
    said = io.StringIO()
    write(tmp_path / "tensorboard", Log(stream=said), *(progress(step) for step in range(1, 6)))
    (line,) = [json.loads(line) for line in said.getvalue().splitlines()]
    assert line["event"] == "scalarsFailed"
    assert "tensorboard" in line["message"]


def test_what_can_not_be_written_in_time_is_dropped(tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scalars, "_write_all", lambda self: None)  # a volume that hangs
    scalars = Scalars(tmp_path, log, clock=map(float, itertools.count()).__next__)
    for step in range(1, 2001):
        scalars.offer(progress(step))  # never waits
    scalars.close(0.1)
    assert list(tmp_path.iterdir()) == []
