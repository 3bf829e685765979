"""What a test needs to hold a job's account against: an operator's part, and what the workers' own logs say."""

import http.client
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from llmtrain_api.protocol import JOB_HEADER, CoordinatorStatus, DesiredWorkers
from llmtrain_api.time_ledger import CATEGORIES, TimeLedger
from support.polling import DEADLINE_SECONDS
from support.training_job import Job, Process

SECONDS_BETWEEN = 0.1
Span = tuple[float, float]
"""Two instants, in seconds since 1970."""


@dataclass(kw_only=True)
class Operator:
    """Asks a job's coordinator now and then and tells it what it knows, as the real one does."""

    job: Job
    workers: int
    account: TimeLedger
    step: int = 0
    fell: list[str] = field(default_factory=list)
    """Each time that less was told of a kind than before."""

    def ask(self) -> CoordinatorStatus | None:
        """Return what the coordinator answers, and keep it; None if it is away."""
        wanted = DesiredWorkers(
            workers=self.workers, ledger=self.account, step=self.step, now_ms=int(time.time() * 1000)
        )
        connection = http.client.HTTPConnection("127.0.0.1", self.job.port, timeout=DEADLINE_SECONDS)
        try:
            connection.request(
                "PUT", "/v1/workers", wanted.model_dump_json(by_alias=True), {JOB_HEADER: self.job.run.uid}
            )
            seen = CoordinatorStatus.model_validate_json(connection.getresponse().read())
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        assert seen.ledger is not None
        for kind in CATEGORIES:
            before, now = self.account.ms.get(kind, 0), seen.ledger.ms.get(kind, 0)
            if now < before:
                self.fell.append(f"{kind} from {before} to {now} ms")
        self.account = seen.ledger
        self.step = seen.progress.step if seen.progress else self.step
        return seen

    def until(
        self, condition: Callable[[CoordinatorStatus], bool], what: str, seconds: float = DEADLINE_SECONDS
    ) -> CoordinatorStatus:
        """Ask until what is seen fulfills a condition; return that."""
        give_up = time.monotonic() + seconds
        while (seen := self.ask()) is None or not condition(seen):
            assert time.monotonic() < give_up, f"waited in vain until {what}"
            time.sleep(SECONDS_BETWEEN)
        return seen


def tells_steps(seen: CoordinatorStatus) -> bool:
    """Return whether the newest generation runs and has told of a step."""
    return seen.state == "Training" and seen.progress is not None and seen.progress.generation == seen.generation


def instants(processes: Iterable[Process], event: str) -> list[float]:
    """Return when a line was written to any log, in order."""
    lines = (line for process in processes for line in process.events(event))
    return sorted(datetime.fromisoformat(str(line["time"])).timestamp() for line in lines)


def newest_step(processes: Iterable[Process]) -> int:
    """Return the last step of which there is a line in any log."""
    return max((int(str(line["step"])) for process in processes for line in process.events("step")), default=0)


def seconds_logged(processes: Iterable[Process], event: str) -> float:
    """Return how long all events of a name took by the logs."""
    return sum(float(str(line["seconds"])) for process in processes for line in process.events(event))


def gaps(begins: Iterable[float], ends: Sequence[float]) -> list[Span]:
    """Return what lies between each of some instants and the next end after it, each second once."""
    spans: list[Span] = []
    for begin in sorted(begins):
        end = next((end for end in ends if end >= begin), begin)
        if not spans or begin >= spans[-1][1]:
            spans.append((begin, end))
    return spans


def length(spans: Iterable[Span]) -> float:
    """Return the seconds of all spans."""
    return sum(end - begin for begin, end in spans)
