"""Progress is sent in the background: the first and the newest reach the coordinator."""

from llmtrain_api.protocol import Progress
from llmtrain_trainer.trainer.progress_reporter import ProgressReporter
from unit.trainer.fake_coordinator_client import TIMEOUT_SECONDS, FakeCoordinatorClient


def progress(step: int) -> Progress:
    return Progress(
        generation=1,
        step=step,
        steps=9,
        loss=1.0,
        learning_rate=0.1,
        gradient_norm=1.0,
        tokens=1,
        tokens_per_second=1.0,
    )


def test_the_first_and_the_newest_progress_are_sent_after_an_outage() -> None:
    coordinator = FakeCoordinatorClient(lambda number: None if number < 2 else 1, enough=3)
    reporter = ProgressReporter(coordinator)  # type: ignore[arg-type]
    for step in (1, 2, 3):
        reporter.offer(progress(step))
    reporter.flush(TIMEOUT_SECONDS)
    assert coordinator.steps == [1, 1, 3]
