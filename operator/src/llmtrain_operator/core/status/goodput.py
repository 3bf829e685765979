"""The time ledger of a job: the coordinator's while one runs, continued by the operator before and after it."""

from datetime import UTC, datetime

from llmtrain_api.conditions import JobCondition
from llmtrain_api.job_status import GoodputStatus, JobStatus
from llmtrain_api.time_ledger import CATEGORIES, TimeCategory, TimeLedger, new_ledger
from llmtrain_api.timestamps import format_rfc3339, parse_rfc3339

STAGES: dict[str, TimeCategory] = {
    "": "queued",
    "Waiting": "queued",
    "Preparing": "starting",
    "Starting": "starting",
    "Training": "stepping",
    "Recovering": "recovering",
    "Suspended": "waiting",
    "Publishing": "evaluating",
    "Succeeded": "evaluating",
    "Failed": "evaluating",
}
"""Category of the time that passes in each stage, as far as the operator can see; none is accounted for in the last two."""


def with_goodput(
    before: JobStatus, status: JobStatus, ledger: TimeLedger | None, *, created: datetime, now: datetime
) -> JobStatus:
    """Return `status` with the time until `now` accounted for.

    `before` is the status as last written, whose stage the time belongs to; `ledger` is the coordinator's, and
    replaces that of the status if it is ahead.
    """
    latest = ledger_of(before) or new_ledger(milliseconds(created))
    if ledger is not None and ledger.total_ms >= latest.total_ms:
        latest = ledger
    if not coordinator_accounts(status):
        latest = latest.advance(milliseconds(now), {}, time_category(before))
    return status.model_copy(update={"goodput": goodput_status(latest)})


def coordinator_accounts(status: JobStatus) -> bool:
    """Return whether a coordinator accounts for the time, or the next one will."""
    return status.stage in ("Training", "Recovering")


def steps_done(status: JobStatus) -> int:
    """Return the steps that the next coordinator counts as done; 0 after a suspension, when training starts over."""
    return status.progress.step if status.progress and coordinator_accounts(status) else 0


def time_category(status: JobStatus) -> TimeCategory:
    """Return the category of the time that passes while a job has this status."""
    category = STAGES[status.stage]
    conditions = {condition.type: condition.status for condition in status.conditions}
    waits = conditions.get(JobCondition.SCHEDULED) == "False" and conditions.get(JobCondition.RUNNING) != "True"
    return "queued" if category == "starting" and waits else category


def ledger_of(status: JobStatus) -> TimeLedger | None:
    """Return the ledger that a status holds; None if it holds none, or none that can be read."""
    if status.goodput is None:
        return None
    seconds = status.goodput.seconds
    try:
        ms = {category: round(float(seconds[category]) * 1000) for category in CATEGORIES if category in seconds}
        return TimeLedger(until_ms=milliseconds(parse_rfc3339(status.goodput.until)), ms=ms)
    except (ValueError, OverflowError):
        return None


def goodput_status(ledger: TimeLedger) -> GoodputStatus:
    """Return a ledger in the form of the status."""
    return GoodputStatus(
        ratio=f"{ledger.goodput:.3f}",
        until=format_rfc3339(datetime.fromtimestamp(ledger.until_ms / 1000, UTC)),
        seconds={category: f"{ms / 1000:.3f}" for category, ms in ledger.ms.items()},
    )


def milliseconds(instant: datetime) -> int:
    """Return an instant as milliseconds since 1970."""
    return round(instant.timestamp() * 1000)
