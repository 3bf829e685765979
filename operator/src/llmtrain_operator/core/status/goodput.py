"""The account of a job's life: the coordinator's while there is one, and before and after it the operator's own."""

from dataclasses import replace
from datetime import UTC, datetime

from llmtrain_api.conditions import JobCondition
from llmtrain_api.job_status import GoodputStatus, JobStatus
from llmtrain_api.time_ledger import CATEGORIES, TimeCategory, TimeLedger, new_ledger
from llmtrain_api.timestamps import format_rfc3339, parse_rfc3339
from llmtrain_operator.core.plan import Plan
from llmtrain_operator.core.snapshot import JobSnapshot

STAGES: dict[str, TimeCategory] = {
    "": "queued",
    "Waiting": "queued",
    "Preparing": "starting",
    "Starting": "starting",
    "Training": "stepping",
    "Recovering": "recovering",
    "Suspended": "waiting",
    "Publishing": "evaluating",
}
"""What the time goes into at each stage, as far as the operator sees."""


def with_goodput(observed: JobSnapshot, plan: Plan) -> Plan:
    """Return `plan` with the account brought up to date, if its status changes: time alone is no reason to write."""
    status = plan.status
    if not isinstance(status, JobStatus):
        return plan
    account = account_of(observed.job.status) or new_ledger(milliseconds(observed.job.created))
    seen = observed.coordinator.ledger if observed.coordinator else None
    if seen is not None and seen.total_ms >= account.total_ms:
        account = seen
    if not coordinator_accounts(status):
        account = account.advance(milliseconds(observed.now), {}, time_category(observed.job.status))
    return replace(plan, status=status.model_copy(update={"goodput": goodput_status(account)}))


def coordinator_accounts(status: JobStatus) -> bool:
    """Return whether a coordinator accounts for the time, or the next one will."""
    return status.stage in ("Training", "Recovering")


def steps_done(status: JobStatus) -> int:
    """Return how many steps the next coordinator takes for done; one after a suspension begins anew."""
    return status.progress.step if status.progress and coordinator_accounts(status) else 0


def time_category(status: JobStatus) -> TimeCategory:
    """Return what the time went into while a job had this status."""
    scheduled = [condition for condition in status.conditions if condition.type == JobCondition.SCHEDULED]
    if STAGES[status.stage] == "starting" and scheduled and scheduled[0].status == "False":
        return "queued"
    return STAGES[status.stage]


def account_of(status: JobStatus) -> TimeLedger | None:
    """Return the account that a status holds."""
    if status.goodput is None:
        return None
    seconds = status.goodput.seconds
    ms = {kind: round(float(seconds[kind]) * 1000) for kind in CATEGORIES if kind in seconds}
    return TimeLedger(until_ms=milliseconds(parse_rfc3339(status.goodput.until)), ms=ms)


def goodput_status(account: TimeLedger) -> GoodputStatus:
    """Return an account as a status holds it."""
    return GoodputStatus(
        ratio=f"{account.goodput:.3f}",
        until=format_rfc3339(datetime.fromtimestamp(account.until_ms / 1000, UTC)),
        seconds={kind: f"{ms / 1000:.3f}" for kind, ms in account.ms.items()},
    )


def milliseconds(instant: datetime) -> int:
    """Return an instant as milliseconds since 1970."""
    return round(instant.timestamp() * 1000)
