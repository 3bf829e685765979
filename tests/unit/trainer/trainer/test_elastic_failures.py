"""A rank whose training cannot continue says why, and leaves."""

import io
from pathlib import Path

import pytest
from torch import Tensor

from llmtrain_trainer.errors import CollectiveFailed, CommunicationFailed, Diverged, GenerationEnded
from llmtrain_trainer.fault_points import arm
from support.local_coordinator import LocalCoordinator
from unit.trainer.trainer.elastic_jobs import MakeTrainer, events, saved_steps


def test_the_same_ranks_that_fail_again_and_again_give_up_with_the_first_cause(
    make_trainer: MakeTrainer, coordinator: LocalCoordinator, lines: io.StringIO
) -> None:
    causes = iter(["Duplicate GPU", "timed out", "timed out"])

    def fail(step: int | None) -> None:
        raise CollectiveFailed(f"a collective failed: {next(causes)}")

    arm("connect", fail)
    with pytest.raises(
        CommunicationFailed, match=r"^3 generations of the same ranks .*: a collective failed: Duplicate"
    ):
        make_trainer().train()
    assert len(events(lines, "generationEnded")) == 3
    assert coordinator.leave_reasons == ["Failed"]


def test_failures_of_peers_in_between_do_not_end_the_row(make_trainer: MakeTrainer) -> None:
    """Of many ranks that fail, another one is the first each time, and the others see that one leave."""
    ends = iter([CollectiveFailed("timed out"), GenerationEnded("a member is lost")] * 3)

    def fail(step: int | None) -> None:
        raise next(ends)

    arm("connect", fail)
    with pytest.raises(CommunicationFailed, match=r"^3 generations of the same ranks .*: timed out$"):
        make_trainer().train()


def test_a_training_that_diverges_is_reported_and_keeps_its_checkpoints(
    make_trainer: MakeTrainer, coordinator: LocalCoordinator, job_directory: Path, lines: io.StringIO
) -> None:
    trainer = make_trainer(badSteps=2)
    plain = trainer._state.task.loss

    def loss(step: int, microbatch: int) -> tuple[Tensor, int]:
        loss, tokens = plain(step, microbatch)
        return (loss * float("nan"), tokens) if step >= 3 and microbatch == 1 else (loss, tokens)

    trainer._state.task.loss = loss  # type: ignore[method-assign]
    with pytest.raises(
        Diverged, match=r"^the training diverged: the loss of step 5 is nan from microbatch 1 on \(bad step 2"
    ):
        trainer.train()
    assert [line["step"] for line in events(lines, "badStep")] == [4, 5]
    assert saved_steps(job_directory)[-1] == 2
    progress = coordinator.status().progress
    assert progress is not None
    assert progress.bad_step is not None
    assert (progress.step, progress.bad_steps, progress.bad_step.microbatch) == (5, 2, 1)
    assert coordinator.leave_reasons == ["Failed"]
