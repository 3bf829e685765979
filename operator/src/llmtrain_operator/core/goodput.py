"""The account of a job's life: the coordinator's while there is one, and before and after it the operator's own."""

from dataclasses import replace
from datetime import UTC, datetime

from llmtrain_api.conditions import JobCondition
from llmtrain_api.goodput import KINDS, Account, Kind, born
from llmtrain_api.job_status import GoodputStatus, JobStatus
from llmtrain_operator.core.observed import Observed
from llmtrain_operator.core.plan import Plan
from llmtrain_operator.core.times import parse, stamp

STAGES: dict[str, Kind] = {
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


def with_goodput(observed: Observed, plan: Plan) -> Plan:
    """Return `plan` with the account brought up to date, if its status changes: time alone is no reason to write."""
    status = plan.status
    if not isinstance(status, JobStatus):
        return plan
    account = account_of(observed.job.status) or born(milliseconds(observed.job.created))
    seen = observed.coordinator.account if observed.coordinator else None
    if seen is not None and seen.life_ms >= account.life_ms:
        account = seen
    if not coordinated(status):
        account = account.passing(milliseconds(observed.now), {}, kind(observed.job.status))
    return replace(plan, status=status.model_copy(update={"goodput": goodput_status(account)}))


def coordinated(status: JobStatus) -> bool:
    """Return whether a coordinator accounts for the time, or the next one will."""
    return status.stage in ("Training", "Recovering")


def steps_done(status: JobStatus) -> int:
    """Return how many steps the next coordinator takes for done; one after a suspension begins anew."""
    return status.progress.step if status.progress and coordinated(status) else 0


def kind(status: JobStatus) -> Kind:
    """Return what the time went into while a job had this status."""
    scheduled = [condition for condition in status.conditions if condition.type == JobCondition.SCHEDULED]
    if STAGES[status.stage] == "starting" and scheduled and scheduled[0].status == "False":
        return "queued"
    return STAGES[status.stage]


def account_of(status: JobStatus) -> Account | None:
    """Return the account that a status holds."""
    if status.goodput is None:
        return None
    seconds = status.goodput.seconds
    ms = {kind: round(float(seconds[kind]) * 1000) for kind in KINDS if kind in seconds}
    return Account(until_ms=milliseconds(parse(status.goodput.until)), ms=ms)


def goodput_status(account: Account) -> GoodputStatus:
    """Return an account as a status holds it."""
    return GoodputStatus(
        ratio=f"{account.goodput:.3f}",
        until=stamp(datetime.fromtimestamp(account.until_ms / 1000, UTC)),
        seconds={kind: f"{ms / 1000:.3f}" for kind, ms in account.ms.items()},
    )


def milliseconds(instant: datetime) -> int:
    """Return an instant as milliseconds since 1970."""
    return round(instant.timestamp() * 1000)
