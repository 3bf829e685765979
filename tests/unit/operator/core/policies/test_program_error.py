"""A user's program that fails in the same way again before its first step fails the job at once."""

import pytest

from llmtrain_api.termination import TerminationMessage
from llmtrain_operator.core.job import plan_job
from unit.operator.builders import DATASET, ago, conditions, failed_pod, job, snapshot, started

ERROR = TerminationMessage(
    reason="Crashed", message="train.py ended with exit code 1: KeyError: 'text'", exit_code=1, before_first_step=True
)
OTHER = ERROR.model_copy(update={"message": "train.py ended with exit code 1: OSError: [Errno 5]"})
LATE = ERROR.model_copy(update={"before_first_step": False})


def failed_twice(
    first: TerminationMessage, second: TerminationMessage, pod: str = "j-worker-0", **status: object
) -> str:
    """Return why a job has failed after two pods failed one after the other; empty if it continues."""
    before = started(dataset=DATASET, **status)
    plan = plan_job(snapshot(job(before), pods=(failed_pod("j-worker-0", 1, first, uid="1"),)))
    assert "Failed" not in conditions(plan.status)
    plan = plan_job(snapshot(job(plan.status.document()), pods=(failed_pod(pod, 1, second, uid="2"),)))
    failed = conditions(plan.status).get("Failed")
    return failed.reason if failed else ""


def test_the_same_error_twice_before_the_first_step_fails_the_job() -> None:
    assert failed_twice(ERROR, ERROR) == "ProgramError"


@pytest.mark.parametrize(
    ("first", "second", "pod", "status"),
    [
        pytest.param(ERROR, OTHER, "j-worker-0", {}, id="another error"),
        pytest.param(ERROR, ERROR, "j-worker-1", {}, id="another worker, as when all fail at once"),
        pytest.param(LATE, LATE, "j-worker-0", {}, id="after steps of the process"),
        pytest.param(ERROR, ERROR, "j-worker-0", {"firstStepTime": ago(60)}, id="after steps of the job"),
    ],
)
def test_other_failures_spend_the_budget(
    first: TerminationMessage, second: TerminationMessage, pod: str, status: dict[str, object]
) -> None:
    assert failed_twice(first, second, pod, **status) == ""
