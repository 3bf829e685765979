"""Bad steps are in the status at once, and each change has one event."""

from llmtrain_api.job_status import JobStatus
from llmtrain_api.protocol import BadStepInfo
from llmtrain_operator.core.status.bad_steps import bad_step_events, with_bad_steps
from llmtrain_operator.core.status.progress import differs_in_figures_only
from llmtrain_operator.core.status.write_delay import decisions
from unit.operator.builders import coordinator_status, progress

BAD_STEP = BadStepInfo(step=7, microbatch=2, message="the loss of step 7 is nan from microbatch 2 on")


def reported(status: JobStatus, count: int, bad_step: BadStepInfo | None) -> JobStatus:
    figures = progress(bad_steps=count, bad_step=bad_step).model_dump()
    return with_bad_steps(status, coordinator_status(progress=figures))


def test_the_newest_one_is_named_and_kept() -> None:
    status = reported(JobStatus(), 1, BAD_STEP)
    assert status.bad_steps is not None
    assert (status.bad_steps.count, status.bad_steps.step, status.bad_steps.microbatch) == (1, 7, 2)
    assert reported(status, 1, None) == status
    assert with_bad_steps(status, None) == status
    assert reported(JobStatus(), 0, None).bad_steps is None


def test_each_change_has_one_event() -> None:
    status = reported(JobStatus(), 1, BAD_STEP)
    (event,) = bad_step_events(JobStatus(), status)
    assert (event.type, event.reason) == ("Warning", "BadStep")
    assert "step 7 was not applied: the loss of step 7 is nan from microbatch 2 on" in event.message
    assert bad_step_events(status, status) == ()


def test_the_first_one_is_written_at_once() -> None:
    before = coordinator_status(progress=progress().model_dump())
    after = coordinator_status(progress=progress(bad_steps=1, bad_step=BAD_STEP).model_dump())
    assert not differs_in_figures_only(after, before)
    assert decisions(reported(JobStatus(), 1, BAD_STEP)) != decisions(JobStatus())
