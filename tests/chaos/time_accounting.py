"""Time accounting from outside a job: the operator's side of the time ledger, and durations from the workers' logs."""

import http.client
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from llmtrain_api.protocol import CoordinatorStatus, DesiredWorkers
from llmtrain_api.time_ledger import CATEGORIES, TimeLedger
from support.polling import DEADLINE_SECONDS, eventually
from support.training_job import Job, Process

POLL_INTERVAL_SECONDS = 0.1
Span = tuple[float, float]
"""Two instants, in seconds since 1970."""


@dataclass(kw_only=True)
class Operator:
    """Exchanges the time ledger with a job's coordinator, as the operator does."""

    job: Job
    workers: int
    ledger: TimeLedger
    step: int = 0
    decreases: list[str] = field(default_factory=list)
    """Each time that a category had fewer milliseconds than before."""

    def sync_workers(self) -> CoordinatorStatus | None:
        """Return the coordinator's status, and keep its ledger; None if it does not answer."""
        desired = DesiredWorkers(
            workers=self.workers, ledger=self.ledger, step=self.step, now_ms=int(time.time() * 1000)
        )
        connection = http.client.HTTPConnection("127.0.0.1", self.job.port, timeout=DEADLINE_SECONDS)
        try:
            connection.request("PUT", "/v1/workers", desired.model_dump_json(by_alias=True), self.job.headers)
            status = CoordinatorStatus.model_validate_json(connection.getresponse().read())
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        assert status.ledger is not None
        for category in CATEGORIES:
            before, now = self.ledger.ms.get(category, 0), status.ledger.ms.get(category, 0)
            if now < before:
                self.decreases.append(f"{category} from {before} to {now} ms")
        self.ledger = status.ledger
        self.step = status.progress.step if status.progress else self.step
        return status

    def until(
        self, condition: Callable[[CoordinatorStatus], bool], what: str, seconds: float = DEADLINE_SECONDS
    ) -> CoordinatorStatus:
        """Poll until the status fulfils a condition; return that status."""

        def probe() -> CoordinatorStatus | None:
            status = self.sync_workers()
            return status if status is not None and condition(status) else None

        status = eventually(probe, what, seconds=seconds, interval=POLL_INTERVAL_SECONDS)
        assert status is not None
        return status


def reports_steps(status: CoordinatorStatus) -> bool:
    """Return whether the newest generation trains and has reported a step."""
    return (
        status.state == "Training" and status.progress is not None and status.progress.generation == status.generation
    )


def instants(processes: Iterable[Process], event: str) -> list[float]:
    """Return when an event was logged by any process, in order, in seconds since 1970."""
    lines = (line for process in processes for line in process.events(event))
    return sorted(datetime.fromisoformat(str(line["time"])).timestamp() for line in lines)


def newest_step(processes: Iterable[Process]) -> int:
    """Return the newest step that any process has logged."""
    return max((int(str(line["step"])) for process in processes for line in process.events("step")), default=0)


def seconds_logged(processes: Iterable[Process], event: str) -> float:
    """Return the sum of the durations that events of a name carry, in seconds."""
    return sum(float(str(line["seconds"])) for process in processes for line in process.events(event))


def gaps(starts: Iterable[float], ends: Sequence[float]) -> list[Span]:
    """Return the spans between each start and the next end after it, without overlaps."""
    spans: list[Span] = []
    for start in sorted(starts):
        end = next((end for end in ends if end >= start), start)
        if not spans or start >= spans[-1][1]:
            spans.append((start, end))
    return spans


def length(spans: Iterable[Span]) -> float:
    """Return the length of all spans together, in seconds."""
    return sum(end - start for start, end in spans)
