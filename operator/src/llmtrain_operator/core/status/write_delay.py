"""When a changed status is written: decisions at once, counts and messages after seconds, figures every 30 seconds.

Prometheus has the figures as they change; each write of a status is kept by etcd and sent to everyone who watches.
"""

from datetime import timedelta

from llmtrain_api.job_status import JobStatus

FIGURES_INTERVAL = timedelta(seconds=30)
"""Least time between two writes that only update progress, checkpoint and goodput."""
COUNTS_INTERVAL = timedelta(seconds=5)
"""Least time between two writes that only update numbers of pods and the messages of conditions."""


def write_delay(before: JobStatus, status: JobStatus, age: timedelta | None) -> timedelta | None:
    """Return how long to wait until `status` is written, 0 for at once; None if nothing has changed.

    `before` is the status as last written, `age` ago; None if that is not known.
    """
    if status == before:
        return None
    if age is None or decisions(status) != decisions(before):
        return timedelta(0)
    interval = FIGURES_INTERVAL if without_figures(status) == without_figures(before) else COUNTS_INTERVAL
    return max(timedelta(0), interval - age)


def without_figures(status: JobStatus) -> JobStatus:
    """Return a status for comparison, with only whether there are figures yet."""
    figures = ("progress", "checkpoint", "goodput")
    return status.model_copy(update={name: getattr(status, name) is not None for name in figures})


def decisions(status: JobStatus) -> JobStatus:
    """Return a status for comparison, with neither figures nor counts nor messages. The first bad step is a decision."""
    return without_figures(status).model_copy(
        update={
            "conditions": [(condition.type, condition.status, condition.reason) for condition in status.conditions],
            "workers": status.workers.desired,
            "bad_steps": status.bad_steps is not None,
        }
    )
