"""Progress of the training, as the coordinator reports it."""

from typing import Any

import pytest

from llmtrain_api.job_status import JobStatus
from llmtrain_api.protocol import CheckpointInfo
from llmtrain_operator.core.status.progress import differs_in_figures_only, progress_status, with_progress
from unit.operator.builders import ago, coordinator_status, progress


def reported(status: JobStatus | None = None, **fields: Any) -> JobStatus:
    return with_progress(status or JobStatus(), coordinator_status(**fields))


@pytest.mark.parametrize(
    ("fields", "only_figures"),
    [
        pytest.param({"progress": progress(step=26, loss=3.1).model_dump()}, True, id="a step was done"),
        pytest.param({"progress": progress(step=26, loss=float("nan")).model_dump()}, False, id="the loss diverged"),
        pytest.param({"progress": progress(checkpoint_error="no space").model_dump()}, False, id="a checkpoint failed"),
        pytest.param({"progress": None}, False, id="a new coordinator knows no progress"),
        pytest.param({"progress": progress().model_dump(), "joined": 1}, False, id="a rank was lost"),
        pytest.param({"progress": progress().model_dump(), "generation": 9}, False, id="a generation ended"),
    ],
)
def test_figures_differ_from_what_decisions_depend_on(fields: dict[str, Any], only_figures: bool) -> None:
    before = coordinator_status(progress=progress().model_dump())
    assert differs_in_figures_only(coordinator_status(**fields), before) is only_figures


def test_progress_has_percent_time_left_and_losses() -> None:
    found = progress_status(progress(held_out_loss=3.5), "8.3000")
    assert (found.step, found.steps, found.percent, found.eta) == (25, 100, 25, "1m15s")
    assert (found.loss, found.first_loss, found.held_out_loss) == ("3.2500", "8.3000", "3.5000")
    assert (found.tokens, found.tokens_per_second) == (25600, 1024)


def test_the_time_left_is_unknown_while_nothing_is_measured() -> None:
    assert progress_status(progress(tokens_per_second=0.0), "").eta == ""


def test_the_first_step_and_loss_are_kept_when_a_new_coordinator_does_not_know_them() -> None:
    first = reported(progress=progress().model_dump(), first_loss=8.3, first_step_time=ago(60))
    assert (first.first_step_time, first.progress.first_loss) == (ago(60), "8.3000")
    later = reported(first, progress=progress(step=30).model_dump(), first_loss=4.0, first_step_time=ago(5))
    assert (later.first_step_time, later.progress.first_loss, later.progress.step) == (ago(60), "8.3000", 30)


def test_the_newest_checkpoint_is_recorded() -> None:
    checkpoint = CheckpointInfo(step=20, time=ago(1), path="x")
    status = reported(progress=progress(checkpoint=checkpoint).model_dump())
    assert (status.checkpoint.step, status.checkpoint.path) == (20, "x")
    assert reported(status, progress=progress().model_dump()).checkpoint == status.checkpoint


def test_workers_of_the_current_generation_are_active() -> None:
    members = [
        {"worker": worker, "localRank": rank, "incarnation": "i", "address": "10.0.0.1", "storePort": 1}
        for worker, rank in ((0, 0), (0, 1), (1, 0))
    ]
    assert reported(members=members).workers.active == 2


def test_nothing_changes_while_no_coordinator_answers() -> None:
    status = JobStatus.model_validate({"workers": {"active": 2}})
    assert with_progress(status, None) is status
