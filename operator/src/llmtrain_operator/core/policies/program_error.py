"""Program errors: a user's program that fails twice in the same way before its first step fails the job at once.

Such an error is in the program, and each further attempt would pay for its imports only to fail again.
"""

from collections.abc import Iterable

from llmtrain_api.conditions import Reason
from llmtrain_api.job_status import Failure, JobStatus


def repeated_program_error(
    before: JobStatus, status: JobStatus, failures: Iterable[Failure]
) -> tuple[Reason, str] | None:
    """Return why the job has failed if one of the new `failures` repeats one in `before`, with a message; else None.

    `status` records the new ones too. A rule of the job that matches a failure decides instead.
    """
    if status.first_step_time is not None:
        return None
    known = {(failure.pod, failure.message) for failure in before.recoveries.recent if failure.program_error}
    repeated = (failure for failure in failures if failure.program_error and not failure.action)
    failure = next((failure for failure in repeated if (failure.pod, failure.message) in known), None)
    if failure is None:
        return None
    return Reason.PROGRAM_ERROR, (
        f"the program failed twice in the same way before its first step: {failure.message}; correct it and create the "
        "job again"
    )
